package meshtest_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// lobby is an object that watches its guests, over several lives of the gateway.
type lobby struct {
	begin time.Time
	mu    sync.Mutex
	left  []string
}

const (
	enter   lmz.Method0[struct{}]         = "enter"
	expect  lmz.Method1[string, struct{}] = "expect"
	hasLeft lmz.Method1[string, struct{}] = "hasLeft"
)

func startLobby(m *meshtest.Mesh) *lobby {
	l := &lobby{begin: time.Now()}
	m.HandleObject("LOBBY", object.Kind{Idle: 3 * time.Second, New: func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		watch := func(ctx context.Context, who lmz.Address) (struct{}, error) {
			return struct{}{}, o.Watch(ctx, who, hasLeft.Ctn(who.Instance))
		}
		enter.Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			c, _ := lmz.CallContextFrom(ctx)
			return watch(ctx, c.Caller().Address)
		})
		expect.Expose(mux, lmz.Anyone, func(ctx context.Context, name string) (struct{}, error) {
			return watch(ctx, lmz.At(lmz.DefaultGateway, name))
		})
		hasLeft.Expose(mux, lmz.NoOne, func(ctx context.Context, name string) (struct{}, error) {
			c, _ := lmz.CallContextFrom(ctx)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.left = append(l.left, fmt.Sprintf("%v %s %v", time.Since(l.begin), name, c.Chain))
			return struct{}{}, nil
		})
		return mux
	}})
	return l
}

// wants checks which guests have left, and when, to the whole second.
func (l *lobby) wants(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.left, want) {
		t.Errorf("left %q, want %q", l.left, want)
	}
	l.left = nil
}

func in(t *testing.T, c *meshtest.Client) {
	t.Helper()
	if _, err := enter.Call(t.Context(), c, lmz.At("LOBBY", "one")); err != nil {
		t.Fatal(err)
	}
}

func TestWatchOfALostSession(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		l := startLobby(m)
		ann := m.Client("ann", nil, client.Options{})
		in(t, ann)
		in(t, ann) // a duplicate watch has no effect
		ann.Cut()
		time.Sleep(4 * time.Second)
		ann.Heal()
		time.Sleep(4 * time.Second) // back in time; the lobby was closed while idle
		l.wants(t)
		ann.Cut()
		time.Sleep(4 * time.Second)
		l.wants(t)
		time.Sleep(2 * time.Second)
		l.wants(t, "13s ann.t1 []")
		ann.Heal()
		time.Sleep(time.Second)
		ann.Cut() // the new session is not watched
		time.Sleep(time.Minute)
		l.wants(t)
	})
}

func TestWatchOfAClosedSession(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		l := startLobby(m)
		ann := m.Client("ann", nil, client.Options{Tab: "a"})
		in(t, ann)
		ann.Close()
		l.wants(t, "0s ann.a []")
		ben := m.Client("ben", nil, client.Options{Tab: "b"})
		in(t, ben)
		again := m.Client("ben", nil, client.Options{Tab: "b"})
		in(t, again)
		l.wants(t, "0s ben.b []")
		time.Sleep(time.Minute)
		l.wants(t)
		again.Close()
		l.wants(t, "1m0s ben.b []")
	})
}

func TestWatchWithoutASession(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		l := startLobby(m)
		ann := m.Client("ann", nil, client.Options{})
		if _, err := expect.Call(t.Context(), ann, lmz.At("LOBBY", "one"), "ben.gone"); err != nil {
			t.Fatal(err)
		}
		l.wants(t, "0s ben.gone []")
	})
}

func TestWatchAcrossARestart(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(m *meshtest.Mesh)
	}{
		{"killed", func(m *meshtest.Mesh) { m.CrashGateway(); m.RestartGateway() }},
		{"stopped", func(m *meshtest.Mesh) { m.RestartGateway() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
				l := startLobby(m)
				ann := m.Client("ann", nil, client.Options{})
				in(t, ann)
				ann.Cut() // nobody calls the lobby
				test.end(m)
				ann.Cut()
				l.wants(t, "0s ann.t1 []")
				time.Sleep(time.Hour)
				test.end(m)
				l.wants(t)
			})
		})
	}
}

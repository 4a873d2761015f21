package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

// authority verifies the tokens of gateway_test.go, and can change its verdicts.
type authority struct {
	mu      sync.Mutex
	number  uint64
	denied  map[string]bool // subjects, sessions and tokens
	demoted map[string]bool // subjects
	away    bool
	asked   int
}

func (a *authority) deny(ids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		a.denied[id] = true
	}
	a.number++
}

func (a *authority) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (a *authority) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

func (a *authority) revocations() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.number
}

func (a *authority) verify(ctx context.Context, token string) (*lmz.Auth, error) {
	auth, err := verify(ctx, token)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	auth.Session, auth.Token = "session of "+auth.Subject, "token of "+auth.Subject
	switch {
	case a.away:
		return nil, errors.New("the provider is away")
	case a.denied[auth.Subject] || a.denied[auth.Session] || a.denied[auth.Token]:
		return nil, &gateway.Refusal{Status: http.StatusUnauthorized, Message: "Signed out"}
	case a.demoted[auth.Subject]:
		delete(auth.Claims, "isAdmin")
	}
	return auth, nil
}

// startAuthority starts a mesh whose gateway uses an authority.
func startAuthority(t *testing.T, edit func(*gateway.Options)) (*mesh, *authority) {
	a := &authority{denied: map[string]bool{}, demoted: map[string]bool{}}
	m := startMeshWith(t, func(o *gateway.Options) {
		o.Verify = a.verify
		if edit != nil {
			edit(o)
		}
	})
	m.gateway.HandleWorker("PROBE", probe)
	return m, a
}

// ended waits for the end of a connection and returns its reason, and after how long it came.
func ended(c *websocket.Conn) (code int, reason string, after time.Duration) {
	begun := time.Now()
	for {
		if _, _, err := c.Read(context.Background()); err != nil {
			var closed websocket.CloseError
			errors.As(err, &closed)
			return int(closed.Code), closed.Reason, time.Since(begun)
		}
	}
}

func (m *mesh) dialJSON(t *testing.T, subject string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), "ws://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/"+subject+".json", &websocket.DialOptions{
		HTTPClient: m.network.Client(), Subprotocols: []string{proto.SubprotocolJSON, proto.TokenPrefix + token(subject, time.Time{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestRevokedConnections(t *testing.T) {
	for _, id := range []string{"ann", "session of ann", "token of ann"} {
		t.Run(id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, a := startAuthority(t, nil)
				defer m.stop()
				ann, bob := m.raw("ann.tab", token("ann", time.Time{})), m.raw("bob.tab", token("bob", time.Time{}))
				ann.hello()
				bob.hello()
				silent := m.raw("ann.silent", token("ann", time.Time{})) // never says hello
				json := m.dialJSON(t, "ann")
				a.deny(id)
				m.gateway.Revoke(id)
				for name, conn := range map[string]*websocket.Conn{"cbor": ann.conn, "no hello yet": silent.conn, "json": json} {
					if code, reason, after := ended(conn); code != 4401 || reason != "Signed out" || after > time.Second {
						t.Errorf("%s: closed with %d %q after %v", name, code, reason, after)
					}
				}
				bob.frame(cborCall(t, 1, lmz.Worker("ECHO"), echo.Ctn("x"), nil))
				bob.answer()
			})
		})
	}
}

func TestAPushIsOnlyAReasonToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, nil)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		before := a.count()
		m.gateway.Revoke("ann", "somebody else")
		synctest.Wait()
		if got := a.count() - before; got != 1 {
			t.Errorf("asked %d times", got)
		}
		r.frame(cborCall(t, 1, lmz.Worker("ECHO"), echo.Ctn("x"), nil))
		r.answer()
		m.gateway.Revoke("somebody else")
		synctest.Wait()
		if got := a.count() - before; got != 1 {
			t.Errorf("asked %d times, also about others", got)
		}
	})
}

func TestALostPushCostsAHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m *mesh
		var a *authority
		m, a = startAuthority(t, func(o *gateway.Options) { o.Revocations = func() uint64 { return a.revocations() } })
		defer m.stop()
		r, json := m.raw("ann.tab", token("ann", time.Time{})), m.dialJSON(t, "ann")
		r.hello()
		begun := time.Now()
		var reading sync.WaitGroup
		reading.Go(func() { // as clients do
			for r.conn.Write(context.Background(), websocket.MessageBinary, (&proto.Frame{Kind: proto.KindPing}).Append(nil)) == nil {
				time.Sleep(10 * time.Second)
			}
		})
		for name, conn := range map[string]*websocket.Conn{"cbor": r.conn, "json": json} {
			reading.Go(func() {
				if code, _, _ := ended(conn); code != 4401 || time.Since(begun) > 10*time.Minute+31*time.Second {
					t.Errorf("%s: closed with %d after %v", name, code, time.Since(begun))
				}
			})
		}
		synctest.Wait()
		before := a.count()
		time.Sleep(10*time.Minute + time.Second)
		if got := a.count() - before; got != 0 {
			t.Errorf("asked %d times though nothing was taken away", got)
		}
		a.deny("ann")
		reading.Wait()
	})
}

func TestWhatIsTakenAwayWhileSomebodyConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m *mesh
		var a *authority
		var once sync.Once
		m, a = startAuthority(t, func(o *gateway.Options) {
			o.Verify = func(ctx context.Context, token string) (*lmz.Auth, error) {
				auth, err := a.verify(ctx, token)
				once.Do(func() { // no bearer is registered yet
					a.deny("ann")
					m.gateway.Revoke("ann")
				})
				return auth, err
			}
		})
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		if code, _, after := ended(r.conn); code != 4401 || after > time.Second {
			t.Errorf("closed with %d after %v", code, after)
		}
	})
}

func TestReverify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, func(o *gateway.Options) { o.Reverify = time.Minute })
		defer m.stop()
		conn := m.dialJSON(t, "ann")
		before := a.count()
		go func() {
			time.Sleep(10*time.Minute + time.Second)
			if got := a.count() - before; got != 10 {
				t.Errorf("asked %d times in ten minutes", got)
			}
			a.deny("ann")
		}()
		if code, _, after := ended(conn); code != 4401 || after > 11*time.Minute+time.Second {
			t.Errorf("closed with %d after %v", code, after)
		}
	})
}

func TestACheckThatCannotBeMadeEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, nil)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		a.set(func() { a.away, a.denied["ann"] = true, true })
		m.gateway.Revoke("ann")
		r.frame(proto.Frame{Kind: proto.KindToken, Token: tokenWith(map[string]any{"sub": "ann", "next": true}, time.Time{})})
		time.Sleep(30 * time.Second)
		r.frame(cborCall(t, 1, lmz.Worker("ECHO"), echo.Ctn("x"), nil))
		r.answer()
		a.set(func() { a.away = false })
		if code, reason, after := ended(r.conn); code != 4401 || reason != "Signed out" || after > 6*time.Second {
			t.Errorf("closed with %d %q after %v", code, reason, after)
		}
	})
}

func TestADemotedClientGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, nil)
		defer m.stop()
		m.gateway.HandleObject("SLOW_DO", object.Kind{New: newSlow})
		admin := tokenWith(map[string]any{"sub": "ann", "isAdmin": true}, time.Time{})
		r := m.raw("ann.tab", admin)
		r.hello()
		r.frame(cborCall(t, 1, lmz.Worker("PROBE"), lmz.Ctn("context"), nil))
		if _, got := r.answer(); !strings.Contains(fmt.Sprint(got), "isAdmin") || strings.Contains(fmt.Sprint(got), "session of") {
			t.Errorf("before: %s", got)
		}
		// One call is in progress and one waits behind it; both began with administrator rights.
		r.frame(cborCall(t, 2, lmz.At("SLOW_DO", "a"), lmz.Ctn("hold"), nil))
		r.frame(cborCall(t, 3, lmz.At("SLOW_DO", "a"), lmz.Ctn("hold"), nil))
		synctest.Wait()
		a.set(func() { a.demoted["ann"] = true })
		m.gateway.Revoke("ann")
		for range 2 {
			if failed, got := r.answer(); failed == "" {
				t.Errorf("a call of the former admin went on: %v", got)
			}
		}
		r.frame(cborCall(t, 4, lmz.Worker("PROBE"), lmz.Ctn("context"), nil))
		if _, got := r.answer(); strings.Contains(fmt.Sprint(got), "isAdmin") {
			t.Errorf("afterwards: %s", got)
		}
	})
}

// newSlow returns an object whose turn lasts until its call is cancelled.
func newSlow(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	lmz.Method0[struct{}]("hold").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
		<-ctx.Done()
		return struct{}{}, ctx.Err()
	})
	return mux
}

func TestCallsOfARevokedClientEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, nil)
		defer m.stop()
		held := make(chan time.Duration, 2)
		m.gateway.HandleWorker("HOLD", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[struct{}]("hold").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
				begun := time.Now()
				<-ctx.Done()
				held <- time.Since(begun)
				return struct{}{}, ctx.Err()
			})
			return mux
		})
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		r.frame(cborCall(t, 1, lmz.Worker("HOLD"), lmz.Ctn("hold"), nil))
		send := cborCall(t, 2, lmz.Worker("HOLD"), lmz.Ctn("hold"), nil)
		send.NoReply = true
		r.frame(send)
		synctest.Wait()
		a.deny("ann")
		m.gateway.Revoke("ann")
		ended(r.conn)
		for range 2 {
			if after := <-held; after > time.Second {
				t.Errorf("a call went on for %v", after)
			}
		}
		if s := m.gateway.Stats(); s.Sessions != 0 {
			t.Errorf("%d sessions", s.Sessions)
		}
	})
}

func TestAdminMethodsAskAtEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, nil)
		defer m.stop()
		admin := tokenWith(map[string]any{"sub": "ann", "isAdmin": true}, time.Time{})
		r := m.raw("ann.tab", admin)
		r.hello()
		number := uint64(0)
		call := func() lmz.Code {
			number++
			r.frame(cborCall(t, number, lmz.Worker("LMZ_GATEWAY"), lmz.Ctn("objects", "", "", 1), nil))
			failed, _ := r.answer()
			return failed
		}
		if got := call(); got != "" {
			t.Fatalf("an admin: %q", got)
		}
		a.set(func() { a.demoted["ann"] = true }) // without a report
		if got := call(); got != lmz.CodeGuard {
			t.Errorf("a demoted admin: %q", got)
		}
		a.set(func() { delete(a.demoted, "ann"); a.away = true })
		if got := call(); got != lmz.CodeGuard {
			t.Errorf("an admin who cannot be asked about: %q", got)
		}
	})
}

func TestARevokedRequestWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := startAuthority(t, nil)
		defer m.stop()
		m.gateway.HandleObject("MIRROR_DO", object.Kind{New: newMirror})
		body, end := io.Pipe()
		sent := make(chan struct{})
		req, _ := http.NewRequest("POST", "http://mesh/gateway/mirror-do/a", body)
		req.Header.Set("Authorization", "Bearer "+token("ann", time.Time{}))
		go func() {
			defer close(sent)
			fmt.Fprint(end, "begin")
			time.Sleep(time.Second)
			a.deny("token of ann")
			m.gateway.Revoke("token of ann")
			time.Sleep(2 * time.Second)
			end.Close()
		}()
		begun := time.Now()
		resp, err := m.network.Client().Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := bufio.NewReader(resp.Body).ReadString('\n')
		if after := time.Since(begun); resp.StatusCode != 401 || !strings.Contains(text, "Signed out") || after > 2*time.Second {
			t.Errorf("got %d %s after %v", resp.StatusCode, text, after)
		}
		<-sent
	})
}

// No messages are sent, so only the clock reveals the expiry.
func TestATokenThatExpiresInASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		until := time.Now().Add(time.Minute)
		r := m.raw("ann.tab", token("ann", until))
		r.hello()
		m.gateway.StopExpiry()
		if code := r.closeCode(); code != proto.CloseTokenExpired || time.Since(until) > 10*time.Second {
			t.Errorf("closed with %d, %v after the end", code, time.Since(until))
		}
	})
}

package meshtest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// halls are objects that take a second to handle the departure of a guest.
type halls struct {
	mu      sync.Mutex
	begun   []string       // guests whose departure is being handled, in order
	noticed map[string]int // how often, by hall and guest
}

func startHalls(m *meshtest.Mesh) *halls {
	h := &halls{noticed: make(map[string]int)}
	m.HandleObject("HALL", object.Kind{Idle: 3 * time.Second, New: func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		enter.Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			c, _ := lmz.CallContextFrom(ctx)
			return struct{}{}, o.Watch(ctx, c.Caller().Address, hasLeft.Ctn(c.Caller().Instance))
		})
		hasLeft.Expose(mux, lmz.NoOne, func(_ context.Context, who string) (struct{}, error) {
			h.mu.Lock()
			h.begun = append(h.begun, who)
			h.mu.Unlock()
			time.Sleep(100 * time.Millisecond) // virtual
			h.mu.Lock()
			defer h.mu.Unlock()
			h.noticed[o.Identity().Instance+" "+who]++
			return struct{}{}, nil
		})
		return mux
	}})
	return h
}

// leavings returns how many halls have begun to handle a departure.
func (h *halls) leavings() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.begun)
}

// fill makes a client enter n halls.
func fill(t *testing.T, c *meshtest.Client, n int) {
	t.Helper()
	for i := range n {
		if _, err := enter.Call(t.Context(), c, lmz.At("HALL", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEndOfASessionWithManyWatches ends the session of a client that 1,000 objects watch. Only a
// few of them have begun to handle it when a call from another client runs, and when the object
// of a second client, which leaves later, does.
func TestEndOfASessionWithManyWatches(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		h := startHalls(m)
		ann, ben, eve := m.Client("ann", nil, client.Options{}), m.Client("ben", nil, client.Options{}), m.Client("eve", nil, client.Options{})
		fill(t, ann, 1000)
		fill(t, ben, 1)
		time.Sleep(time.Minute) // everything is closed
		ann.Close()
		synctest.Wait()
		if n := h.leavings(); n == 0 || n > 2 {
			t.Errorf("%d objects did something about the end of a session at once", n)
		}
		if _, err := enter.Call(t.Context(), eve, lmz.At("HALL", "another")); err != nil {
			t.Fatal(err)
		}
		if n := h.leavings(); n > 2 {
			t.Errorf("%d objects did something about the end of a session before a call ran", n)
		}
		ben.Close()
		time.Sleep(time.Second)
		h.mu.Lock()
		for i, who := range h.begun {
			if who == "ben.t1" || who == "ben.t2" {
				break
			}
			if i > 6 {
				t.Errorf("the object that ben left is told after %d others: %v", i, h.begun)
				break
			}
		}
		h.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(h.noticed) != 1001 || h.leavings() != 1001 {
			t.Errorf("%d of 1,001 leavings were noticed, %d times", len(h.noticed), h.leavings())
		}
	})
}

// TestPendingEndsAcrossARestart kills the gateway while most objects have not been notified of
// the end of a session.
func TestPendingEndsAcrossARestart(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		h := startHalls(m)
		ann := m.Client("ann", nil, client.Options{})
		fill(t, ann, 100)
		ann.Close()
		time.Sleep(time.Second)
		m.CrashGateway()
		if n := h.leavings(); n < 10 || n > 30 {
			t.Errorf("%d objects had begun", n)
		}
		m.RestartGateway()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(h.noticed) != 100 {
			t.Errorf("%d of 100 leavings were noticed", len(h.noticed))
		}
		for who, n := range h.noticed {
			if n > 2 { // one that was in progress in the crash runs again
				t.Errorf("%s left %d times", who, n)
			}
		}
	})
}

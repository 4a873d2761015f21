package meshtest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// TestCallsAcrossAPlannedStop restarts the gateway while an object is working, others wait for
// their turn, and further calls arrive.
func TestCallsAcrossAPlannedStop(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		slow := lmz.Method1[int, int]("slow")
		m.HandleObject("SLOW", object.Kind{New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			slow.Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (int, error) {
				time.Sleep(100 * time.Millisecond) // virtual
				var sum int
				if _, err := o.KV().Get(ctx, "sum", &sum); err != nil {
					return 0, err
				}
				return sum + 1, o.KV().Put(ctx, "sum", sum+1)
			})
			return mux
		}})
		ann := m.Client("ann", nil, client.Options{})
		const calls = 20
		failed := make(chan error, calls)
		call := func(i int) {
			go func() {
				got, err := slow.Call(t.Context(), ann, lmz.At("SLOW", "a"), i)
				if err == nil && got != i+1 {
					err = fmt.Errorf("call %d was run as number %d", i, got)
				}
				failed <- err
			}()
			synctest.Wait()
		}
		for i := range calls / 2 {
			call(i)
		}
		time.Sleep(50 * time.Millisecond)
		go m.RestartGateway()
		synctest.Wait()
		for i := range calls / 2 {
			call(calls/2 + i)
		}
		for range calls {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestRepeatedCallsAcrossAPlannedStop kills the gateway when a call has run and its answer is in
// flight, and stops the next gateway while the repeated call waits for its turn.
func TestRepeatedCallsAcrossAPlannedStop(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		work := lmz.Method1[time.Duration, int]("work")
		m.HandleObject("BUSY", object.Kind{New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			work.Expose(mux, lmz.Anyone, func(ctx context.Context, long time.Duration) (int, error) {
				var runs int
				if _, err := o.KV().Get(ctx, "runs", &runs); err != nil {
					return 0, err
				}
				if err := o.KV().Put(ctx, "runs", runs+1); err != nil {
					return 0, err
				}
				time.Sleep(long) // virtual
				return runs + 1, nil
			})
			return mux
		}})
		busy := lmz.At("BUSY", "a")
		ann, bob := m.Client("ann", nil, client.Options{}), m.Client("bob", nil, client.Options{})
		ann.Delay(100 * time.Millisecond)
		answered := make(chan error, 1)
		go func() {
			got, err := work.Call(t.Context(), ann, busy, 0)
			if err == nil && got != 1 {
				err = fmt.Errorf("it was run as number %d", got)
			}
			answered <- err
		}()
		time.Sleep(150 * time.Millisecond)
		m.CrashGateway()
		ann.Cut()
		m.RestartGateway()
		for bob.State() != client.Connected {
			time.Sleep(10 * time.Millisecond)
		}
		go work.Call(t.Context(), bob, busy, 5*time.Second)
		synctest.Wait()
		ann.Heal()
		for ann.State() != client.Connected {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second) // the call has arrived, and waits
		m.RestartGateway()
		if err := <-answered; err != nil {
			t.Error(err)
		}
	})
}

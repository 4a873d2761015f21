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

// TestAPlannedStopFailsNoCall restarts the gateway while an object is at work and others
// wait for their turn, and while further calls come in.
func TestAPlannedStopFailsNoCall(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		slow := lmz.Method1[int, int]("slow")
		m.Object("SLOW", object.Kind{New: func(o *object.Object) lmz.Handler {
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

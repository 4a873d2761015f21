package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// The callee keeps an answer that its caller has not acknowledged, however many others have
// called since: after a crash the call, presented again, gets the kept answer.
func TestAnswerOfAGatewayThatIsGone(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		const next = lmz.Method1[bool, int]("next")
		var ann *meshtest.Client
		m.HandleObject("NUMBER", object.Kind{New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			next.Expose(mux, lmz.Anyone, func(ctx context.Context, cut bool) (n int, err error) {
				if cut {
					ann.Cut()
				}
				if _, err := o.KV().Get(ctx, "n", &n); err != nil {
					return 0, err
				}
				return n + 1, o.KV().Put(ctx, "n", n+1)
			})
			return mux
		}})
		ann = m.Client("ann", nil, client.Options{})
		bob := m.Client("bob", nil, client.Options{})
		to := lmz.At("NUMBER", "a")
		type result struct {
			n   int
			err error
		}
		first := make(chan result, 1)
		go func() {
			n, err := next.Call(t.Context(), ann, to, true)
			first <- result{n, err}
		}()
		time.Sleep(time.Second)
		for want := 2; want < 5; want++ {
			if n, err := next.Call(t.Context(), bob, to, false); n != want || err != nil {
				t.Errorf("bob got %d, %v, want %d", n, err, want)
			}
		}
		m.CrashGateway()
		ann.Heal()
		m.RestartGateway()
		if got := <-first; got != (result{1, nil}) {
			t.Errorf("ann got %+v, want 1", got)
		}
		if n, err := next.Call(t.Context(), bob, to, false); n != 5 || err != nil {
			t.Errorf("bob got %d, %v, want 5", n, err)
		}
	})
}

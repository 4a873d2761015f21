package meshtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// TestReopenedTables checks that an object whose kind has tables may write none, and be closed
// and reopened.
func TestReopenedTables(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		const next = lmz.Method0[int]("next")
		m.HandleObject("COUNTER", object.Kind{Idle: time.Second, Schema: []string{`CREATE TABLE one (n INTEGER)`}, New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			next.Expose(mux, lmz.Anyone, func(ctx context.Context) (n int, err error) {
				if _, err := o.KV().Get(ctx, "n", &n); err != nil {
					return 0, err
				}
				return n + 1, o.KV().Put(ctx, "n", n+1)
			})
			return mux
		}})
		ann := m.Client("ann", nil, client.Options{})
		for want := 1; want <= 3; want++ {
			if n, err := next.Call(t.Context(), ann, lmz.At("COUNTER", "a")); n != want || err != nil {
				t.Errorf("got %d, %v, want %d", n, err, want)
			}
			time.Sleep(10 * time.Second) // it is closed when idle
		}
	})
}

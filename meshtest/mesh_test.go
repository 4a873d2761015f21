package meshtest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHalfOpenConnection(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
		var subscriptions atomic.Int32
		ann := m.Client("ann", map[string]any{"guest": true}, client.Options{
			Heartbeat:              2 * time.Second,
			OnSubscriptionRequired: func(context.Context) { subscriptions.Add(1) },
		})
		ann.Stall()
		if n, err := sign.Call(t.Context(), ann, lmz.At("GUEST_BOOK", "a"), "Ann"); n != 1 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if got := subscriptions.Load(); got != 1 { // the gateway had not noticed: the session went on
			t.Errorf("%d subscriptions", got)
		}
	})
}

func TestKilledClient(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleWorker("ASK", func(self lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, req *lmz.Request) (any, error) {
				_, err := self.CallRaw(lmz.NewChain(ctx), lmz.At(lmz.DefaultGateway, req.Method), lmz.Ctn("x"))
				name, _ := lmz.DisconnectedClient(err)
				return name, nil
			})
		})
		bob := m.Client("bob", nil, client.Options{Tab: "one"})
		ann := m.Client("ann", nil, client.Options{})
		bob.Kill()
		start := time.Now()
		name, err := lmz.Call[string](t.Context(), ann, lmz.Worker("ASK"), lmz.Ctn("bob.one"))
		if took := time.Since(start); name != "bob.one" || err != nil || took < 5*time.Second || took > 6*time.Second {
			t.Errorf("got %q, %v after %v; want the end of the grace period", name, err, took)
		}
	})
}

func TestExpiredToken(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		old := meshtest.Token("ann", map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})
		ann := m.NewClient("ann", nil, client.Options{
			Token: func(context.Context, string) (string, error) { return old, nil },
		})
		if err := ann.Connect(t.Context()); !errors.Is(err, client.ErrLoginRequired) {
			t.Errorf("got %v", err)
		}
	})
}

package meshtest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestInterruptedSubscription(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
		var tried, signed atomic.Int32
		var ann *meshtest.Client
		ann = m.NewClient("ann", map[string]any{"guest": true}, client.Options{
			OnSubscriptionRequired: func(ctx context.Context) {
				tried.Add(1)
				if _, err := sign.Call(ctx, ann, lmz.At("GUEST_BOOK", "a"), "Ann"); err == nil {
					signed.Add(1)
				}
			},
		})
		ann.Delay(10 * time.Millisecond)
		ann.Connect(t.Context())
		time.Sleep(5 * time.Millisecond)
		ann.Cut()
		time.Sleep(time.Second)
		ann.Heal()
		time.Sleep(10 * time.Second)
		if signed.Load() == 0 || ann.State() != client.Connected {
			t.Errorf("tried %d times, signed %d times, %s", tried.Load(), signed.Load(), ann.State())
		}
	})
}

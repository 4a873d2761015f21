package authority

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// TestReverifyAfterASleep stops the timers, as on a machine that sleeps: the clock shows that
// a bearer is due.
func TestReverifyAfterASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := New(Options{Ctx: ctx, Reverify: time.Minute, Heartbeat: time.Hour, Look: func() {}})
		ann := &lmz.Auth{Subject: "ann"}
		var verified atomic.Int64
		begun := time.Now()
		b := &Bearer{
			Log: slog.New(slog.DiscardHandler), Taken: func(string) {}, GoOn: func(*lmz.Auth) {},
			Ask: func(context.Context) (*lmz.Auth, error) {
				verified.Store(int64(time.Since(begun)))
				return ann, nil
			},
		}
		a.Add(b, ann, a.Number())
		a.mu.Lock()
		b.again.Stop()
		a.mu.Unlock()
		time.Sleep(time.Minute + 10*time.Second) // virtual
		if after := time.Duration(verified.Load()); after < time.Minute {
			t.Errorf("verified after %v", after)
		}
		cancel()
		a.Close()
		a.Wait()
	})
}

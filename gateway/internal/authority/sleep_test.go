package authority

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// TestReverifyAfterASleep stops the timers, as a machine does that sleeps meanwhile: the clock
// tells that a bearer is due.
func TestReverifyAfterASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := New(Options{Ctx: ctx, Reverify: time.Minute, Heartbeat: time.Hour, Look: func() {}})
		ann := &lmz.Auth{Subject: "ann"}
		var verified time.Duration
		begun := time.Now()
		b := &Bearer{
			Log: slog.New(slog.DiscardHandler), Taken: func(string) {}, GoOn: func(*lmz.Auth) {},
			Ask: func(context.Context) (*lmz.Auth, error) {
				verified = time.Since(begun)
				return ann, nil
			},
		}
		a.Add(b, ann, a.Number())
		b.again.Stop()
		time.Sleep(time.Minute + 10*time.Second) // virtual
		if verified < time.Minute {
			t.Errorf("verified after %v", verified)
		}
		cancel()
		a.Close()
		a.Wait()
	})
}

package client_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
)

func TestCallsInFlightLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, underWay := make(chan struct{}), 0
		var g *loop
		g = newLoop(t, func(f proto.Frame) (proto.Answer, bool) {
			underWay++
			g.answerLater(release, f.Seq)
			return proto.Answer{}, false
		})
		p := g.connected(nil)
		defer g.end(p)
		done := make(chan error, 400)
		for range 356 {
			go func() { done <- call(t, p, "x") }()
		}
		synctest.Wait()
		if underWay != 256 {
			t.Errorf("%d calls are under way", underWay)
		}
		if err := call(t, p, "x"); !errors.Is(err, lmz.ErrQueueFull) {
			t.Errorf("the 357th: %v", err)
		}
		close(release)
		for range 356 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestConcurrentTokenRequests makes Options.Token slower than everything else, while tokens
// expire and connections are lost.
func TestConcurrentTokenRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		var asking, most, asked atomic.Int32
		p := g.connected(func(o *client.Options) {
			o.Token = func(ctx context.Context, _ string) (string, error) {
				asked.Add(1)
				most.Store(max(most.Load(), asking.Add(1)))
				defer asking.Add(-1)
				time.Sleep(7 * time.Second) // virtual
				claims := fmt.Sprintf(`{"sub":"ann","exp":%d}`, time.Now().Add(35*time.Second).Unix())
				return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s", nil
			}
		})
		defer g.end(p)
		for range 10 {
			time.Sleep(5 * time.Second) // virtual: a renewal is under way
			g.cut()
			g.heal()
			go p.Connect(t.Context())
		}
		time.Sleep(20 * time.Second) // virtual
		if most.Load() != 1 || asked.Load() < 5 || p.State() != client.Connected {
			t.Errorf("asked %d times, up to %d at once; %s", asked.Load(), most.Load(), p.State())
		}
	})
}

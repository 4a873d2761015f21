package gateway_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/faultnet"
	"github.com/lumenize/lmz/object"
)

// TestNoCallIsLostOrDoubledOnABadNetwork increments a counter over real sockets while the
// line stalls, is dead, is cut, and splits frames at every byte.
func TestNoCallIsLostOrDoubledOnABadNetwork(t *testing.T) {
	g, err := gateway.New(gateway.Options{
		Dir: t.TempDir(), Verify: verify, Log: slog.New(slog.DiscardHandler),
		Heartbeat: 200 * time.Millisecond, // a dead line is noticed after 10 s without a pong
		Grace:     10 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.HandleObject("COUNTER", object.Kind{New: newCounter})
	server := httptest.NewServer(g)
	defer server.Close()
	defer g.Close()
	line, err := faultnet.Listen(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	var subscriptions atomic.Int32
	p, err := client.New(client.Options{
		URL:                    line.URL(),
		Token:                  func(context.Context, string) (string, error) { return token("ann", time.Time{}), nil },
		OnSubscriptionRequired: func(context.Context) { subscriptions.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closePeer(p)
	if err := p.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := 0
	count := func() {
		t.Helper()
		want++
		if got, err := add.Call(t.Context(), p, lmz.At("COUNTER", "a"), 1); err != nil || got != want {
			t.Fatalf("got %d, %v, want %d", got, err, want)
		}
	}
	count()
	for _, fault := range []struct {
		name string
		mode faultnet.Mode
	}{
		{"frames split at every byte", faultnet.Split}, {"stall", faultnet.Stall}, {"drop", faultnet.Cut}, {"half-open", faultnet.Lose},
	} {
		line.Set(fault.mode)
		if fault.mode != faultnet.Split {
			time.AfterFunc(300*time.Millisecond, func() { line.Set(faultnet.Pass) })
		}
		start := time.Now()
		for range 20 {
			count()
		}
		t.Logf("%s: 20 calls took %v", fault.name, time.Since(start).Round(time.Millisecond))
		line.Set(faultnet.Pass)
	}
	if got := subscriptions.Load(); got != 1 { // the grace period outlasts every fault
		t.Errorf("OnSubscriptionRequired ran %d times", got)
	}
}

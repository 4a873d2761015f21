package gateway_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// BenchmarkCall measures calls of a client over a real socket on this machine: to a worker,
// to an object that only reads, and to one that writes, which takes a commit and an fsync
// each. "parallel" has 64 in flight.
func BenchmarkCall(b *testing.B) {
	g, err := gateway.New(gateway.Options{Dir: b.TempDir(), Verify: verify, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	g.HandleObject("COUNTER", object.Kind{New: newCounter})
	g.HandleWorker("ECHO", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		echo.Expose(mux, lmz.Anyone, func(_ context.Context, s string) (string, error) { return s, nil })
		return mux
	})
	server := httptest.NewServer(g)
	defer server.Close()
	defer g.Close()
	p, err := client.New(client.Options{
		URL: server.URL, Token: func(context.Context, string) (string, error) { return token("ann", time.Time{}), nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer closePeer(p)
	if err := p.Connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"worker": func() error { _, err := echo.Call(b.Context(), p, lmz.Worker("ECHO"), "hi"); return err },
		"read":   func() error { _, err := add.Call(b.Context(), p, lmz.At("COUNTER", "a"), 0); return err },
		"write":  func() error { _, err := add.Call(b.Context(), p, lmz.At("COUNTER", "a"), 1); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

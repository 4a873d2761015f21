package admin_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/object"
)

// A client asks whether it may call a method, without calling it.
func Example() {
	g, err := gateway.New(gateway.Options{
		Memory: new(object.MemoryDisk),
		Verify: func(context.Context, string) (*lmz.Auth, error) { return &lmz.Auth{Subject: "ann"}, nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer g.Close()
	g.HandleWorker("CLOCK", func(lmz.Caller) lmz.Handler {
		var mux lmz.Mux
		lmz.Method0[string]("now").Expose(&mux, lmz.Anyone, func(context.Context) (string, error) { return "noon", nil })
		return &mux
	})
	server := httptest.NewServer(g)
	defer server.Close()
	peer, err := client.New(client.Options{
		URL: server.URL, Tab: "1",
		Token: func(context.Context, string) (string, error) { return "a.token.x", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()
	ctx := context.Background()
	if err := peer.Connect(ctx); err != nil {
		log.Fatal(err)
	}
	d, err := admin.Can.Call(ctx, peer, lmz.Worker(admin.Binding), lmz.Worker("CLOCK"), "now", nil)
	fmt.Println(d.Allowed, err)
	// Output: true <nil>
}

package gateway_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// A gateway with a worker. Guests have their own binding, whose rules let them call less.
func ExampleGateway() {
	g, err := gateway.New(gateway.Options{
		Memory: new(object.MemoryDisk), // a program sets Dir
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) { return &lmz.Auth{Subject: token}, nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	const double lmz.Method1[int, int] = "double"
	for _, binding := range []string{"MATH", "SECRETS"} {
		g.HandleWorker(binding, func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			double.Expose(mux, lmz.Anyone, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
			return mux
		})
	}
	g.HandleClients("GUESTS", gateway.ClientOptions{Bindings: []string{"MATH"}})
	server := httptest.NewServer(g)
	defer server.Close()

	p, err := client.New(client.Options{
		URL: server.URL, Binding: "GUESTS", Tab: "t1",
		Token: func(context.Context, string) (string, error) { return "ann", nil },
	})
	if err == nil {
		err = p.Connect(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for _, binding := range []string{"MATH", "SECRETS"} {
		n, err := double.Call(context.Background(), p, lmz.Worker(binding), 21)
		fmt.Printf("%v %d %q\n", p.Identity(), n, lmz.CodeOf(err))
	}
	// Output:
	// GUESTS/ann.t1 42 ""
	// GUESTS/ann.t1 0 "absent"
}

// A gateway for tenants: clients are named {sub}.{tenant}.{tab}, and no client reaches the
// clients of another tenant.
func ExampleClientOptions() {
	tenant := func(ctx context.Context) string {
		c, _ := lmz.CallContextFrom(ctx)
		if c.Auth == nil {
			return ""
		}
		name, _ := c.Auth.Claims["tenant"].(string)
		return name
	}
	rules := gateway.ClientOptions{
		BeforeAccept: gateway.InstanceName("{sub}.{tenant}.{tab}"),
		BeforeCallToMesh: func(ctx context.Context, call *gateway.Call) error {
			lmz.SetState(ctx, "tenant", tenant(ctx)) // guards can trust it: no client can set it
			return nil
		},
		BeforeCallToClient: func(ctx context.Context, call *gateway.Call) error {
			if t := strings.Split(call.To.Instance, ".")[1]; tenant(ctx) != t {
				return lmz.Errorf("%s is a tenant of its own", t)
			}
			return nil
		},
	}
	ann := &lmz.Auth{Subject: "ann", Claims: map[string]any{"tenant": "acme"}}
	for _, instance := range []string{"ann.acme.t1", "ann.other.t1", "bob.acme.t1"} {
		_, err := rules.BeforeAccept(context.Background(), lmz.At(lmz.DefaultGateway, instance), ann)
		fmt.Println(instance, err)
	}
	// Output:
	// ann.acme.t1 <nil>
	// ann.other.t1 identity mismatch
	// bob.acme.t1 identity mismatch
}

// API keys as access tokens, without JWTs and package auth. Clients learn their identity from
// the gateway.
func ExampleOptions_opaqueTokens() {
	type key struct {
		owner   string
		expires time.Time
	}
	keys := map[[32]byte]key{ // their hashes, as a database would store them
		sha256.Sum256([]byte("sk/anns-key")): {owner: "ann", expires: time.Now().Add(time.Hour)},
	}
	g, err := gateway.New(gateway.Options{
		Memory: new(object.MemoryDisk),
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) {
			k, ok := keys[sha256.Sum256([]byte(token))]
			if !ok || time.Now().After(k.expires) {
				return nil, &gateway.Refusal{Status: http.StatusUnauthorized, Message: "unknown API key"}
			}
			return &lmz.Auth{Subject: k.owner, Expires: k.expires}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	server := httptest.NewServer(g)
	defer server.Close()

	for _, token := range []string{"sk/anns-key", "sk/a-guess"} {
		p, err := client.New(client.Options{
			URL: server.URL, Tab: "t1",
			Token: func(context.Context, string) (string, error) { return token, nil },
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		err = p.Connect(context.Background())
		fmt.Printf("%q %v\n", p.Identity().Instance, err)
		p.Close()
		p.Wait()
	}
	// Output:
	// "ann.t1" <nil>
	// "" login required: unknown API key
}

// Users with a session cookie of the site need no token.
func ExampleClientOptions_beforeConnect() {
	userOf := func(session string) (string, bool) { return "ann", session == "7f3a" }
	_ = gateway.ClientOptions{
		BeforeConnect: func(r *http.Request, client lmz.Address) (*lmz.Auth, error) {
			cookie, err := r.Cookie("session")
			if err != nil {
				return nil, nil // fall back to the token
			}
			user, ok := userOf(cookie.Value)
			if !ok {
				return nil, &gateway.Refusal{Status: http.StatusUnauthorized, Message: "sign in again"}
			}
			return &lmz.Auth{Subject: user}, nil
		},
	}
}

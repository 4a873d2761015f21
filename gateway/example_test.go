package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
)

// A gateway for tenants: clients are called {sub}.{tenant}.{tab}, and nobody reaches
// the clients of another tenant.
func ExampleHooks() {
	tenant := func(ctx context.Context) string {
		c, _ := lmz.CallContextFrom(ctx)
		if c.Auth == nil {
			return ""
		}
		name, _ := c.Auth.Claims["tenant"].(string)
		return name
	}
	hooks := gateway.Hooks{
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
		_, err := hooks.BeforeAccept(context.Background(), lmz.At(lmz.DefaultGateway, instance), ann)
		fmt.Println(instance, err)
	}
	// Output:
	// ann.acme.t1 <nil>
	// ann.other.t1 identity mismatch
	// bob.acme.t1 identity mismatch
}

// Users who have a session cookie of the site need no token.
func ExampleHooks_beforeConnect() {
	userOf := func(session string) (string, bool) { return "ann", session == "7f3a" }
	_ = gateway.Hooks{
		BeforeConnect: func(r *http.Request, client lmz.Address) (*lmz.Auth, error) {
			cookie, err := r.Cookie("session")
			if err != nil {
				return nil, nil // then by a token
			}
			user, ok := userOf(cookie.Value)
			if !ok {
				return nil, &gateway.Refusal{Status: http.StatusUnauthorized, Message: "sign in again"}
			}
			return &lmz.Auth{Subject: user}, nil
		},
	}
}

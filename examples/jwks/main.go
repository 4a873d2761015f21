// Command jwks is a mesh whose users sign in elsewhere: with any provider that signs
// tokens with RS256 and publishes its keys as a JWKS. Keys that the provider takes into
// use are found when their first token comes.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
)

// tokens returns a gateway.Options.Verify for the tokens of one provider. It accepts
// no other algorithm, audience or issuer, and nothing that has expired.
func tokens(ctx context.Context, issuer, jwks, audience string) func(context.Context, string) (*lmz.Auth, error) {
	verifier := oidc.NewVerifier(issuer, oidc.NewRemoteKeySet(ctx, jwks), &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: []string{oidc.RS256},
	})
	return func(ctx context.Context, token string) (*lmz.Auth, error) {
		verified, err := verifier.Verify(ctx, token)
		if err != nil {
			return nil, err
		}
		auth := &lmz.Auth{Subject: verified.Subject, Expires: verified.Expiry}
		return auth, verified.Claims(&auth.Claims)
	}
}

// whoAmI makes a worker that says what the mesh knows of its caller.
func whoAmI(lmz.Caller) lmz.Handler {
	methods := new(lmz.Mux)
	lmz.Method0[map[string]any]("whoami").Expose(methods, lmz.Anyone, func(ctx context.Context) (map[string]any, error) {
		c, _ := lmz.CallContextFrom(ctx)
		return map[string]any{"sub": c.Auth.Subject, "email": c.Auth.Claims["email"], "node": c.Caller().String()}, nil
	})
	return methods
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8789", "where to listen")
	data := flag.String("data", "jwks-data", "data directory")
	issuer := flag.String("issuer", "https://accounts.example.com/", "who signs the tokens")
	jwks := flag.String("jwks", "https://accounts.example.com/.well-known/jwks.json", "where the keys are")
	audience := flag.String("audience", "https://mesh.example.com", "whom the tokens are for")
	flag.Parse()
	mesh, err := gateway.New(gateway.Options{
		Dir:    *data,
		Verify: tokens(context.Background(), *issuer, *jwks, *audience),
		Hooks:  gateway.Hooks{BeforeAccept: gateway.InstanceName("{sub}.{tab}")}, // the default; add {tenant} or any claim
	})
	if err != nil {
		log.Fatal(err)
	}
	mesh.Worker("WHO_WORKER", whoAmI)
	http.Handle("/gateway/", mesh)
	log.Println("jwks runs at", *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

// Command jwks is a mesh whose users sign in elsewhere, with any provider that signs tokens with
// RS256 and publishes its keys as a JWKS. It fetches a new key of the provider when the first
// token signed with it arrives.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"slices"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
)

// denylist holds the ids of tokens (the claim jti), sign-in sessions (sid) and subjects that are
// no longer valid although the provider has signed them.
type denylist struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (d *denylist) add(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ids == nil {
		d.ids = make(map[string]bool)
	}
	d.ids[id] = true
}

func (d *denylist) has(ids ...string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool { return d.ids[id] })
}

// tokens returns a gateway.Options.Verify for the tokens of one provider. It accepts no other
// algorithm, audience or issuer, no expired token and no denied one. Only a denial ends open
// connections: other errors of the verifier may only mean that the provider cannot be reached.
func tokens(ctx context.Context, issuer, jwks, audience string, denied *denylist) func(context.Context, string) (*lmz.Auth, error) {
	verifier := oidc.NewVerifier(issuer, oidc.NewRemoteKeySet(ctx, jwks), &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: []string{oidc.RS256},
	})
	return func(ctx context.Context, token string) (*lmz.Auth, error) {
		verified, err := verifier.Verify(ctx, token)
		if err != nil {
			return nil, err
		}
		auth := &lmz.Auth{Subject: verified.Subject, Expires: verified.Expiry}
		if err := verified.Claims(&auth.Claims); err != nil {
			return nil, err
		}
		auth.Token, _ = auth.Claims["jti"].(string)
		auth.Session, _ = auth.Claims["sid"].(string)
		if denied.has(auth.Subject, auth.Session, auth.Token) {
			return nil, &gateway.Refusal{Status: http.StatusUnauthorized, Message: "Signed out by the operator"}
		}
		return auth, nil
	}
}

// deny answers POST /deny?id=ID: it refuses the id from then on and ends its connections.
func deny(mesh *gateway.Gateway, denied *denylist) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /deny", func(_ http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		denied.add(id)
		mesh.Revoke(id) // only now: this calls the Verify function above
	})
	return mux
}

// whoAmI returns a worker that reports what the mesh knows about its caller.
func whoAmI(lmz.Caller) lmz.Handler {
	methods := new(lmz.Mux)
	lmz.Method0[map[string]any]("whoami").Expose(methods, lmz.Anyone, func(ctx context.Context) (map[string]any, error) {
		c, _ := lmz.CallContextFrom(ctx)
		return map[string]any{"sub": c.Auth.Subject, "email": c.Auth.Claims["email"], "node": c.Caller().String()}, nil
	}, lmz.Doc("Says what the mesh knows of the caller."), lmz.ReadOnly)
	return methods
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8789", "where to listen")
	data := flag.String("data", "jwks-data", "data directory")
	issuer := flag.String("issuer", "https://accounts.example.com/", "who signs the tokens")
	jwks := flag.String("jwks", "https://accounts.example.com/.well-known/jwks.json", "where the keys are")
	audience := flag.String("audience", "https://mesh.example.com", "whom the tokens are for")
	admin := flag.String("admin", "127.0.0.1:8790", "where you, and nobody else, deny what has an id: curl -d id=ID .../deny")
	flag.Parse()
	denied := new(denylist)
	mesh, err := gateway.New(gateway.Options{
		Dir:     *data,
		Verify:  tokens(context.Background(), *issuer, *jwks, *audience, denied),
		Clients: gateway.ClientOptions{BeforeAccept: gateway.InstanceName("{sub}.{tab}")}, // the default; add {tenant} or any claim
	})
	if err != nil {
		log.Fatal(err)
	}
	mesh.HandleWorker("WHO_WORKER", whoAmI)
	http.Handle("/gateway/", mesh)
	go func() { log.Fatal(http.ListenAndServe(*admin, deny(mesh, denied))) }()
	log.Println("jwks runs at", *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

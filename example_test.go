//go:build !js

package lmz_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// Document is an object that keeps a text.
type Document struct {
	*object.Object
	lmz.Mux
}

const Update lmz.Method1[string, int] = "update"

func NewDocument(o *object.Object) lmz.Handler {
	d := &Document{Object: o}
	Update.Expose(&d.Mux, d.requireSubscriber, d.update,
		lmz.Params("text"), lmz.Doc("Replaces the whole text."), lmz.Idempotent)
	return d
}

// requireSubscriber is a guard.
func (d *Document) requireSubscriber(ctx context.Context, _ *lmz.Request) error {
	if c, _ := lmz.CallContextFrom(ctx); c.Auth == nil || c.Auth.Subject != "ann" {
		return lmz.Errorf("Must be subscribed to edit")
	}
	return nil
}

func (d *Document) update(ctx context.Context, text string) (version int, err error) {
	if _, err = d.KV().Get(ctx, "version", &version); err != nil {
		return 0, err
	}
	version++
	if err = d.KV().Put(ctx, "text", text); err != nil {
		return 0, err
	}
	return version, d.KV().Put(ctx, "version", version)
}

// A gateway with one kind of object, and two clients: one that the guard knows and one
// that it does not.
func Example() {
	dir, err := os.MkdirTemp("", "lmz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	g, err := gateway.New(gateway.Options{
		Dir: dir,
		// A real program verifies the token: auth.Service.Authenticate does.
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) {
			return &lmz.Auth{Subject: userOf[token]}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	g.HandleObject("DOCUMENT_DO", object.Kind{New: NewDocument})
	server := httptest.NewServer(g)
	defer server.Close()
	defer g.Close()

	ctx := context.Background()
	for token := range userOf {
		peer, err := client.New(client.Options{
			URL:   server.URL,
			Token: func(context.Context, string) (string, error) { return token, nil },
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := peer.Connect(ctx); err != nil {
			fmt.Println(err)
			return
		}
		version, err := Update.Call(ctx, peer, lmz.At("DOCUMENT_DO", "notes"), "The quick fox")
		fmt.Println(userOf[token], version, err)
		peer.Close()
	}
	// Unordered output:
	// ann 1 <nil>
	// bob 0 Must be subscribed to edit
}

// userOf are unsigned tokens and whose they are.
var userOf = map[string]string{unsigned("ann"): "ann", unsigned("bob"): "bob"}

func unsigned(subject string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":%q}`, subject)) + ".none"
}

func ExampleCtn() {
	// Chaining: the method is called on what admin returned. Nesting: the callee
	// evaluates the argument.
	fmt.Println(lmz.Ctn("admin").Then("forceReset"))
	fmt.Println(lmz.Ctn("add", lmz.Ctn("add", 1, 10), 100))
	// Output:
	// admin().forceReset()
	// add()
}

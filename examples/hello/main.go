// Command hello is a complete mesh: an object, a worker, sign-in and a page.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// newCounter returns a counter object, whose count is persistent.
func newCounter(o *object.Object) lmz.Handler {
	methods := new(lmz.Mux)
	lmz.Method1[int, int]("add").Expose(methods, lmz.Anyone, func(ctx context.Context, n int) (sum int, err error) {
		if _, err := o.KV().Get(ctx, "sum", &sum); err != nil {
			return 0, err
		}
		return sum + n, o.KV().Put(ctx, "sum", sum+n)
	}, lmz.Params("n"), lmz.Doc("Adds to the sum and returns it."))
	return methods
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8788", "where to listen")
	data := flag.String("data", "hello-data", "data directory")
	flag.Parse()
	listener := must(net.Listen("tcp", *addr))
	url, mailbox := "http://"+listener.Addr().String(), new(auth.Mailbox)
	users := must(auth.Open(auth.Options{Dir: *data, PublicURL: url, Sender: mailbox, AutoApprove: true}))
	mesh := must(gateway.New(gateway.Options{Dir: *data, Verify: users.Authenticate, Revocations: users.Revocations}))
	users.OnRevoke(mesh.Revoke) // signing out disconnects the user
	mesh.HandleObject("COUNTER_DO", object.Kind{New: newCounter})
	mesh.HandleWorker("GREETER_WORKER", func(lmz.Caller) lmz.Handler {
		methods := new(lmz.Mux)
		lmz.Method1[string, string]("greet").Expose(methods, lmz.Anyone, func(_ context.Context, name string) (string, error) { return "Hello, " + name + "!", nil }, lmz.Params("name"), lmz.Doc("Says hello."), lmz.ReadOnly)
		return methods
	})
	mux := http.NewServeMux()
	mux.Handle("/gateway/", mesh)
	mux.Handle("/auth/", users)
	mux.Handle("/dev/mail", mailbox) // anyone who can read it can sign in as anyone: development only
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Hello from my own mesh.") })
	log.Println("hello runs at", url)
	log.Fatal(http.Serve(listener, mux))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

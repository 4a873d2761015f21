package patterns

import (
	"context"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Direct delivery. A client gives a book to a library. The library sends it to a worker, which
// counts the words and reports to the client instead of the library: the result takes one hop
// less, and the library need not stay awake for it. The client accepts the worker's call because
// the client itself started the chain.
const (
	Give    lmz.Method1[string, struct{}]      = "give"    // on a library
	Count   lmz.Method2[string, string, int]   = "count"   // on a counter: a text, and the client to notify or ""
	Counted lmz.Method2[string, int, struct{}] = "counted" // on a client: the library and the number of words
)

// Bindings of this pattern.
const (
	LibraryBinding = "LIBRARY_DO"
	CounterBinding = "COUNTER_WORKER"
)

// NewLibrary returns a library, for object.Kind.
func NewLibrary(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	Give.Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (struct{}, error) {
		if err := o.KV().Put(ctx, "book", text); err != nil {
			return struct{}{}, err
		}
		c, _ := lmz.CallContextFrom(ctx)
		return struct{}{}, o.Send(ctx, lmz.Worker(CounterBinding), Count.Ctn(text, c.Caller().Instance))
	}, lmz.Params("text"), lmz.Doc("Keeps a book and has its words counted, of which the counter tells the caller."), lmz.Destructive)
	return mux
}

// NewCounter returns a counter, for Gateway.HandleWorker. A worker is a node like any other: a
// client may also call it directly and wait for the result.
func NewCounter(self lmz.Caller) lmz.Handler {
	mux := new(lmz.Mux)
	Count.Expose(mux, lmz.Anyone, func(ctx context.Context, text, tell string) (int, error) {
		words := len(strings.Fields(text))
		if tell == "" {
			return words, nil
		}
		c, _ := lmz.CallContextFrom(ctx)
		return words, self.Send(ctx, lmz.At(lmz.DefaultGateway, tell), Counted.Ctn(c.Caller().Instance, words))
	}, lmz.Params("text", "tell"), lmz.Doc("Counts the words of a text, and tells a client if one is named."), lmz.ReadOnly)
	return mux
}

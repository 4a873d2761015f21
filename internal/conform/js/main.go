//go:build js

// The suite of package conform for JavaScript's WebSocket: the program of its test,
// which runs it in Node.js with the server's address as argument.
package main

import (
	"fmt"
	"os"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/conform"

	"syscall/js"
)

func main() {
	failed := false
	for _, c := range conform.Cases {
		t := &result{name: c.Name}
		t.run(func() { c.Run(t, client.DialWith(js.Global().Get("WebSocket")), os.Args[1]) })
		failed = failed || t.failed
	}
	if failed {
		os.Exit(1)
	}
	fmt.Println("ok", len(conform.Cases))
}

// result is a conform.T.
type result struct {
	name   string
	failed bool
}

type fatal struct{}

func (r *result) run(f func()) {
	defer func() {
		if v := recover(); v != nil && v != (fatal{}) {
			panic(v)
		}
	}()
	f()
}

func (r *result) Helper() {}

func (r *result) Errorf(format string, args ...any) {
	r.failed = true
	fmt.Println(r.name + ": " + fmt.Sprintf(format, args...))
}

func (r *result) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(fatal{})
}

//go:build js

// This program runs the suite of package conform on JavaScript's WebSocket: its test runs it in
// Node.js with the server's address as the argument.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/conform"

	"syscall/js"
)

// bare is a minimal WebSocket class: it has on* properties but no addEventListener. Its open
// handler gets no event, its close handler an empty one.
const bare = `(class {
	#socket;
	constructor(...args) {
		this.#socket = new WebSocket(...args);
		this.#socket.onopen = () => this.onopen?.();
		for (const type of ['message', 'close', 'error']) this.#socket['on' + type] = (event) => this['on' + type]?.(event);
	}
	set binaryType(type) { this.#socket.binaryType = type; }
	get protocol() { return this.#socket.protocol; }
	get bufferedAmount() { return this.#socket.bufferedAmount; }
	send(data) { this.#socket.send(data); }
	close(...args) { this.#socket.close(...args); }
})`

// poor is a bare class whose close events are empty, and whose closed sockets throw on send.
const poor = `(class {
	#socket;
	constructor(...args) {
		this.#socket = new WebSocket(...args);
		this.#socket.onopen = () => this.onopen?.();
		this.#socket.onmessage = (event) => this.onmessage?.(event);
		this.#socket.onclose = this.#socket.onerror = () => this.onclose?.();
	}
	set binaryType(type) { this.#socket.binaryType = type; }
	get protocol() { return this.#socket.protocol; }
	send(data) { if (String.fromCharCode(...data) === 'throw') throw new Error('this socket throws'); this.#socket.send(data); }
	close() { this.#socket.close(); throw new Error('this socket throws'); }
})`

func main() {
	failed := false
	for class, script := range map[string]string{"the platform's": "WebSocket", "bare": bare} {
		dial := client.DialWith(js.Global().Call("eval", script))
		for _, c := range conform.Cases {
			t := &result{name: class + ": " + c.Name}
			t.run(func() { c.Run(t, dial, os.Args[1]) })
			failed = failed || t.failed
		}
	}
	t := &result{name: "poor"}
	t.run(func() { survives(t, client.DialWith(js.Global().Call("eval", poor))) })
	if failed || t.failed {
		os.Exit(1)
	}
	fmt.Println("ok", len(conform.Cases))
}

// survives uses a class that lacks features and throws: the faults must become errors, not
// panics.
func survives(t *result, dial conform.Dial) {
	socket, err := dial(context.Background(), os.Args[1]+"/echo", []string{"lmz.cbor"})
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	if err := socket.Write([]byte("fine")); err != nil {
		t.Errorf("write: %v", err)
	}
	if got, err := socket.Read(); err != nil || string(got) != "fine" {
		t.Errorf("read: %q, %v", got, err)
	}
	if err := socket.Write([]byte("throw")); err == nil {
		t.Errorf("a write that threw succeeded")
	}
	if err := socket.Close(1000, ""); err == nil {
		t.Errorf("a close that threw succeeded")
	}
	if _, err := socket.Read(); err == nil {
		t.Errorf("a read after the close succeeded")
	}
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

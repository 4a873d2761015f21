package object_test

import (
	"context"
	"fmt"
	"os"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

const Increment lmz.Method0[int] = "increment"

// counter is an object that counts, and never forgets.
type counter struct {
	lmz.Mux
	kv *object.KV
}

func newCounter(o *object.Object) lmz.Handler {
	c := &counter{kv: o.KV()}
	Increment.Expose(&c.Mux, lmz.Anyone, c.increment)
	return c
}

func (c *counter) increment(ctx context.Context) (int, error) {
	var n int
	if _, err := c.kv.Get(ctx, "n", &n); err != nil {
		return 0, err
	}
	return n + 1, c.kv.Put(ctx, "n", n+1)
}

// An object keeps what it stored when its runtime is closed and opened again. In a
// program the gateway makes the runtime and brings the calls.
func Example() {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for range 2 {
		objects, err := object.Open(dir, nil, nil) // nil: these objects call nobody
		if err != nil {
			panic(err)
		}
		objects.Register("COUNTER_DO", object.Kind{New: newCounter})
		fmt.Println(call(objects, lmz.At("COUNTER_DO", "visits"), Increment.Ctn()))
		if err := objects.Close(); err != nil {
			panic(err)
		}
	}
	// Output:
	// 1
	// 2
}

// call delivers one call, as a gateway does.
func call(objects *object.Runtime, to lmz.Address, c lmz.Continuation) (result int) {
	caller := lmz.Identity{Type: lmz.TypeClient, Address: lmz.At(lmz.DefaultGateway, "visitor.tab1")}
	call, err := proto.NewCall(context.Background(), caller, to, c)
	if err != nil {
		panic(err)
	}
	answers := make(chan proto.Answer)
	objects.Deliver(context.Background(), call, func(a proto.Answer) { answers <- a })
	value, err := (<-answers).Result()
	if err == nil {
		err = value.Decode(&result)
	}
	if err != nil {
		panic(err)
	}
	return result
}

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

// An object's storage survives the closing and reopening of its runtime. In a program the
// gateway opens the runtime and delivers the calls.
func Example() {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for range 2 {
		objects, err := object.Open(dir, nil, nil) // nil: these objects make no calls
		if err != nil {
			panic(err)
		}
		objects.Register("COUNTER_DO", object.Kind{New: newCounter})
		fmt.Println(ask[int](objects, lmz.At("COUNTER_DO", "visits"), Increment.Ctn()))
		if err := objects.Close(); err != nil {
			panic(err)
		}
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
}

const (
	Add  lmz.Method1[string, int]       = "add"
	Open lmz.Method0[[]todo]            = "open"
	Done lmz.Method1[[]int64, struct{}] = "done"
)

type todo struct {
	ID   int64
	Text string
}

// list is an object with a table.
type list struct {
	lmz.Mux
	*object.Object
}

var listSchema = []string{
	`CREATE TABLE todo (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`,
	`ALTER TABLE todo ADD COLUMN done BOOLEAN NOT NULL DEFAULT false`, // added later
}

func newList(o *object.Object) lmz.Handler {
	l := &list{Object: o}
	Add.Expose(&l.Mux, lmz.Anyone, l.add)
	Open.Expose(&l.Mux, lmz.Anyone, l.open)
	Done.Expose(&l.Mux, lmz.Anyone, l.done)
	return l
}

func (l *list) add(ctx context.Context, text string) (int, error) {
	if _, err := l.SQL().Exec(ctx, `INSERT INTO todo (text) VALUES (?)`, text); err != nil {
		return 0, err
	}
	n, _, err := object.QueryOne[int](ctx, l.SQL(), `SELECT count(*) FROM todo`)
	return n, err
}

func (l *list) open(ctx context.Context) ([]todo, error) {
	return object.QueryAll[todo](ctx, l.SQL(), `SELECT id, text FROM todo WHERE NOT done ORDER BY id`)
}

// done marks all of them or none: the error rolls the turn back.
func (l *list) done(ctx context.Context, ids []int64) (struct{}, error) {
	for _, id := range ids {
		n, err := l.SQL().Exec(ctx, `UPDATE todo SET done = true WHERE id = :id`, object.Params{"id": id})
		if err == nil && n == 0 {
			err = lmz.Errorf("there is no %d", id)
		}
		if err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

// An object with SQL tables. Its schema grows by migrations.
func ExampleSQL() {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	objects, err := object.Open(dir, nil, nil)
	if err != nil {
		panic(err)
	}
	defer objects.Close()
	objects.Register("LIST", object.Kind{New: newList, Schema: listSchema})

	home := lmz.At("LIST", "home")
	for _, text := range []string{"buy milk", "sow peas"} {
		fmt.Println(ask[int](objects, home, Add.Ctn(text)))
	}
	fmt.Println(ask[any](objects, home, Done.Ctn([]int64{1, 7})))
	fmt.Println(ask[any](objects, home, Done.Ctn([]int64{1})))
	fmt.Println(ask[[]todo](objects, home, Open.Ctn()))
	// Output:
	// 1 <nil>
	// 2 <nil>
	// <nil> there is no 7
	// {} <nil>
	// [{2 sow peas}] <nil>
}

// ask delivers one call, as a gateway does.
func ask[R any](objects *object.Runtime, to lmz.Address, c lmz.Continuation) (result R, err error) {
	caller := lmz.Identity{Type: lmz.TypeClient, Address: lmz.At(lmz.DefaultGateway, "visitor.tab1")}
	call, err := proto.NewCall(context.Background(), caller, to, c)
	if err != nil {
		return result, err
	}
	answers := make(chan proto.Answer)
	objects.Deliver(context.Background(), call, func(a proto.Answer) { answers <- a })
	value, err := (<-answers).Result()
	if err != nil {
		return result, err
	}
	return result, value.Decode(&result)
}

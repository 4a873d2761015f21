package lmz_test

import (
	"context"
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
)

// account is what the guards and methods of the example want to know of a caller.
type account struct{ Name, Role string }

// accounts are looked up once for each call, however many guards and methods ask.
var accounts = lmz.NewPerCall(func(ctx context.Context) (account, error) {
	c, _ := lmz.CallContextFrom(ctx)
	fmt.Println("looking up", c.Auth.Subject)
	if c.Auth.Subject == "ann" {
		return account{"Ann", "editor"}, nil
	}
	return account{"Bob", "reader"}, nil
})

// requireRole makes a guard, for as many methods as need it.
func requireRole(role string) lmz.Guard {
	return func(ctx context.Context, _ *lmz.Request) error {
		a, err := accounts.Get(ctx)
		if err == nil && a.Role != role {
			return lmz.Errorf("%s is no %s", a.Name, role)
		}
		return err
	}
}

// A guard that is made for each method, and what it found out is there for the method.
func ExamplePerCall() {
	var mux lmz.Mux
	lmz.Method0[string]("edit").Expose(&mux, requireRole("editor"), func(ctx context.Context) (string, error) {
		a, err := accounts.Get(ctx)
		return a.Name + " edits", err
	})
	for _, user := range []string{"ann", "bob"} {
		ctx := node.WithCallContext(context.Background(), lmz.CallContext{Auth: &lmz.Auth{Subject: user}})
		fmt.Println(mux.HandleCall(ctx, &lmz.Request{Method: "edit"}))
	}
	for _, m := range mux.Methods() {
		fmt.Println(m.Name, "has the guard", m.Guard)
	}
	// Output:
	// looking up ann
	// Ann edits <nil>
	// looking up bob
	// <nil> Bob is no editor
	// edit has the guard requireRole
}

// State that a node sets is seen by whoever it calls, and by whoever those call.
func ExampleWithState() {
	ctx := node.WithCallContext(context.Background(), lmz.CallContext{})
	tagged := lmz.WithState(ctx, "colour", "blue")
	for _, ctx := range []context.Context{tagged, ctx} {
		c, _ := lmz.CallContextFrom(ctx)
		var colour string
		if v := c.State["colour"]; v != nil {
			v.Decode(&colour)
		}
		fmt.Printf("%q\n", colour)
	}
	// Output:
	// "blue"
	// ""
}

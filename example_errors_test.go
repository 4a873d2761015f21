package lmz_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/lumenize/lmz"
)

// OverLimit is an error of an application, with fields that the caller needs.
type OverLimit struct{ Limit int }

func (e *OverLimit) Error() string { return fmt.Sprintf("at most %d", e.Limit) }

// Every program that knows the type registers it under the same name, at its start.
func init() { lmz.RegisterError[*OverLimit]("OverLimitError") }

// A registered error crosses the mesh with its fields.
func ExampleRegisterError() {
	received := error(&lmz.Error{Name: "OverLimitError", Message: "at most 5", Fields: map[string]any{"limit": 5}})
	var over *OverLimit
	if errors.As(received, &over) {
		fmt.Println("limit:", over.Limit)
	}
	// Output: limit: 5
}

// What a caller decides by is the code: whether the method can have run.
func ExampleError() {
	for _, err := range []error{
		&lmz.Error{Code: lmz.CodeCallee, Message: "no such page"},
		&lmz.Error{Code: lmz.CodeGateway, Message: "the call ended before its turn"},
		&lmz.Error{Code: lmz.CodeUnknown, Message: "the deadline passed"},
	} {
		switch {
		case errors.Is(err, lmz.ErrNotExecuted):
			fmt.Println("call again:", err)
		case errors.Is(err, lmz.ErrOutcomeUnknown):
			fmt.Println("find out what happened:", err)
		default:
			fmt.Println("the method failed:", err)
		}
	}
	// Output:
	// the method failed: no such page
	// call again: the call ended before its turn
	// find out what happened: the deadline passed
}

// A Mux is the table of a node's methods. What is not in it does not exist for callers.
func ExampleMux() {
	const greet lmz.Method1[string, string] = "greet"
	var mux lmz.Mux
	greet.Expose(&mux, lmz.Anyone, func(_ context.Context, name string) (string, error) {
		return "hello " + name, nil
	}, lmz.Params("name"), lmz.Doc("Greets."), lmz.ReadOnly)
	for _, m := range mux.Methods() {
		fmt.Println(m.Name, m.Names, m.Params, m.Result, m.Guard)
	}
	_, err := mux.HandleCall(context.Background(), &lmz.Request{Method: "shout"})
	fmt.Println(err, lmz.CodeOf(err))
	// Output:
	// greet [name] [string] string Anyone
	// no method "shout" is exposed here absent
}

package lmz

import (
	"context"
	"slices"
	"testing"
)

type guardian struct{}

func (guardian) method(context.Context, *Request) error   { return nil }
func (*guardian) pointer(context.Context, *Request) error { return nil }
func order(context.Context, *Request) error               { return nil }
func generic[T any](context.Context, *Request) error      { return nil }
func factory(string) Guard                                { return func(context.Context, *Request) error { return nil } }

func TestGuardNames(t *testing.T) {
	var g guardian
	for want, guard := range map[string]Guard{
		"Anyone": Anyone, "NoOne": NoOne, "order": order, "method": g.method, "pointer": g.pointer,
		"generic": generic[int], "factory": factory("x"),
	} {
		if got := nameOf(guard); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestExposeOptions wants it in the table, and the names in the errors about
// arguments.
func TestExposeOptions(t *testing.T) {
	mux := new(Mux)
	f := func(context.Context, int, string) (int, error) { return 0, nil }
	Method2[int, string, int]("set").Expose(mux, Anyone, f, Params("row", "text"), Doc("Sets a row."), Destructive, Idempotent)
	Method2[int, string, int]("bare").Expose(mux, Anyone, f)
	mux.Expose("untyped", Anyone, HandlerFunc(func(_ context.Context, req *Request) (any, error) {
		var n int
		return nil, req.Arg(0, &n)
	}), Params("row"), ReadOnly)
	methods := mux.Methods() // by name
	if m := methods[1]; m.Doc != "Sets a row." || !slices.Equal(m.Names, []string{"row", "text"}) || m.ReadOnly || !m.Destructive || !m.Idempotent {
		t.Errorf("set: %+v", m)
	}
	if m := methods[2]; m.Typed || !slices.Equal(m.Names, []string{"row"}) || !m.ReadOnly {
		t.Errorf("untyped: %+v", m)
	}
	for method, want := range map[string]string{
		"set":     "set: argument 1 (row) is missing",
		"bare":    "bare: argument 1 is missing",
		"untyped": "untyped: argument 1 (row) is missing",
	} {
		if _, err := mux.HandleCall(t.Context(), &Request{Method: method}); err == nil || err.Error() != "TypeError: "+want {
			t.Errorf("%s: %v, want %s", method, err, want)
		}
	}
}

func TestInvalidParameterNames(t *testing.T) {
	for _, names := range [][]string{{"one"}, {"a", "b", "c"}, {"a", "a"}, {"a", ""}, {"a", "b c"}, {"a", "1b"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q name two parameters", names)
				}
			}()
			Method2[int, int, int]("f").Expose(new(Mux), Anyone, func(context.Context, int, int) (int, error) { return 0, nil }, Params(names...))
		}()
	}
}

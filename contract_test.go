package lmz

import (
	"context"
	"testing"
)

type guardian struct{}

func (guardian) method(context.Context, *Request) error   { return nil }
func (*guardian) pointer(context.Context, *Request) error { return nil }
func order(context.Context, *Request) error               { return nil }
func generic[T any](context.Context, *Request) error      { return nil }
func factory(string) Guard                                { return func(context.Context, *Request) error { return nil } }

func TestGuardsAreNamedAsInTheSource(t *testing.T) {
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

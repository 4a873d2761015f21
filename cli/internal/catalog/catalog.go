// Package catalog checks arguments against the methods that a gateway's nodes expose, and
// suggests what a failed call may have meant.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/callargs"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
)

// Catalog is the contract of a gateway: the nodes that the user may call. It is fetched when
// first needed, at most once, and is empty for servers without one.
type Catalog struct {
	peer  *client.Peer
	asked bool
	nodes []admin.NodeContract
}

// New returns the catalog of the gateway that peer is connected to.
func New(peer *client.Peer) *Catalog { return &Catalog{peer: peer} }

// catalogTimeout bounds the wait for the contract, which only improves messages.
const catalogTimeout = 5 * time.Second

// all returns the nodes, or none if they are unknown.
func (c *Catalog) all(ctx context.Context) []admin.NodeContract {
	if !c.asked {
		c.asked = true
		ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
		defer cancel()
		if got, err := admin.GetContract.Call(ctx, c.peer, lmz.Worker(admin.Binding)); err == nil {
			c.nodes = got.Nodes
		}
	}
	return c.nodes
}

// node returns the nodes of a binding.
func (c *Catalog) node(ctx context.Context, binding string) (n admin.NodeContract, ok bool) {
	nodes := c.all(ctx)
	i := slices.IndexFunc(nodes, func(n admin.NodeContract) bool { return n.Binding == binding })
	if i < 0 {
		return n, false
	}
	return nodes[i], true
}

// method returns a method.
func (c *Catalog) method(ctx context.Context, binding, name string) (m admin.MethodContract, ok bool) {
	n, _ := c.node(ctx, binding)
	i := slices.IndexFunc(n.Methods, func(m admin.MethodContract) bool { return m.Name == name })
	if i < 0 {
		return m, false
	}
	return n.Methods[i], true
}

// CheckArguments rejects calls with more arguments than their methods take.
func (c *Catalog) CheckArguments(ctx context.Context, binding string, calls []callargs.Call) error {
	var ops []lmz.Op
	for _, call := range calls {
		ops = appendAsked(ops, call.Work())
	}
	for _, op := range ops {
		if len(op.Args) == 0 {
			continue
		}
		m, ok := c.method(ctx, binding, op.Method)
		if !ok || !m.Typed || len(op.Args) <= len(m.Params) {
			continue
		}
		takes := "no arguments"
		if n := len(m.Params); n > 0 {
			takes = counted(n, "argument")
		}
		return exit.Usagef(callargs.Hint, "%s takes %s, but got %d: %s", output.Shorten(op.Method), takes, len(op.Args), m)
	}
	return nil
}

// appendAsked appends the operations on the node itself: the first of a chain, and those of
// calls among the arguments. Later operations of a chain apply to results.
func appendAsked(ops []lmz.Op, value any) []lmz.Op {
	switch v := value.(type) {
	case lmz.Continuation:
		for i, op := range v.Ops() {
			if i == 0 {
				ops = append(ops, op)
			}
			ops = appendAsked(ops, op.Args)
		}
	case []any:
		for _, e := range v {
			ops = appendAsked(ops, e)
		}
	case map[string]any:
		for _, e := range v {
			ops = appendAsked(ops, e)
		}
	}
	return ops
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Hint returns advice on a failed call, to append to its error, or "".
func (c *Catalog) Hint(ctx context.Context, to lmz.Address, call callargs.Call, err error) string {
	var of *lmz.Error
	switch {
	case call.Method == "":
		return "" // a chain
	case lmz.CodeOf(err) == lmz.CodeAbsent:
		return c.Meant(ctx, to, call.Method)
	case errors.As(err, &of) && of.Name == "TypeError":
		if m, ok := c.method(ctx, to.Binding, call.Method); ok {
			return ". It is " + m.String()
		}
	}
	return ""
}

// Meant suggests the binding or method that a call with an unknown one may have meant.
func (c *Catalog) Meant(ctx context.Context, to lmz.Address, method string) string {
	n, ok := c.node(ctx, to.Binding)
	var names []string
	word := method
	switch {
	case !ok:
		word = to.Binding
		for _, n := range c.all(ctx) {
			names = append(names, n.Binding)
		}
	case n.Listed && !slices.ContainsFunc(n.Methods, func(m admin.MethodContract) bool { return m.Name == method }):
		for _, m := range n.Methods {
			names = append(names, m.Name)
		}
	}
	return DidYouMean(word, names)
}

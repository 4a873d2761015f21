package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
)

// catalog is what a command knows of the nodes that the user may call: the gateway's
// contract, which is asked for when it is needed, at most once. Servers without one know
// nothing.
type catalog struct {
	peer  *client.Peer
	asked bool
	nodes []gateway.NodeContract
}

// catalogTimeout is how long a command waits for what only helps it to explain.
const catalogTimeout = 5 * time.Second

// all returns the nodes, none if they are not known.
func (c *catalog) all(ctx context.Context) []gateway.NodeContract {
	if !c.asked {
		c.asked = true
		ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
		defer cancel()
		if got, err := gateway.GetContract.Call(ctx, c.peer, lmz.Worker(gateway.AdminBinding)); err == nil {
			c.nodes = got.Nodes
		}
	}
	return c.nodes
}

// node returns the nodes of a binding.
func (c *catalog) node(ctx context.Context, binding string) (n gateway.NodeContract, ok bool) {
	nodes := c.all(ctx)
	i := slices.IndexFunc(nodes, func(n gateway.NodeContract) bool { return n.Binding == binding })
	if i < 0 {
		return n, false
	}
	return nodes[i], true
}

// method returns a method.
func (c *catalog) method(ctx context.Context, binding, name string) (m gateway.MethodContract, ok bool) {
	n, _ := c.node(ctx, binding)
	i := slices.IndexFunc(n.Methods, func(m gateway.MethodContract) bool { return m.Name == name })
	if i < 0 {
		return m, false
	}
	return n.Methods[i], true
}

// checkArguments refuses arguments that a method would not see. Nothing is called before.
func (c *catalog) checkArguments(ctx context.Context, binding string, calls []methodCall) error {
	var ops []lmz.Op
	for _, call := range calls {
		ops = appendAsked(ops, call.work())
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
		return usagef(callHint, "%s takes %s, but got %d: %s", shorten(op.Method), takes, len(op.Args), m)
	}
	return nil
}

// appendAsked appends what a call asks of the node itself: the first method of its chain,
// and those of the calls among its arguments. Later methods are of what one before returned.
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

// hint is what helps to mend a call that failed, to go behind its error; or "".
func (c *catalog) hint(ctx context.Context, to lmz.Address, call methodCall, err error) string {
	var of *lmz.Error
	switch {
	case call.method == "":
		return "" // a chain
	case lmz.CodeOf(err) == lmz.CodeAbsent:
		return c.meant(ctx, to, call.method)
	case errors.As(err, &of) && of.Name == "TypeError":
		if m, ok := c.method(ctx, to.Binding, call.method); ok {
			return ". It is " + m.String()
		}
	}
	return ""
}

// meant guesses whom or what a call was meant for that found nobody.
func (c *catalog) meant(ctx context.Context, to lmz.Address, method string) string {
	n, ok := c.node(ctx, to.Binding)
	var names []string
	word := method
	switch {
	case !ok:
		word = to.Binding
		for _, n := range c.all(ctx) {
			names = append(names, n.Binding)
		}
	case n.Listed && !slices.ContainsFunc(n.Methods, func(m gateway.MethodContract) bool { return m.Name == method }):
		for _, m := range n.Methods {
			names = append(names, m.Name)
		}
	}
	return didYouMean(word, names)
}

// didYouMean asks whether a word was meant for one of the names that are like it; "" if
// none is.
func didYouMean(word string, names []string) string {
	var near []string
	for _, name := range names {
		if isNear(squeezed(word), squeezed(name)) {
			near = append(near, name)
		}
	}
	switch slices.SortFunc(near, func(a, b string) int {
		return distance(squeezed(word), squeezed(a)) - distance(squeezed(word), squeezed(b))
	}); len(near) {
	case 0:
		return ""
	case 1:
		return ". Did you mean " + near[0] + "?"
	}
	return ". Did you mean " + near[0] + " or " + near[1] + "?"
}

// squeezed is a name without what people forget: case and the marks between words.
func squeezed(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// isNear reports whether somebody may have typed word for name.
func isNear(word, name string) bool {
	if len(word) >= 3 && (strings.HasPrefix(name, word) || strings.HasPrefix(word, name)) {
		return true
	}
	return distance(word, name) <= min(2, len(word)/2)
}

// distance is how many letters have to be added, left out or replaced (Levenshtein). Of
// long words it looks at the beginning.
func distance(a, b string) int {
	const enough = 64
	a, b = a[:min(len(a), enough)], b[:min(len(b), enough)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

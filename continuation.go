package lmz

import (
	"slices"
	"strings"
)

// Limits of a continuation (PROTOCOL.md, "Continuations").
const (
	MaxOperations = 50  // in one chain, counted as on the wire: two for each step
	MaxArguments  = 100 // of one call
)

// Op is one step of a continuation: a method and its arguments.
type Op struct {
	Method string
	Args   []any // Go values, [Value], nested [Continuation], [Result]
}

// Continuation describes work for another node to do. It is an immutable value: safe to reuse,
// store, log and send to many nodes, from any goroutine. The zero value describes no work and
// cannot be called.
type Continuation struct {
	ops []Op
}

// Ctn describes a call of method with args. The callee evaluates an argument that is itself a
// Continuation, or contains one at any depth of slices, maps and structs, before the call, and
// passes the result. To pass work as data, encode it with package chain.
func Ctn(method string, args ...any) Continuation {
	return Continuation{}.Then(method, args...)
}

// Then returns a continuation that executes c and then calls method on the result of c, which
// must be a [Handler].
func (c Continuation) Then(method string, args ...any) Continuation {
	return Continuation{ops: append(slices.Clip(c.ops), Op{Method: method, Args: slices.Clone(args)})}
}

// Ops returns the steps. The slice is shared and read-only.
func (c Continuation) Ops() []Op { return c.ops }

// String returns the names of the methods without the arguments, which may be secret or large:
// "admin().forceReset()".
func (c Continuation) String() string {
	var b strings.Builder
	for i, op := range c.ops {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(op.Method)
		b.WriteString("()")
	}
	return b.String()
}

// resultMarker is the type of Result, so that nothing else equals it.
type resultMarker struct{}

// Result is a placeholder for the outcome of a call, anywhere among the arguments of a reply
// continuation: the result, or the error as an [*Error]; see [ResultOf]. If it does not occur,
// the outcome is appended to the arguments of the last step.
var Result = resultMarker{}

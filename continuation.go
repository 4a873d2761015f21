package lmz

import (
	"slices"
	"strings"
)

// Limits of a continuation (PROTOCOL.md, "Continuations").
const (
	MaxOperations = 50  // in one chain, counted as on the wire: naming a method and calling it are two
	MaxArguments  = 100 // of one call
)

// Op is one step of a continuation: a method and its arguments.
type Op struct {
	Method string
	Args   []any // Go values, [Value], nested [Continuation], [Result]
}

// Continuation describes work for another node to do. It is an immutable value:
// safe to reuse, to keep, to log and to send to many nodes, from any goroutine.
// The zero value describes no work and cannot be called.
type Continuation struct {
	ops []Op
}

// Ctn describes a call of method with args. An argument that is itself a
// Continuation, or holds one at any depth of slices, maps and structs, is evaluated by
// the callee before the call, and its result is passed. To pass work as data, encode it
// with package chain.
func Ctn(method string, args ...any) Continuation {
	return Continuation{}.Then(method, args...)
}

// Then returns the continuation that does c and then calls method on what c
// returned. The callee goes on only if that is itself a [Handler].
func (c Continuation) Then(method string, args ...any) Continuation {
	return Continuation{ops: append(slices.Clip(c.ops), Op{Method: method, Args: slices.Clone(args)})}
}

// Ops returns the steps. They are shared and read-only.
func (c Continuation) Ops() []Op { return c.ops }

// String names the methods, never the arguments, which may be secret or large:
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

// Result stands, anywhere among the arguments of a reply continuation, for the outcome
// of the call: its result, or its error as an [*Error]; see [ResultOf]. Without it the
// outcome follows the other arguments of the last step.
var Result = resultMarker{}

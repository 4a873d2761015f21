// Package chain stores work for later: it encodes a continuation for storage or as the data of a
// call, and executes it.
//
//	data, err := chain.Encode(lmz.Ctn("remind", "ann"))   // into a row of SQL, say
//	...
//	work, err := chain.Decode(data)
//	result, err := chain.Execute(ctx, node, work, chain.Options{})
//
// In KV and in structs a continuation needs no encoding: it is a value like any other. As an
// argument of a call it is work for the callee, whose runtime passes the result to the method.
// Encode a continuation that the callee should receive as data.
//
// Work carries no call context. It runs in the call context of the ctx that it is executed
// with, if any; a context that was stored next to it is just data.
//
// # Errors
//
//	function  error                               what happened
//	Encode    an error                            empty, over a limit, or an argument cannot be sent
//	Decode    an error                            the data is not a chain
//	Execute   lmz.ErrNotExecuted (guard, absent)  a guard refused, or there is no such method
//	Execute   the step's own                      the method returned it
package chain

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/scope"
	"github.com/lumenize/lmz/internal/value"
)

// Encode returns the work as bytes, the chain of PROTOCOL.md. It fails for a continuation that is
// empty, exceeds the limits of package lmz, or has an argument that cannot be sent.
func Encode(c lmz.Continuation) ([]byte, error) { return value.MarshalChain(c) }

// Decode returns the continuation that Encode encoded. The arguments are decoded into values of
// type any: an int, for instance, becomes an int64.
func Decode(data []byte) (lmz.Continuation, error) { return value.UnmarshalChain(data) }

// Options configures [Execute]. With the zero value the work runs like a call from another node.
type Options struct {
	// Unguarded runs the work as the node's own: methods run without their guards, including
	// [lmz.NoOne]. Never use it for work that another node described.
	Unguarded bool

	// MaxOperations limits the length of a chain, at any depth; each step counts as two. 0
	// means [lmz.MaxOperations], which is also the maximum.
	MaxOperations int

	// MaxArguments limits the arguments of one call. 0 means [lmz.MaxArguments], which is
	// also the maximum.
	MaxArguments int
}

// Execute runs the work on h, a node's handler, and returns the result of its last step. On an
// object it runs within the turn, the call context and the deadline of ctx. Each step is checked
// as if the caller in that context had called it, unless it runs Unguarded; see [lmz.Check]. An
// error is the step's own.
func Execute(ctx context.Context, h lmz.Handler, c lmz.Continuation, o Options) (any, error) {
	data, err := Encode(c)
	if err != nil {
		return nil, err
	}
	ctx = scope.AsCall(ctx) // a reply may execute the work
	if o.Unguarded {
		ctx = scope.AsReply(ctx)
	}
	return proto.ExecuteWithin(ctx, h, data, proto.Limits{Operations: o.MaxOperations, Arguments: o.MaxArguments})
}

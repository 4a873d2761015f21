package lmz

import (
	"context"

	"github.com/lumenize/lmz/internal/scope"
)

// Caller is the calling half of a node: an object, a worker or a client. Its methods may be
// called from any goroutine.
type Caller interface {
	// CallRaw executes c on the node at to and waits for the answer. It returns the
	// result, or the callee's error, or an error that says what is known about the
	// outcome: [ErrNotExecuted], [ErrOutcomeUnknown]. Without a deadline in ctx it waits
	// for [DefaultTimeout].
	//
	// On an object the wait ends the turn: its writes are committed, other calls may run,
	// and the state may have changed when CallRaw returns.
	CallRaw(ctx context.Context, to Address, c Continuation) (Value, error)

	// Send executes c on the node at to and returns at once. Without [Reply] nobody
	// learns the outcome. Calls and sends from one node to one object or client start in
	// the order in which they were made. A message outlives ctx. Its deadline is the one
	// that was set on ctx for it, or else after [DefaultTimeout]; the deadline of the call
	// that the handler executes does not apply.
	//
	// On an object the message leaves when the turn that sent it is on disk, and never if
	// that turn fails. A message to another object, or with a reply, is stored with that
	// turn and survives a crash of the process.
	Send(ctx context.Context, to Address, c Continuation, options ...SendOption) error
}

// SendOption says what becomes of the outcome of a Send: [Reply], [ReplyOnError]. The zero
// value asks for nothing. Implementations of [Caller] read its fields.
type SendOption struct {
	Reply      Continuation // runs with the outcome; the zero value: no reply
	ErrorsOnly bool         // the reply runs only for errors
}

// Reply makes the sending node run c with the outcome (see [Result]) when it is known. It runs
// on the node's own handler without guards: expose a method that is only a reply with the guard
// [NoOne].
func Reply(c Continuation) SendOption { return SendOption{Reply: c} }

// ReplyOnError is [Reply], but c runs only if the call failed.
func ReplyOnError(c Continuation) SendOption { return SendOption{Reply: c, ErrorsOnly: true} }

// Call is CallRaw with the result decoded as R. Use struct{} for a method without a result.
func Call[R any](ctx context.Context, via Caller, to Address, c Continuation) (R, error) {
	var result R
	value, err := via.CallRaw(ctx, to, c)
	if err != nil {
		return result, err
	}
	if _, none := any(result).(struct{}); none {
		return result, nil
	}
	err = value.Decode(&result)
	return result, err
}

// ResultOf decodes the outcome that a reply received for [Result]: the result as R, or the
// error of the call, whose code says who failed. A reply's method takes it as a [Value]:
//
//	const onDone lmz.Method2[string, lmz.Value, struct{}] = "onDone"
func ResultOf[R any](outcome Value) (R, error) {
	var result R
	var failure *Error
	if err := outcome.Decode(&failure); err == nil && failure != nil {
		return result, failure
	}
	if _, none := any(result).(struct{}); none {
		return result, nil
	}
	err := outcome.Decode(&result)
	return result, err
}

// OnSent returns a ctx for calls and sends. f is called with the unique id of each when it
// leaves the node, for logs and to distinguish calls in flight. It is not called for a call that
// fails before it leaves. f must not block or call the node.
func OnSent(ctx context.Context, f func(id string)) context.Context {
	return scope.OnSent(ctx, f)
}

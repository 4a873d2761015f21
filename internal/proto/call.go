package proto

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
)

// Call is one call on its way to a node, inside a process. Its chain stays encoded until the
// executing node decodes it, so intermediaries do not pay for its contents.
type Call struct {
	ID      CallID
	To      lmz.Address
	Context lmz.CallContext // as the callee sees it, without Self
	Chain   []byte          // encoded continuation; immutable
	NoReply bool            // a Send whose outcome is not read
	Again   bool            // repeated after the session that made it ended (PROTOCOL.md, "Sessions")

	// Until is set for a call that its sender has stored. The called object keeps the outcome until
	// then, even if nobody reads the answer, because the call may be repeated.
	Until time.Time

	Payer string // the subject that pays for the work; see [WithPayer]
}

// CallID identifies a call permanently, by the session that made it and its number there, not by
// an address (PROTOCOL.md, "Sessions"). The zero value is a call that is never repeated. A call
// must be repeated from the same address.
type CallID struct {
	Session SessionID
	Number  uint64
}

// String returns the session in hexadecimal and the number, for people.
func (id CallID) String() string {
	return hex.EncodeToString(id.Session[:]) + "-" + strconv.FormatUint(id.Number, 10)
}

// SessionID identifies one life of a client process, or of a gateway for the calls of its own
// nodes.
type SessionID [16]byte

// Answer is the outcome of a call: an encoded value, or an encoded error and its code.
type Answer struct {
	Failed  lmz.Code // "" when the call succeeded
	Payload []byte   // encoded value or error; immutable
}

// Node receives calls.
type Node interface {
	// Deliver queues c. Its ctx ends when the caller gives up or the deadline passes. Deliver is
	// called in the order of the calls and must not block. It calls done exactly once, from any
	// goroutine, possibly before it returns; done must not block either.
	Deliver(ctx context.Context, c *Call, done func(Answer))
}

// Mesh is a gateway as its nodes see it: it delivers calls and knows the sessions of the clients.
type Mesh interface {
	Node

	// Session returns the current session of a client, or the zero id.
	Session(client lmz.Address) SessionID

	// AfterSession calls ended once when a session of a client has ended, which may be now. ended
	// must not block.
	AfterSession(client lmz.Address, s SessionID, ended func())
}

// Timeout returns the time until ctx's deadline, for a frame.
func Timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Until(deadline), 0)
	}
	return lmz.DefaultTimeout
}

type handlingKey struct{}

// Handling returns the ctx of a handler, derived from that of its call. The deadline of the
// call does not apply to messages that the handler sends.
func Handling(ctx context.Context) context.Context {
	deadline, _ := ctx.Deadline()
	return context.WithValue(ctx, handlingKey{}, deadline)
}

// ForSend returns a ctx for a message that outlives ctx: with the same call context, and
// the deadline that was set for the message, or else the default.
func ForSend(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	own, _ := ctx.Value(handlingKey{}).(time.Time)
	if !ok || deadline.Equal(own) {
		deadline = time.Now().Add(lmz.DefaultTimeout)
	}
	if c, ok := lmz.CallContextFrom(ctx); ok {
		ctx = node.WithCallContext(ctx, c)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// Bare returns ctx without its values. A deadline and cancellation pass from node to node,
// but a value such as the caller's turn must not: the callee would run with the caller's
// rights. Every node strips the ctx that it receives.
func Bare(ctx context.Context) context.Context { return bare{ctx} }

type bare struct{ context.Context }

// Value returns nil.
func (bare) Value(any) any { return nil }

// AfterFunc lets package context derive from bare without a goroutine.
func (b bare) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(b.Context, f) }

// lateAnswer is how long a caller still waits after its ctx has ended: a node that knows whether
// the call was executed answers at that moment, which is better than an unknown outcome.
const lateAnswer = 50 * time.Millisecond

// Await delivers c to n and waits for its answer or the end of ctx.
func Await(ctx context.Context, n Node, c *Call) (lmz.Value, error) {
	answer := make(chan Answer, 1)
	n.Deliver(ctx, c, func(a Answer) { answer <- a })
	select {
	case a := <-answer:
		return a.Result()
	case <-ctx.Done():
	}
	late := time.NewTimer(lateAnswer)
	defer late.Stop()
	select {
	case a := <-answer:
		return a.Result()
	case <-late.C:
		return nil, &lmz.Error{
			Code: lmz.CodeUnknown, Cause: context.Cause(ctx),
			Message: "the call of " + c.To.String() + " was given up before the answer came; it may have run",
		}
	}
}

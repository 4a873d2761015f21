package proto

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
)

// Call is one call on its way to a node, inside a process. Its chain stays
// encoded until the node that runs it decodes it, so that whoever only passes it
// on does not pay for its contents.
type Call struct {
	ID      CallID
	To      lmz.Address
	Context lmz.CallContext // as the callee will see it, without Self
	Chain   []byte          // encoded continuation; never changed
	NoReply bool            // a Send whose outcome nobody reads
	Again   bool            // presented again after the session that made it ended (PROTOCOL.md, "Sessions")

	// Until is set on what an object has stored before it sent it: an object that is
	// called keeps the outcome until then, also if nobody reads the answer, because it may be
	// presented again.
	Until time.Time

	Payer string // the subject that pays for the work, see [WithPayer]
}

// CallID identifies a call for ever: the session that made it and its number
// there, never an address (PROTOCOL.md, "Sessions"). The zero value is a call that nobody
// will present again. Who presents one again must come from the same address.
type CallID struct {
	Session SessionID
	Number  uint64
}

// String returns the id as people see it: the session in hexadecimal and the number.
func (id CallID) String() string {
	return hex.EncodeToString(id.Session[:]) + "-" + strconv.FormatUint(id.Number, 10)
}

// SessionID is one life of one client process, or one life of a gateway for the
// calls that its own nodes make.
type SessionID [16]byte

// Answer is the outcome of a call: an encoded value, or an encoded error and who
// failed.
type Answer struct {
	Failed  lmz.Code // "" when the call succeeded
	Payload []byte   // encoded value or error; never changed
}

// Node takes calls.
type Node interface {
	// Deliver takes c, whose ctx ends when its caller gives up or its deadline
	// passes. It must not block, because it is called in the order in which calls were
	// made: what it has queued when it returns is in order. It calls done exactly once,
	// from any goroutine, possibly before it returns; done must not block either.
	Deliver(ctx context.Context, c *Call, done func(Answer))
}

// Mesh is what the nodes of a gateway call, and what knows the sessions of its clients.
type Mesh interface {
	Node

	// Session returns the session that a client has now, or the zero id.
	Session(client lmz.Address) SessionID

	// AfterSession calls ended once when a session of a client has ended, which may be
	// now. ended must not block.
	AfterSession(client lmz.Address, s SessionID, ended func())
}

// Timeout returns the time left until ctx's deadline, for a frame.
func Timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Until(deadline), 0)
	}
	return lmz.DefaultTimeout
}

type handlingKey struct{}

// Handling returns the ctx of a handler, made of that of its call. The deadline of the
// call is not meant for what the handler sends.
func Handling(ctx context.Context) context.Context {
	deadline, _ := ctx.Deadline()
	return context.WithValue(ctx, handlingKey{}, deadline)
}

// ForSend returns a ctx for what is sent with ctx and outlives it: with the call context
// of this moment, and the deadline that was set for it, or else the default.
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

// Bare is ctx without its values. Deadline and cancellation pass from node to node,
// but a value such as the caller's turn, or that it runs a reply, must not: the
// callee would run with the caller's rights. Every node strips the ctx it is given.
func Bare(ctx context.Context) context.Context { return bare{ctx} }

type bare struct{ context.Context }

// Value returns nil.
func (bare) Value(any) any { return nil }

// AfterFunc lets package context derive from bare without a goroutine.
func (b bare) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(b.Context, f) }

// lateAnswer is how long a caller whose ctx has ended still listens: a node that knows
// whether the call was executed says so at the same moment, and that beats not knowing.
const lateAnswer = 50 * time.Millisecond

// Await delivers c to n and waits for its answer, or for the end of ctx.
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

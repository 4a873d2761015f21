package object

import (
	"container/list"
	"context"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// Object is one instance, as its own code sees it: an [lmz.Caller] with storage. Its methods
// are safe for concurrent use.
type Object struct {
	rt   *Runtime
	kind Kind
	id   lmz.Identity
	line turn.Line

	// Accessed only with the turn.
	handler lmz.Handler // nil while the object is closed
	store   store.Store // nil while the object is closed
	life    int         // counts how often the object was closed
	group   *group      // ended turns that wait for their commit; nil if there are none
	last    *group      // the last commit applied, until it is durable; else nil

	lost atomic.Pointer[error] // why a commit was lost, until the object is closed

	// Accessed only with the turn, and reset when the object is closed.
	stirred  bool           // the runtime's rows have changed since the last commit
	firing   map[int64]bool // alarms that are running, by Rev
	nextSend int64          // number of the next stored send; 0 if not known
	size     int64          // bytes stored at the end of the last turn
	charges  []charge       // usage by the turn
	opener   string         // the subject whose call opened it; guarded by rt.mu while idle
	cost     int64          // while it is open, see openCost; written with rt.mu

	// Guarded by rt.mu.
	acknowledged []proto.CallID // outcomes that the next commit may drop

	services services

	stuck atomic.Pointer[string] // the abandoned method that keeps the turn

	removed     bool          // nothing may get its turn any more; set with the turn
	work        int           // calls and replies queued or running, and closing
	idle        *time.Timer   // closes the object; nil while there is work
	resting     *list.Element // in rt.idle; nil while there is work
	restingEach *list.Element // in that of its opener
}

var _ lmz.Caller = (*Object)(nil)

// Identity returns the object's identity. It is available from the start.
func (o *Object) Identity() lmz.Identity { return o.id }

// KV returns the object's keys and values.
func (o *Object) KV() *KV { return &KV{o} }

// SQL returns the object's tables.
func (o *Object) SQL() *SQL { return &SQL{o} }

// CallRaw implements [lmz.Caller]. With the ctx of a handler of this object it ends the
// turn: writes are committed, then sends leave, then the call. When CallRaw returns, the
// handler has the turn again. [Object.Calls] makes several calls at once. A goroutine that a
// handler started may call with the handler's ctx, but has no turn: its call leaves when the
// handler's turn has ended.
func (o *Object) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	if ctx.Err() != nil {
		return nil, notExecuted(whyEnded(ctx) + " before the call was made")
	}
	ctx, cancel := proto.WithDeadline(ctx)
	defer cancel()
	answers := make(chan answer, 1)
	ask, err := o.asking(ctx, to, c, answers)
	if err != nil {
		return nil, err
	}
	var got answer
	err = o.wait(ctx, ask, func(err error) { answers <- answer{lost: err} }, func() { got = <-answers })
	if err != nil {
		return nil, err
	}
	return got.result()
}

// asking prepares a call and returns a function that makes it and sends the answer to
// answers. An invalid call, or one to a node that cannot exist, fails here.
func (o *Object) asking(ctx context.Context, to lmz.Address, c lmz.Continuation, answers chan<- answer) (ask func(), err error) {
	call, err := proto.NewCall(ctx, o.id, to, c)
	if err == nil {
		err = proto.CheckTarget(o.rt.mesh, to)
	}
	if err != nil {
		return nil, err
	}
	sent := proto.Sent(ctx)
	return func() {
		sent(call)
		o.rt.ask(ctx, call, func(a proto.Answer) { answers <- answer{Answer: a} })
	}, nil
}

// Send implements [lmz.Caller]. With the ctx of a handler of this object the message leaves
// after the turn's commit. A message to another object, or with a reply, is stored with the
// turn: if the process dies, the next one presents it to an object again under its original
// ID, so that it is executed once; the reply to one for a worker or client then gets
// [lmz.ErrOutcomeUnknown]. A message without reply to a worker or client is lost if the
// process dies before it leaves. Without a turn nothing is stored, and the message leaves at
// once.
//
// A message to an object that cannot execute it now, because it does not start or its disk
// is full, is retried, with pauses that grow up to a minute, until its deadline or for seven
// days. Later messages to that object wait behind it; those to others do not. Only messages
// that were not executed are retried, and not after a permanent failure: a guard refused, or
// there is no such method. A message without a reply that was not executed, or whose outcome
// is unknown, becomes a dead letter ([Runtime.DeadLetters]). Send fails with [lmz.ErrBusy]
// while 10,000 messages, or 16 MiB of them, from this object to that one wait. While
// messages wait for an object, a call to it is not executed, and they are retried at once.
//
// A message outlives the handler. It expires at the deadline set for it; without one,
// workers and clients have [lmz.DefaultTimeout], and an object's handler has that from when
// it begins.
//
// Replies run on this object once, in a separate turn, with the sender's call context. They
// survive the closing of the object and of the gateway. A reply that fails is rolled back
// and logged, and is not retried.
func (o *Object) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	return o.dispatch(ctx, []lmz.Address{to}, c, node.SendOptions(options))
}

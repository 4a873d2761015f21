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

// Object is one instance, as its own code sees it: an [lmz.Caller] with storage.
// Its methods may be called from any goroutine.
type Object struct {
	rt   *Runtime
	kind Kind
	id   lmz.Identity
	line turn.Line

	// Of whoever has the turn.
	handler lmz.Handler // nil while the object is closed
	store   store.Store // nil while the object is closed
	life    int         // counts how often the object was closed
	group   *group      // turns that have ended and wait for their commit; nil when there are none
	last    *group      // the last commit that is applied, while it is not durable; nil else

	lost atomic.Pointer[error] // why a commit was lost, until the object is closed

	// Of whoever has the turn, and forgotten when the object is closed.
	stirred  bool           // what the runtime keeps of the object has changed since the last commit
	firing   map[int64]bool // alarms that are running, by Rev
	nextSend int64          // number of the next stored send; 0: not known
	size     int64          // bytes stored at the end of the last turn
	charges  []charge       // what the turn has used
	opener   string         // the subject whose call opened it; guarded by rt.mu while idle
	cost     int64          // while it is open, see openCost; written with rt.mu

	// Guarded by rt.mu.
	acknowledged []proto.CallID // outcomes that the next commit may drop

	services services

	stuck atomic.Pointer[string] // the method that keeps the turn although it was given up

	removed     bool          // nothing may get its turn any more; set by who has the turn
	work        int           // calls and replies that are queued or running, and closing
	idle        *time.Timer   // closes the object; nil while there is work
	resting     *list.Element // in rt.idle; nil while there is work
	restingEach *list.Element // in that of its opener
}

var _ lmz.Caller = (*Object)(nil)

// Identity returns the object's identity. It is known from the first moment.
func (o *Object) Identity() lmz.Identity { return o.id }

// KV returns the object's keys and values.
func (o *Object) KV() *KV { return &KV{o} }

// SQL returns the object's tables.
func (o *Object) SQL() *SQL { return &SQL{o} }

// CallRaw implements [lmz.Caller]. With the ctx of a handler of this object it
// ends the turn: what was written and sent is committed and leaves, then the call.
// When it returns, the handler has the turn again. [Object.Calls] makes several at
// once. A goroutine that a handler started may call with the handler's ctx, but has no
// turn: its call leaves when the handler's turn has ended.
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

// asking prepares a call and returns what makes it, and sends its answer to answers. A
// call that cannot be made, or of a node that cannot be there, fails here.
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

// Send implements [lmz.Caller]. With the ctx of a handler of this object the message
// leaves after the turn's commit. A message to another object, and one that wants a
// reply, is stored with the turn: if the process dies, the next one presents it to an
// object again under its first id, so that it is executed once; the reply to one for a
// worker or client says [lmz.ErrOutcomeUnknown] then. A message without reply to a worker
// or client is lost if the process dies before it leaves. Without a turn nothing is
// stored, and the message leaves at once.
//
// A message to an object that cannot execute it just then, because it does not start or has
// no room on its disk, is tried again, with pauses that grow up to a minute, until its
// deadline or for seven days. What was sent to that object later waits behind it, and what is
// sent to others does not. Only what is not executed is tried again, and not if that is for
// good: a guard refused, or there is no such method. What has no reply to be told that it
// was not executed, or that nobody can say, becomes a dead letter ([Runtime.DeadLetters]).
// Send fails with [lmz.ErrBusy] while
// 10,000 messages, or 16 MiB of them, from this object to that one wait. A call of the
// object that messages wait for is not executed, and they are tried at once.
//
// What is sent outlives the handler. It ends at a deadline that was set for it;
// without one, workers and clients have [lmz.DefaultTimeout], and an object's handler has
// that from when it begins.
//
// Replies run on this object once, in a turn of their own, within the call context that
// the sender had. They survive the closing of the object and of the gateway. A reply
// that fails is rolled back and logged, and does not run again.
func (o *Object) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	return o.dispatch(ctx, []lmz.Address{to}, c, node.SendOptions(options))
}

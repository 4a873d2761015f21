package object

import (
	"context"
	"sync/atomic"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/scope"
	"github.com/lumenize/lmz/internal/turn"
)

// chore is stored work of an object on itself, which runs once: the reply to a send, or work
// for the end of a session. That it has run is stored with the first commit of the work,
// even if the work fails.
type chore struct {
	what    string          // "reply", for the log
	work    string          // names its methods
	context lmz.CallContext // that it runs in
	payer   string          // see proto.WithPayer
	do      func(context.Context, lmz.Handler) (any, error)

	// wanted reports, with rt.mu held, whether the work is still to be done: its object may
	// have been removed. Nil means always.
	wanted func() bool

	// finished is called when an attempt is over. again makes another one, after a pause if the
	// object could not do the work. If nil, finished does nothing and again is serveChore.
	finished, again func()

	once   bool  // not retried
	number int64 // of all chores of this life, in order

	// ran stores in the turn's transaction that it has run, and returns what to do once that is
	// on disk. Nil if the work is not stored.
	ran func(*Object) (saved func(), err error)
}

// ownWork identifies, in the line of an object, the object's own work. Work of one payer
// stays in order.
func ownWork(payer string) turn.Who {
	return turn.Who{Caller: lmz.Identity{Type: "own work", Address: lmz.Worker(payer)}, Payer: payer}
}

// serveChore makes the object at a do a chore. It does not block. When the gateway is
// closing, the chore is left to the next one.
func (rt *Runtime) serveChore(a lmz.Address, c chore) {
	if c.finished == nil {
		c.finished = func() {}
	}
	rt.mu.Lock()
	if c.number == 0 {
		rt.chores++
		c.number = rt.chores
	}
	if c.again == nil {
		again := c
		c.again = func() { rt.serveChore(a, again) }
	}
	over := c.wanted != nil && !c.wanted() || rt.joinPostponed(a, c)
	rt.mu.Unlock()
	if over {
		c.finished()
		return
	}
	o, place, refused := rt.enter(a, ownWork(c.payer), anyLength)
	switch {
	case refused == nil:
		go o.serveChore(place, c)
	default:
		c.finished()
		if rt.isClosed() {
			return
		}
		rt.log.Warn(c.what+" dropped", "binding", a.Binding, "instance", a.Instance, "work", c.work, "error", refused.Message)
	}
}

func (o *Object) serveChore(place *turn.Place, c chore) {
	defer c.finished()
	defer o.rt.leave(o)
	ctx, cancel := o.rt.stoppable(context.Background())
	defer cancel(nil)
	if refused := o.begin(ctx, place, false); refused != nil {
		o.rt.postpone(o.id.Address, c, refused.Message)
		return
	}
	ctx, cancelTimeout := proto.WithDeadline(ctx)
	defer cancelTimeout()
	r := o.newRun(ctx, cancel, place)
	var saved atomic.Bool
	written := false
	r.chore = func(*proto.Answer) error {
		if written || c.ran == nil {
			return nil
		}
		written, o.stirred = true, true
		then, err := c.ran(o)
		r.effects = append(r.effects, func() { saved.Store(true); then() })
		return err
	}
	c.context.Self = o.id
	ctx = proto.WithPayer(node.WithCallContext(ctx, c.context), c.payer)
	o.executeIn(ctx, r, func(ctx context.Context, h lmz.Handler) (any, error) { return c.do(scope.AsReply(ctx), h) }, func(a proto.Answer) {
		_, err := a.Result()
		if storageFailed(a) && !saved.Load() {
			o.rt.postpone(o.id.Address, c, publicText(err))
			return
		}
		o.rt.didChore(o.id.Address)
		if err != nil {
			o.logger().Warn(c.what+" failed", "work", c.work, "error", err)
		}
	})
}

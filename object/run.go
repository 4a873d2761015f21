package object

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// run is one handler at work, from its call to its answer. It consists of turns,
// each with its transaction and with the effects that wait for its commit. It
// travels in the handler's ctx.
type run struct {
	o        *Object
	call     *proto.Call // nil when the run is no call
	life     int         // the object's, when the run began
	deadline time.Time   // of the handler's ctx
	starting bool        // this is OnStart

	mu       sync.Mutex    // a handler may start goroutines, and they have its ctx
	place    *turn.Place   // nil while the run has no turn
	retaking chan struct{} // closed when the turn is back that a goroutine is waiting for
	ended    bool          // the handler has returned
	broken   error         // storage failed; the run can only end
	effects  []func()      // leave after the commit
	last     broadcast
	begun    bool // that the call has begun is stored
	left     bool // something of an earlier turn of this run cannot be taken back
}

type runKey struct{}

// runOf returns the run of this object that ctx belongs to, or nil.
func (o *Object) runOf(ctx context.Context) *run {
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.o == o {
		return r
	}
	return nil
}

// use lets f use the object's storage within the turn that ctx holds.
func (o *Object) use(ctx context.Context, f func(store) error) error {
	r := o.runOf(ctx)
	if r == nil {
		return ErrNoTurn
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.place == nil:
		return ErrNoTurn
	case r.broken != nil:
		return r.broken
	case o.rt.dead.Load():
		return errClosed
	}
	if err := f(o.store); err != nil {
		r.fail(err)
		return r.broken
	}
	return nil
}

// after keeps an effect until the turn's commit. Without a turn it happens at once.
func (r *run) after(effect func()) error {
	r.mu.Lock()
	switch {
	case r.broken != nil:
		r.mu.Unlock()
		return r.broken
	case r.place == nil:
		r.mu.Unlock()
		effect()
		return nil
	}
	r.effects = append(r.effects, effect)
	r.mu.Unlock()
	return nil
}

// release ends the turn: it commits, lets everything leave, last of all the
// effect, and gives the turn to the next. Without a turn there is just the effect.
func (r *run) release(effect func()) error {
	r.mu.Lock()
	if r.place == nil && r.broken == nil {
		r.mu.Unlock()
		effect()
		return nil
	}
	var effects []func()
	if r.broken == nil {
		r.effects = append(r.effects, effect)
		effects = r.commit(nil)
	}
	if r.broken != nil {
		r.mu.Unlock()
		return &lmz.Error{Code: lmz.CodeGateway, Message: "the turn could not be stored, so the call was not made", Cause: r.broken}
	}
	place := r.place
	r.place = nil
	r.mu.Unlock()
	leave(effects)
	place.Done()
	return nil
}

// retake waits until the run has the turn again. It does not heed the ctx: the
// handler goes on when it returns, and it must not go on beside another.
func (r *run) retake() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.retaking != nil {
		wait := r.retaking
		r.mu.Unlock()
		<-wait
		r.mu.Lock()
	}
	if r.ended || r.place != nil {
		return r.broken
	}
	back := make(chan struct{})
	r.retaking = back
	r.mu.Unlock()

	place := r.o.line.Join()
	place.Wait(context.Background())

	r.mu.Lock()
	r.retaking = nil
	close(back)
	if r.ended {
		place.Done()
		return nil
	}
	r.place = place
	if r.life != r.o.life {
		r.broken = errReset
	}
	return r.broken
}

// end ends the run with its answer: it commits, or rolls back if the answer is an
// error. The caller lets the effects leave and then gives the turn on, if the run
// still had it. It learns of a failure of the storage in place of whatever the
// handler returned.
func (r *run) end(answer proto.Answer) (effects []func(), place *turn.Place, failure *lmz.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place = r.place
	r.place, r.ended = nil, true
	if place != nil && r.broken == nil {
		if answer.Failed != "" {
			r.effects = nil
			if err := r.o.store.rollback(); err != nil {
				r.fail(err)
			}
		}
		if r.broken == nil {
			effects = r.commit(&answer)
		}
	}
	if r.broken == nil {
		return effects, place, nil
	}
	if place != nil && r.life == r.o.life {
		r.o.close() // the next call finds what is on disk
	}
	failure = notExecuted("the object's storage failed, and nothing was changed")
	if r.left {
		failure = &lmz.Error{Code: lmz.CodeUnknown, Message: "the object's storage failed when a part was done"}
	}
	return nil, place, failure
}

// commit makes the turn durable, with the call's answer if there is one already,
// and returns what may leave now. It sets r.broken if that fails. r.mu is held.
func (r *run) commit(answer *proto.Answer) []func() {
	if r.o.rt.dead.Load() {
		r.fail(errClosed)
		return nil
	}
	if err := r.keepOutcome(answer); err != nil {
		r.fail(err)
		return nil
	}
	effects := r.effects
	r.effects = nil
	wrote, err := r.o.store.commit()
	if err != nil {
		r.left = r.left || errors.Is(err, errMaybeStored)
		r.fail(err)
		return nil
	}
	if wrote {
		r.o.rt.commits.Add(1)
	}
	r.left = r.left || wrote || len(effects) > 0
	return effects
}

// fail makes the run one that can only end: its turn is rolled back. r.mu is held.
func (r *run) fail(err error) {
	r.broken = errTurnFailed
	r.effects = nil
	r.o.logger().Error("storage failed", "error", withoutPath(err))
	if err := r.o.store.rollback(); err != nil {
		r.o.logger().Error("rollback failed", "error", withoutPath(err))
	}
}

func leave(effects []func()) {
	for _, effect := range effects {
		effect()
	}
}

package object

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// run is one execution of a handler, from its call to its answer. It consists of turns, each
// with its transaction and the effects that wait for its commit. The handler's ctx carries
// it.
type run struct {
	o        *Object
	ctx      context.Context         // of the handler
	cancel   context.CancelCauseFunc // ends it
	payer    string                  // the subject that its turns are charged to
	call     *proto.Call             // nil if the run is not a call
	life     int                     // the object's, when the run began
	deadline time.Time               // of the handler's ctx
	starting bool                    // this is OnStart
	checking bool                    // only guards run: nothing may be committed or leave

	// chore stores, with each turn, the runtime's record of a run that is not a call; the
	// answer is nil before the last turn. May be nil.
	chore func(answer *proto.Answer) error

	left atomic.Bool // an earlier turn of this run had effects that cannot be undone

	mu       sync.Mutex     // a handler may start goroutines, which share its ctx
	place    *turn.Place    // nil while the run has no turn
	ended    bool           // the handler has returned
	broken   error          // storage failed; the run can only end
	effects  []func()       // of this turn; they leave after the commit
	sends    []*stored      // sends of this turn that must be stored
	parked   []part         // calls of goroutines, which leave with the turn
	turn     int            // counts the run's turns
	open     []store.Cursor // loops over rows
	parts    int            // open Object.Tx
	method   string         // the method that runs
	watchdog watchdog
	told     bool         // it was logged that a turn exceeded its limit
	active   time.Time    // when the turn began, or last used storage
	asked    store.Tables // tables whose statements end with the ctx
	reported bool         // it was logged that the turn is being kept
	overdue  bool         // its ctx had ended at the last check
	stuck    bool         // new calls are refused because of the run
	begun    bool         // it is stored that the call has begun
	group    *group       // the commit of the run's last turn, if it needed one
}

type runKey struct{}

// runOf returns the run of this object that ctx belongs to, or nil.
func (o *Object) runOf(ctx context.Context) *run {
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.o == o {
		return r
	}
	return nil
}

// use runs f on the object's storage within the turn that ctx holds.
func (o *Object) use(ctx context.Context, f func(store.Store) error) error {
	if !inHandler() {
		return o.whyNoTurn(ctx)
	}
	return o.useAnyhow(ctx, f)
}

// whyNoTurn returns the error for storage used by a goroutine that does not run a handler.
func (o *Object) whyNoTurn(ctx context.Context) error {
	if r := o.runOf(ctx); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.ended {
			return errGoroutine
		}
	}
	return ErrNoTurn
}

// useAnyhow is use without the check that the goroutine runs the handler.
func (o *Object) useAnyhow(ctx context.Context, f func(store.Store) error) error {
	r := o.runOf(ctx)
	if r == nil {
		return ErrNoTurn
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.place == nil || r.ended:
		return ErrNoTurn
	case r.broken != nil:
		return r.broken
	case o.rt.dead.Load():
		return errClosed
	case o.lost.Load() != nil:
		r.fail(errUndone)
		return r.broken
	}
	err := f(o.store)
	r.active = time.Now()
	if err != nil {
		r.fail(err)
		return r.broken
	}
	return nil
}

// useTables implements [access].
func (o *Object) useTables(ctx context.Context, f func(store.Tables) error) error {
	return o.use(ctx, func(st store.Store) error {
		t, err := st.Tables()
		if err != nil {
			return err
		}
		o.runOf(ctx).interruptible(t)
		return f(t)
	})
}

// beginLoop implements [access].
func (o *Object) beginLoop(ctx context.Context, c store.Cursor) (turn int) {
	r := o.runOf(ctx)
	r.open = append(r.open, c)
	return r.turn
}

// inLoop implements [access].
func (o *Object) inLoop(ctx context.Context, turn int, f func() error) error {
	over := false
	err := o.useAnyhow(ctx, func(store.Store) error {
		if over = o.runOf(ctx).turn != turn; over {
			return nil
		}
		return f()
	})
	if err == nil && over {
		err = ErrNoTurn
	}
	return err
}

// endLoop implements [access].
func (o *Object) endLoop(ctx context.Context, c store.Cursor) {
	r := o.runOf(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.open, c); i >= 0 {
		r.open = slices.Delete(r.open, i, i+1)
		c.Close()
	}
}

// closeRows ends the loops over rows in this turn. r.mu is held.
func (r *run) closeRows() {
	for _, s := range r.open {
		s.Close()
	}
	r.open = nil
	r.uninterruptible()
}

// mayCall returns why the run must not give up its turn, or nil.
func (r *run) mayCall() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.checking:
		return errCallInCheck
	case r.starting:
		return errCallInStart
	case r.parts > 0:
		return errCallInTx
	case len(r.open) > 0:
		return errCallInRows
	}
	return nil
}

// after defers an effect until the turn's commit. Without a turn it waits only for the
// commit of the last turn, and without a run it runs at once.
func (r *run) after(effect func()) error {
	if r == nil {
		effect()
		return nil
	}
	r.mu.Lock()
	if r.place != nil && r.broken == nil {
		r.effects = append(r.effects, effect)
	}
	place, broken, group := r.place, r.broken, r.group
	r.mu.Unlock()
	if place == nil && broken == nil {
		group.add(part{leave: effect})
	}
	return broken
}

// afterStoring stores a send with the turn and defers it until the commit. Without a turn it
// is not stored.
func (r *run) afterStoring(s *stored, sent func(*proto.Call)) error {
	if r != nil {
		r.mu.Lock()
		if r.place != nil && r.broken == nil {
			defer r.mu.Unlock()
			r.addSend(s, sent)
			return nil
		}
		r.mu.Unlock()
	}
	s.open()
	return r.after(func() {
		for i := range s.targets() {
			s.rt.present(s, i, false, sent)
		}
	})
}

// release ends the turn: it passes the turn on, and lets all effects leave after the commit,
// effect last. If the commit fails, lost runs instead of the effect. An error means that
// neither will run, and that the run still has the turn.
func (r *run) release(effect func(), lost func(error)) error {
	r.mu.Lock()
	var leave func()
	if r.broken == nil {
		if _, refused, err := r.growth(); refused != nil && err == nil {
			defer r.mu.Unlock()
			return refused
		}
		r.effects = append(r.effects, effect)
		leave = r.finish(nil, nil, lost)
	}
	if r.broken != nil {
		defer r.mu.Unlock()
		return notCalled(r.broken)
	}
	r.spend()
	place := r.place
	r.place = nil
	r.mu.Unlock()
	leave()
	r.o.pass(place)
	return nil
}

func notCalled(why error) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeGateway, Message: "the turn could not be stored, so the call was not made", Cause: why}
}

// retake waits until the run has the turn again. It ignores the ctx: the handler continues
// when retake returns, and must not run concurrently with another.
func (r *run) retake() error {
	place := r.o.line.Join(turn.Who{Payer: r.payer})
	place.Wait(context.Background())
	r.o.startTurn()
	if r.o.store != nil {
		r.o.store.Hold()
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.place = place
	r.turn++
	r.startWatchdog()
	if r.life != r.o.life {
		r.broken = errReset
	}
	if r.o.removed {
		r.broken = errRemoved
	}
	return r.broken
}

// end ends the run with its answer, which done sends after the commit, and passes the turn
// on. If the answer is an error, the turn is rolled back. A storage failure replaces
// whatever the handler returned.
func (r *run) end(answer proto.Answer, done func(proto.Answer)) {
	r.mu.Lock()
	r.ended = true
	r.spend()
	place := r.place
	var leave func()
	if r.broken == nil {
		leave = r.settle(answer, done)
	}
	r.place = nil
	broken := r.broken
	r.mu.Unlock()
	if broken == nil {
		leave()
	} else {
		r.o.reset(r)
		done(proto.ErrorAnswer(r.failure(broken)))
	}
	r.o.pass(place)
}

// endStart ends OnStart, and keeps the turn. Its writes are committed with the call that
// caused the start.
func (r *run) endStart(err error) error {
	r.mu.Lock()
	r.spend()
	r.ended, r.place = true, nil
	leave := func() {}
	if r.broken == nil {
		answer := r.bounded(proto.NewAnswer(nil, err))
		if err == nil && answer.Failed != "" {
			_, err = answer.Result()
		}
		leave = r.settle(answer, func(proto.Answer) {})
	}
	broken := r.broken
	r.mu.Unlock()
	if broken != nil {
		return r.failure(broken)
	}
	leave()
	return err
}

// bounded returns the answer, or a quota error if the turn has stored too much. r.mu is
// held.
func (r *run) bounded(answer proto.Answer) proto.Answer {
	if answer.Failed != "" {
		return answer
	}
	if _, refused, err := r.growth(); refused != nil && err == nil {
		return proto.ErrorAnswer(refused)
	}
	return answer
}

// settle ends the last turn of the run with its answer; see finish. r.mu is held.
func (r *run) settle(answer proto.Answer, done func(proto.Answer)) (leave func()) {
	r.closeRows()
	answer = r.bounded(answer)
	if answer.Failed != "" {
		r.effects, r.sends = nil, nil
		r.unpark(errRolledBack)
		if err := r.o.undo(); err != nil {
			r.broken = errTurnFailed
			return nil
		}
	}
	return r.finish(&answer, func() { done(answer) }, func(err error) { done(proto.ErrorAnswer(r.failure(err))) })
}

// failure returns the answer of a run that ends with err instead of its result.
func (r *run) failure(err error) *lmz.Error {
	if errors.Is(err, errRemoved) {
		if r.left.Load() {
			return &lmz.Error{Code: lmz.CodeUnknown, Message: "the object was removed after a part of the call was executed"}
		}
		return notExecuted("the object was removed")
	}
	if errors.Is(err, errTurnLimit) {
		return r.tookTooLong()
	}
	if r.left.Load() || errors.Is(err, store.ErrMaybeStored) {
		return &lmz.Error{Code: lmz.CodeUnknown, Message: "the object's storage failed when a part was done"}
	}
	return notExecuted("the object's storage failed, and nothing was changed")
}

// finish ends a turn, with the call's answer if that is already known: its writes join the
// commit, after which its effects run, and then last. If the commit fails, lost runs
// instead. The caller must call leave without the lock; it does all of this if there is no
// commit to wait for. finish sets r.broken if the turn failed. r.mu is held.
func (r *run) finish(answer *proto.Answer, last func(), lost func(error)) (leave func()) {
	r.closeRows()
	err := r.keepSends()
	if err == nil && r.chore != nil {
		err = r.chore(answer)
	}
	if err == nil {
		err = r.keepOutcome(answer)
	}
	trace := len(r.effects) > 0 || len(r.parked) > 0 || r.o.store.Changed()
	if err == nil {
		err = r.payGrowth()
	}
	if err != nil {
		r.fail(err)
		return nil
	}
	effects, parked, count := r.effects, r.parked, r.o.takeCharges()
	r.effects, r.parked = nil, nil
	stored := r.call != nil && !r.call.Until.IsZero()
	leave = func() {
		if trace {
			r.left.Store(true)
		}
		if stored && (answer == nil || answer.Failed != lmz.CodeGateway) {
			r.o.rt.landed(r.call)
		}
		count()
		for _, effect := range effects {
			effect()
		}
		for _, p := range parked {
			p.leave()
		}
		if last != nil {
			last()
		}
	}
	lostAll := func(err error) {
		if errors.Is(err, store.ErrMaybeStored) {
			r.left.Store(true)
		}
		if stored && !r.left.Load() {
			r.o.rt.lost(r.call)
		}
		for _, p := range parked {
			p.lost(err)
		}
		if lost != nil {
			lost(err)
		}
	}
	group, err := r.o.endTurn(part{leave, lostAll})
	if err != nil {
		r.parked = parked
		r.fail(err)
		return nil
	}
	r.group = group
	if group != nil {
		return func() {}
	}
	return leave
}

// fail marks the run as broken, so that it can only end, and rolls its turn back. r.mu is
// held.
func (r *run) fail(err error) {
	r.broken = errTurnFailed
	// SQLite rolls the transaction back when it interrupts a statement that writes. A chore is
	// retried, as after any storage failure.
	interrupted := r.isOver() && r.chore == nil && store.IsInterrupted(err)
	if interrupted {
		r.broken = errTurnLimit
	}
	r.effects, r.sends = nil, nil
	r.closeRows()
	r.unpark(err)
	if !interrupted { // the limit is logged elsewhere
		r.o.logger().Error("storage failed", "error", store.WithoutPath(err))
	}
	r.o.undo()
}

package object

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/store"
)

// blockedAfter is how long a handler may keep the turn without using storage before this is
// logged.
const blockedAfter = time.Second

// watchdog measures a run's turns and ends those that take too long. It has its own lock,
// because that of the run is held while a statement runs.
type watchdog struct {
	mu     sync.Mutex // guards the following fields
	timer  *time.Timer
	began  time.Time     // when the turn began; zero while there is none
	halt   chan struct{} // interrupts statements when closed; nil before and after
	theirs bool          // a statement of the object's own code is running, not one of the runtime
	over   bool          // a turn exceeded its limit, and the ctx was canceled
}

// startWatchdog starts measuring a turn of the run. r.mu is held.
func (r *run) startWatchdog() {
	w := &r.watchdog
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Now()
	r.active, r.reported, r.overdue = w.began, false, false
	if w.timer == nil {
		w.timer = time.AfterFunc(r.lookAfter(0), r.look)
	} else {
		w.timer.Reset(r.lookAfter(0))
	}
}

// lookAfter returns the time until the next check of a turn that has taken so long.
func (r *run) lookAfter(taken time.Duration) time.Duration {
	if limit := r.o.kind.TurnLimit; limit > taken {
		return min(blockedAfter, limit-taken)
	}
	return blockedAfter
}

// spend stops the watchdog and charges the turn's time, excluding the commit. r.mu is held.
func (r *run) spend() {
	w := &r.watchdog
	w.mu.Lock()
	taken := time.Since(w.began)
	if w.began.IsZero() {
		taken = 0
	}
	w.began = time.Time{}
	w.timer.Stop()
	w.mu.Unlock()
	if r.place != nil {
		r.place.Charge(taken)
	}
	r.o.rt.accounts.Add(r.payer, budget.Time, int64(taken))
	if r.stuck {
		r.stuck = false
		r.o.stuck.Store(nil)
	}
}

// limited cancels the ctx of a handler whose turn exceeds its limit, and interrupts its
// running statement. It returns false if the turn has ended.
func (r *run) limited() bool {
	w := &r.watchdog
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began.IsZero() {
		return false
	}
	taken, limit := time.Since(w.began), r.o.kind.TurnLimit
	if limit > 0 && taken >= limit && !w.over {
		w.over = true
		if w.theirs {
			close(w.halt)
			w.halt = nil
		}
		r.cancel(errTurnLimit)
	}
	w.timer.Reset(r.lookAfter(taken))
	return true
}

var errTurnLimit = errors.New("the turn took longer than Kind.TurnLimit")

// isOver reports whether a turn of the run exceeded its limit.
func (r *run) isOver() bool {
	r.watchdog.mu.Lock()
	defer r.watchdog.mu.Unlock()
	return r.watchdog.over
}

var errInterrupted = errors.New("interrupted: " + errTurnLimit.Error())

// interruptible makes statements of the object's own code, but not of the runtime, end when
// the turn exceeds its limit. r.mu is held.
func (r *run) interruptible(t store.Tables) {
	if r.asked == t || r.o.kind.TurnLimit < 0 {
		return
	}
	r.asked = t
	t.OnStep(r.theirs)
}

// theirs is called before and after each step of such a statement. An error before it means
// that the step must not begin. r.mu is held.
func (r *run) theirs(begins bool) error {
	w := &r.watchdog
	w.mu.Lock()
	defer w.mu.Unlock()
	w.theirs = begins && !w.over
	switch {
	case w.over:
		r.asked.Interrupt(nil)
		if begins {
			return errInterrupted
		}
	case begins && w.halt == nil:
		w.halt = make(chan struct{})
		r.asked.Interrupt(w.halt)
	}
	return nil
}

// uninterruptible undoes interruptible: the statements that follow are the runtime's own.
// r.mu is held.
func (r *run) uninterruptible() {
	if r.asked == nil {
		return
	}
	r.asked.OnStep(nil)
	r.asked.Interrupt(nil)
	r.asked = nil
	r.watchdog.mu.Lock()
	defer r.watchdog.mu.Unlock()
	r.watchdog.halt, r.watchdog.theirs = nil, false
}

// look reports a handler that keeps the turn, and makes new calls fail if the handler
// ignores the end of its ctx.
func (r *run) look() {
	if !r.limited() || !r.mu.TryLock() { // it uses storage
		return
	}
	defer r.mu.Unlock()
	if r.place == nil {
		return
	}
	if r.isOver() && !r.told {
		r.told = true
		r.o.logger().Warn("a turn took longer than it may, and its ctx was ended", "method", r.method, "limit", r.o.kind.TurnLimit)
	}
	quiet := time.Since(r.active)
	if quiet < blockedAfter {
		return
	}
	if !r.reported {
		r.reported = true
		r.o.logger().Warn("a handler keeps the turn: it computes, or waits for something other than a call or storage",
			"method", r.method, "for", quiet.Round(time.Millisecond))
	}
	switch {
	case r.ctx.Err() == nil || r.stuck:
	case !r.overdue:
		r.overdue = true // it gets another second to notice
	default:
		r.stuck = true
		method := r.method
		r.o.stuck.Store(&method)
	}
}

// whyFailed returns the error for the caller in place of one that the handler returned: that
// the turn took too long, if that is the cause.
func (r *run) whyFailed(err error) error {
	if err == nil || !r.isOver() || node.PublicError(err) != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return r.tookTooLong()
}

// tookTooLong is the error of a call whose turn exceeded its limit.
func (r *run) tookTooLong() *lmz.Error {
	return &lmz.Error{Code: lmz.CodeCallee, Name: TurnLimitName, Message: strconv.Quote(r.method) + " took longer than the " +
		r.o.kind.TurnLimit.String() + " that a turn of the object may take; what it wrote was rolled back"}
}

// errStuck refuses a call to an object whose handler does not return.
func errStuck(method string) *lmz.Error {
	return notExecuted("stuck in " + strconv.Quote(method) + ": it was given up, and keeps the object's turn")
}

// entered records which method is running.
func (r *run) entered(method string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.method = method
}

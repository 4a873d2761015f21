package object

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/scope"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
	"github.com/lumenize/lmz/internal/wake"
)

// maxWaking limits how many objects are opened at once for due work, so that calls to closed
// objects need not wait behind thousands.
const maxWaking = 8

// Start begins to wake objects of registered kinds that have work to do: due alarms, and the
// sends and watches that were pending when the gateway stopped. It reads the wake index of
// the data directory and opens no other objects. The first call to any object also starts
// this; without one, and without Start, nothing happens.
func (rt *Runtime) Start() {
	rt.starting.Do(rt.finishRemovals)
	rt.wakes.Start()
}

// wake opens an object that has due work. It waits while too many others are being opened.
func (rt *Runtime) wake(a lmz.Address) {
	rt.waking <- struct{}{}
	opened := sync.OnceFunc(func() { <-rt.waking })
	slow := time.AfterFunc(slowEnd, opened) // another run may keep its turn
	if !rt.ring(a, budget.System, func() { slow.Stop(); opened() }) {
		slow.Stop()
		opened()
	}
}

// ring makes the object at a run its next due alarm. payer pays for the turn, if known. It
// calls opened when the object is open, unless it returns false.
func (rt *Runtime) ring(a lmz.Address, payer string, opened func()) bool {
	o, place, err := rt.enter(a, ownWork(payer), anyLength)
	if err != nil {
		if err.Code == lmz.CodeAbsent {
			rt.log.Warn("something is due, but nothing can do it", "binding", a.Binding, "instance", a.Instance, "error", err.Message)
		}
		return false
	}
	go o.serveAlarm(place, opened)
	return true
}

// serveAlarm runs the next due alarm, and rings for the one after it.
func (o *Object) serveAlarm(place *turn.Place, opened func()) {
	defer o.rt.leave(o)
	ctx, cancel := o.rt.stoppable(context.Background())
	defer cancel(nil)
	refused := o.await(ctx, place, false)
	if refused == nil && o.handler == nil && !o.rt.disk.Exists(o.id.Address) {
		opened()
		// It was removed, or its file was deleted.
		o.rt.wakes.Known(o.id.Address, wake.Never, wake.Never)
		o.pass(place)
		return
	}
	if refused == nil {
		refused = o.ready(place)
	}
	opened()
	if refused != nil {
		o.rt.wakes.Unable(o.id.Address, refused.Message)
		return
	}
	ctx, cancelTimeout := proto.WithDeadline(ctx)
	defer cancelTimeout()
	r := o.newRun(ctx, cancel, place)
	due, err := o.takeDue(o.store, time.Now())
	if err != nil {
		r.mu.Lock()
		r.fail(err)
		r.mu.Unlock()
	}
	if due == nil || err != nil {
		r.end(proto.NewAnswer(nil, err), func(a proto.Answer) {
			if err != nil || !o.rt.hasPostponed(o.id.Address) { // postponed chores are not alarms
				o.rang(a)
			}
		})
		return
	}
	o.runAlarm(ctx, r, due)
}

// rang records the outcome of due work, and reports whether it could be stored.
func (o *Object) rang(answer proto.Answer) bool {
	if !storageFailed(answer) {
		o.rt.wakes.Able(o.id.Address)
		return true
	}
	_, err := answer.Result()
	o.rt.wakes.Unable(o.id.Address, publicText(err))
	return false
}

// takeDue returns the next due alarm that is not yet running, or nil, and rings for the one
// after it, which takes its place in line now. The caller has the turn.
func (o *Object) takeDue(st store.Store, now time.Time) (*alarmRow, error) {
	due, next, waits, err := o.dueAlarms(st, now, len(o.firing)+2)
	if err == nil && len(due) == 0 && waits {
		due, next, _, err = o.dueAlarms(st, now, len(o.firing)+maxLookedAt)
	}
	if err != nil {
		return nil, err
	}
	if len(due) == 0 {
		o.rt.wakes.Next(o.id.Address, next)
		return nil, nil
	}
	if o.firing == nil {
		o.firing = make(map[int64]bool)
	}
	o.firing[due[0].Rev] = true
	if len(due) > 1 {
		o.rt.ring(o.id.Address, due[1].Payer, func() {})
	} else {
		o.rt.wakes.Next(o.id.Address, next)
	}
	return due[0], nil
}

// An alarm waits while its payer has used too much time, for at most longestWait before it
// is checked again. So that it does not block those of other payers, up to maxLookedAt
// alarms are searched for one that may run.
const (
	longestWait = time.Minute
	maxLookedAt = 1000
)

// dueAlarms returns the first two due alarms that are not yet running and may run now, when
// to look for the next one, and whether any payer must wait.
func (o *Object) dueAlarms(st store.Store, now time.Time, most int) (due []*alarmRow, next int64, waits bool, err error) {
	rows, err := st.Rows(store.DueRows, most)
	if err != nil {
		return nil, 0, false, err
	}
	next = wake.Never
	for _, r := range rows {
		at, rev, ok := wake.ParseDue(r.Key)
		if !ok || o.firing[rev] {
			continue
		}
		if at > now.UnixMilli() || len(due) == 2 {
			return due, min(next, at), waits, nil
		}
		a, err := getAlarm(st, string(r.Value))
		if err != nil {
			return nil, 0, false, err
		}
		if a == nil {
			continue
		}
		if refused := o.rt.accounts.Check(a.Payer, budget.Time, 0); refused != nil {
			wait, _ := lmz.RetryAfter(refused)
			next, waits = min(next, now.Add(min(wait, longestWait)).UnixMilli()+1), true
			continue
		}
		due = append(due, a)
	}
	return due, next, waits, nil
}

// runAlarm runs an alarm's work, in a turn and with a fresh call chain.
func (o *Object) runAlarm(ctx context.Context, r *run, a *alarmRow) {
	this := AlarmRun{ID: a.ID, Due: time.UnixMilli(a.Due), Attempt: a.Failures + 1, Began: time.Now(), Skipped: a.skipped(time.Now())}
	r.chore = func(answer *proto.Answer) error {
		if answer == nil {
			return nil
		}
		delete(o.firing, a.Rev)
		_, err := answer.Result()
		this.Ended = time.Now()
		return o.alarmRan(o.store, a, this, err)
	}
	done := func(answer proto.Answer) {
		if _, err := answer.Result(); o.rang(answer) && err != nil { // if not stored, it runs again
			o.logger().Warn("alarm failed", "alarm", a.ID, "work", a.Work, "attempt", this.Attempt, "error", err)
		}
	}
	if this.Skipped {
		r.end(proto.NewAnswer(nil, nil), done)
		return
	}
	r.payer = a.Payer
	ctx = context.WithValue(node.WithCallContext(ctx, lmz.CallContext{Self: o.id}), alarmRunKey{}, this)
	ctx = proto.WithPayer(ctx, a.Payer)
	o.executeIn(ctx, r, func(ctx context.Context, h lmz.Handler) (any, error) {
		return proto.Execute(scope.AsReply(ctx), h, a.Chain)
	}, done)
}

// alarmRan stores the new state of an alarm that has run, unless its own work has replaced
// or cancelled it.
func (o *Object) alarmRan(st store.Store, a *alarmRow, this AlarmRun, failure error) error {
	o.stirred = true
	if failure != nil {
		this.Error = publicText(failure)
	}
	current, err := getAlarm(st, a.ID)
	if err == nil && current != nil && current.Rev == a.Rev {
		this.Over, err = o.putFate(st, current, failure)
	}
	if err != nil {
		return err
	}
	n, err := count(st, func(c *alarmCounters) int64 { c.Runs++; return c.Runs })
	if err != nil {
		return err
	}
	return putEncoded(st, runKeyOf(n), runRow(this))
}

// putFate stores the state of an alarm after a run. over is why a cron alarm ended.
func (o *Object) putFate(st store.Store, a *alarmRow, failure error) (over string, err error) {
	if err := o.dropAlarm(st, a); err != nil {
		return "", err
	}
	what, grave, none := a.ran(time.Now(), failure)
	if none != nil {
		over = none.Error()
	}
	if grave != nil {
		if grave.Rev, err = nextRev(st); err == nil {
			err = o.putAlarm(st, grave)
		}
	}
	if what != alarmOver && err == nil {
		err = o.putAlarm(st, a)
	}
	return over, err
}

type alarmRunKey struct{}

// AlarmFrom returns the alarm run for which the handler that got ctx runs, or false if it
// does not run for an alarm.
func AlarmFrom(ctx context.Context) (AlarmRun, bool) {
	this, ok := ctx.Value(alarmRunKey{}).(AlarmRun)
	return this, ok
}

// storageFailed reports whether the turn of a run was rolled back because it could not be
// stored. The run must not be one that a guard or a full line can refuse.
func storageFailed(a proto.Answer) bool {
	return a.Failed == lmz.CodeGateway || a.Failed == lmz.CodeUnknown
}

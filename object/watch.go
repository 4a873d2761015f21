package object

import (
	"strconv"
	"time"

	"github.com/lumenize/lmz"
)

// blockedAfter is how long a handler may keep the turn without using storage before the
// log says so.
const blockedAfter = time.Second

// watchTurn begins to watch a turn of the run. r.mu is held.
func (r *run) watchTurn() {
	r.active, r.reported, r.overdue = time.Now(), false, false
	if r.watch == nil {
		r.watch = time.AfterFunc(blockedAfter, r.look)
	} else {
		r.watch.Reset(blockedAfter)
	}
}

// unwatch ends that. r.mu is held.
func (r *run) unwatch() {
	r.watch.Stop()
	if r.stuck {
		r.stuck = false
		r.o.stuck.Store(nil)
	}
}

// look reports a handler that keeps the turn, and has new calls refused if its ctx has
// ended, which it ignores.
func (r *run) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.place == nil {
		return
	}
	if quiet := time.Since(r.active); quiet < blockedAfter {
		r.watch.Reset(blockedAfter - quiet)
		return
	}
	if !r.reported {
		r.reported = true
		r.o.logger().Warn("a handler keeps the turn: it computes, or waits for something other than a call or storage",
			"method", r.method, "for", time.Since(r.active).Round(time.Millisecond))
	}
	switch {
	case r.ctx.Err() == nil || r.stuck:
	case !r.overdue:
		r.overdue = true // it has a second to notice
	default:
		r.stuck = true
		method := r.method
		r.o.stuck.Store(&method)
	}
	r.watch.Reset(blockedAfter)
}

// errStuck refuses a call of an object that has a handler which does not end.
func errStuck(method string) *lmz.Error {
	return notExecuted("stuck in " + strconv.Quote(method) + ": it was given up, and keeps the object's turn")
}

// entered says which method runs.
func (r *run) entered(method string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.method = method
}

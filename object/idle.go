package object

import (
	"container/list"
	"time"

	"github.com/lumenize/lmz/internal/budget"
)

// maxOpen is how many objects may be open before idle ones are closed.
const maxOpen = 2000

// Memory limits for open objects, in bytes. An object costs about openCost, including
// SQLite's cache, plus the state of its handler, which is estimated as the size of its
// storage.
const (
	openCost     = 256 << 10
	maxOpenBytes = 512 << 20
	maxOpenEach  = 64 << 20 // for objects opened by calls of one subject
)

// opener is a subject whose calls have opened objects.
type opener struct {
	cost    int64     // of its open objects
	leaving int64     // part of cost that is being closed
	idle    list.List // objects without work, longest idle first
}

// costs adds n to the cost of keeping the object open. The caller has the turn.
func (o *Object) costs(n int64) {
	if n == 0 {
		return
	}
	rt := o.rt
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.opens += n
	who := rt.opener(o.opener)
	who.cost += n
	o.cost += n
	rt.forgetOpener(o.opener)
}

// opener returns the opener for a subject, creating it if necessary. rt.mu is held.
func (rt *Runtime) opener(subject string) *opener {
	who := rt.openers[subject]
	if who == nil {
		who = new(opener)
		rt.openers[subject] = who
	}
	return who
}

// forgetOpener drops a subject that has nothing open. rt.mu is held.
func (rt *Runtime) forgetOpener(subject string) {
	if who := rt.openers[subject]; who != nil && who.cost == 0 && who.leaving == 0 && who.idle.Len() == 0 {
		delete(rt.openers, subject)
	}
}

// markIdle schedules an object without work to be closed after its idle time; if too many
// are open, the longest idle ones are closed at once. rt.mu is held.
func (rt *Runtime) markIdle(o *Object) {
	o.resting = rt.idle.PushBack(o)
	who := rt.opener(o.opener)
	o.restingEach = who.idle.PushBack(o)
	if o.kind.Idle > 0 {
		o.idle = time.AfterFunc(o.kind.Idle, func() { rt.retire(o) })
	}
	for (len(rt.objects)-rt.crowded > rt.maxOpen || rt.opens-rt.leaving > rt.maxBytes) && rt.idle.Len() > 0 {
		rt.evict(rt.idle.Front().Value.(*Object))
	}
	for o.opener != budget.System && who.cost-who.leaving > rt.maxEach && who.idle.Len() > 0 {
		rt.evict(who.idle.Front().Value.(*Object))
	}
}

// evict closes an idle object. rt.mu is held.
func (rt *Runtime) evict(o *Object) {
	rt.markBusy(o)
	subject, cost := o.opener, o.cost
	rt.crowded++
	rt.leaving += cost
	rt.opener(subject).leaving += cost
	go func() {
		rt.retire(o)
		rt.mu.Lock()
		defer rt.mu.Unlock()
		rt.crowded--
		rt.leaving -= cost
		rt.opener(subject).leaving -= cost
		rt.forgetOpener(subject)
	}()
}

// markBusy undoes markIdle. rt.mu is held.
func (rt *Runtime) markBusy(o *Object) {
	if o.idle != nil {
		o.idle.Stop()
		o.idle = nil
	}
	if o.resting != nil {
		rt.idle.Remove(o.resting)
		rt.opener(o.opener).idle.Remove(o.restingEach)
		o.resting, o.restingEach = nil, nil
		rt.forgetOpener(o.opener)
	}
}

package object

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
)

// Remover is a handler that has work to do after its object was removed ([Runtime.Remove]),
// such as notifying others. OnRemoved may call and send, has no storage, and runs on a new
// handler without OnStart. It has 30 seconds, during which the object is blocked. It runs
// again if the process dies before it returns; an error is logged and not retried.
type Remover interface {
	OnRemoved(ctx context.Context) error
}

// Remove removes all storage of the object at a, its alarms and watches, and its unfinished
// sends. It waits for the object's turn. Calls that wait behind it are not executed; later
// ones find a new object. A crash leaves the whole object or nothing of it. It is an error
// if the object has stored nothing. It is for administrators: no guard is asked.
func (rt *Runtime) Remove(ctx context.Context, a lmz.Address) error {
	return rt.turnOf(ctx, a, func(o *Object) error {
		if !rt.disk.Exists(a) {
			return absent(a.String() + " has stored nothing")
		}
		paid := o.paidFor()
		o.close()
		failpoint.Here("removal")
		err := rt.disk.Remove(a)
		if err != nil && rt.disk.Exists(a) {
			return store.WithoutPath(err)
		}
		failpoint.Here("removed")
		rt.abandon(o)
		for _, c := range paid {
			rt.accounts.Add(c.payer, c.kind, -c.n)
			rt.usage.changed(c.payer, c.kind)
		}
		if err = errors.Join(err, o.finishRemoval()); err != nil {
			return store.WithoutPath(err)
		}
		return nil
	})
}

// paidFor returns the charges for the object and its storage, omitting any that cannot be
// read. The caller has the turn.
func (o *Object) paidFor() (paid []charge) {
	st := o.store
	if st == nil {
		st = o.rt.disk.Open(o.id.Address, o.kind.options())
		defer st.Close()
	}
	add := func(payer string, k budget.Kind, n int64) {
		if payer != budget.System {
			paid = append(paid, charge{payer, k, n})
		}
	}
	maker, found, err := st.Row(madeRow)
	if found {
		add(string(maker), budget.Objects, 1)
	}
	bytes, failed := st.Rows(paidRows, store.NoLimit)
	for _, r := range bytes {
		n, malformed := strconv.ParseInt(string(r.Value), 10, 64)
		add(strings.TrimPrefix(r.Key, paidRows), budget.Stored, n)
		err = errors.Join(err, malformed)
	}
	alarms, unread := st.Rows(alarmRows, store.NoLimit)
	for _, r := range alarms {
		a, malformed := decodeRow[alarmRow](r)
		add(a.Payer, budget.Alarms, 1)
		err = errors.Join(err, malformed)
	}
	if err = errors.Join(err, failed, unread); err != nil {
		o.logger().Warn("what was paid for a removed object cannot be read", "error", store.WithoutPath(err))
	}
	return paid
}

// abandon ends the runtime's pending work for a removed object. Calls that wait for its
// turn, or must retake it, do not reach the next object with its name.
func (rt *Runtime) abandon(o *Object) {
	a := o.id.Address
	rt.mu.Lock()
	defer rt.mu.Unlock()
	o.removed = true
	for id, s := range rt.sending {
		if s.from.Address == a {
			s.dropped = true
			delete(rt.sending, id)
		}
	}
	for x := range rt.watching {
		if x.object == a {
			rt.unwatch(x)
		}
	}
	delete(rt.unsaved, a)
	rt.endLanes(a)
	rt.endPostponed(a)
}

// finishRemoval completes the removal of the object, whose turn the caller has. After that,
// a new object may use the name.
func (o *Object) finishRemoval() error {
	rt, a := o.rt, o.id.Address
	if err := rt.wakes.Drop(a); err != nil { // harmless: an empty object is woken in vain
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
	}
	err := o.tellRemoved()
	if err == nil {
		failpoint.Here("told")
		err = rt.disk.Removed(a)
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	delete(rt.objects, a)
	return err
}

// tellRemoved runs OnRemoved, if implemented. An error means that the next life of the
// gateway must run it.
func (o *Object) tellRemoved() error {
	ctx, cancel := o.rt.bound(node.WithCallContext(context.Background(), lmz.CallContext{Self: o.id}))
	defer cancel(nil)
	err := protect(func() error {
		if h, ok := o.kind.New(o).(Remover); ok {
			return h.OnRemoved(ctx)
		}
		return nil
	})
	switch {
	case err == nil:
	case o.rt.isClosed():
		return notExecuted("the gateway is closing: the next start does the rest")
	case proto.Hidden(err) != nil:
		o.logHidden("OnRemoved", err)
	default:
		o.logger().Warn("OnRemoved failed", "error", err)
	}
	return nil
}

// finishRemovals completes removals interrupted by a crash, before any call gets the turns
// of these objects.
func (rt *Runtime) finishRemovals() {
	left, err := rt.disk.Removals()
	if err != nil {
		rt.log.Error("removed objects cannot be read", "error", store.WithoutPath(err))
	}
	for _, a := range left {
		o, place, refused := rt.enter(a, ownWork(budget.System), anyLength)
		if refused != nil {
			if refused.Code != lmz.CodeAbsent {
				continue // the gateway is closing
			}
			if err := errors.Join(rt.wakes.Drop(a), rt.disk.Removed(a)); err != nil {
				rt.log.Error("storage failed", "binding", a.Binding, "instance", a.Instance, "error", store.WithoutPath(err))
			}
			continue
		}
		rt.mu.Lock()
		o.removed = true
		rt.mu.Unlock()
		go func() {
			defer rt.leave(o)
			defer place.Done()
			place.Wait(context.Background())
			if err := o.finishRemoval(); err != nil {
				o.logger().Error("the end of a removal failed", "error", store.WithoutPath(err))
			}
		}()
	}
}

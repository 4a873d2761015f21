package object

import (
	"context"
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// Contract returns the table of exposed methods of each binding, read from a handler of an
// object that does not exist. It is nil for handlers that do not implement [lmz.Table].
func (rt *Runtime) Contract() map[string]lmz.Table {
	rt.mu.Lock()
	kinds := make(map[string]Kind, len(rt.kinds))
	for binding, kind := range rt.kinds {
		kinds[binding] = kind
	}
	rt.mu.Unlock()
	tables := make(map[string]lmz.Table, len(kinds))
	for binding, kind := range kinds {
		o := &Object{rt: rt, kind: kind, id: lmz.Identity{Type: lmz.TypeObject, Address: lmz.Worker(binding)}}
		var h lmz.Handler
		if err := protect(func() error { h = kind.New(o); return nil }); err != nil {
			o.logHidden("New", err)
		}
		tables[binding], _ = h.(lmz.Table)
	}
	return tables
}

// CheckCall asks the guards of the object at to whether a call of req would pass, in a turn
// that is rolled back: what they write or send vanishes, and they cannot call. A closed
// object is started on a copy of its file, or on empty storage if it has none; its file is
// not touched. An object too large to copy is started in place, as a refused call would
// start it, so that a check reveals no more than a call. exists reports whether the object
// has stored something. An error means that there is no verdict.
func (rt *Runtime) CheckCall(ctx context.Context, to lmz.Address, called lmz.CallContext, req *lmz.Request) (v lmz.Verdict, exists bool, err error) {
	o, place, refused := rt.enter(to, turn.Who{Payer: proto.PayerOf(ctx)}, maxWaiting)
	if refused != nil {
		return v, false, refused
	}
	defer rt.leave(o)
	ctx, cancel := rt.bound(proto.Bare(ctx))
	defer cancel(nil)
	if err := place.Wait(ctx); err != nil {
		return v, false, rt.unstarted(ctx)
	}
	o.startTurn()
	if refused := o.unstarted(ctx); refused != nil {
		o.pass(place)
		return v, false, refused
	}
	called.Self = o.id
	ctx = node.WithCallContext(ctx, called)
	if o.handler == nil && rt.isLarge(to) {
		if refused := o.activate(place); refused != nil {
			o.pass(place)
			return v, true, refused
		}
	}
	if o.handler != nil && (o.group != nil || o.store.Dirty() || rt.disk.Exists(to)) {
		v, err = o.checkOpen(ctx, cancel, place, req)
		return v, true, err
	}
	defer o.pass(place)
	select {
	case rt.peeking <- struct{}{}: // copies of large files use disk and memory that all share
		defer func() { <-rt.peeking }()
	case <-ctx.Done():
		return v, false, o.unstarted(ctx)
	}
	copied, exists, drop, err := rt.disk.Copy(to, o.kind.options())
	if err != nil {
		o.logger().Error("the object cannot be copied for a check", "error", store.WithoutPath(err))
		return v, exists, notExecuted("the object could not be read")
	}
	defer drop()
	if o.handler == nil {
		v, err = o.checkApart(ctx, cancel, copied, req)
		return v, exists, err
	}
	// It has a handler but never wrote. A guard that writes must not create a file.
	own := o.store
	o.store = copied
	r := o.newCheck(ctx, cancel, place)
	v, err = r.check(ctx, o.handler, req)
	r.drop()
	copied.Close()
	o.store = own
	return v, exists, err
}

// newCheck returns a run that only asks guards.
func (o *Object) newCheck(ctx context.Context, cancel context.CancelCauseFunc, place *turn.Place) *run {
	r := o.newRun(ctx, cancel, place)
	r.checking = true
	return r
}

// checkOpen asks the guards in a turn of the object, and then passes the turn on. It waits
// until what they read is on disk.
func (o *Object) checkOpen(ctx context.Context, cancel context.CancelCauseFunc, place *turn.Place, req *lmz.Request) (lmz.Verdict, error) {
	r := o.newCheck(ctx, cancel, place)
	v, err := r.check(ctx, o.handler, req)
	ended := make(chan proto.Answer, 1)
	r.end(checked, func(a proto.Answer) { ended <- a })
	if a := <-ended; a.Failed != checked.Failed {
		_, err = a.Result()
	}
	return v, err
}

// checked ends a check. It is an error so that the turn is rolled back.
var checked = proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeCallee, Message: "only a check"})

// checkApart starts the object on a separate store and asks the guards there. The caller has
// the turn of the object, and keeps it.
func (o *Object) checkApart(ctx context.Context, cancel context.CancelCauseFunc, s store.Store, req *lmz.Request) (v lmz.Verdict, err error) {
	apart := &Object{rt: o.rt, kind: o.kind, id: o.id, store: s}
	defer apart.close() // rolls back: nothing of this is ever committed
	r := apart.newCheck(ctx, cancel, apart.line.Join(turn.Who{}))
	defer r.drop()
	var h lmz.Handler
	do(func() {
		err = protect(func() error {
			h = apart.kind.New(apart)
			if starter, ok := h.(Starter); ok {
				fresh := node.WithCallContext(ctx, lmz.CallContext{Self: o.id})
				return starter.OnStart(context.WithValue(fresh, runKey{}, r))
			}
			return nil
		})
	})
	if err != nil {
		o.logHidden("OnStart", err)
		return v, couldNotStart(err)
	}
	return r.check(ctx, h, req)
}

// check asks the guards within the run.
func (r *run) check(ctx context.Context, h lmz.Handler, req *lmz.Request) (v lmz.Verdict, err error) {
	table, ok := h.(lmz.Table)
	if !ok {
		return v, notExecuted("the handler of " + r.o.id.Binding + " does not say what it would allow: it is no lmz.Mux")
	}
	do(func() {
		err = protect(func() error {
			v = table.CheckCall(context.WithValue(ctx, runKey{}, r), req)
			return nil
		})
	})
	if err != nil {
		r.o.logHidden(req.Method, err)
		return v, &lmz.Error{Message: "a guard of " + req.Method + " panicked"}
	}
	if errors.Is(v.Err, errCallInCheck) {
		return v, notExecuted("the guard " + v.Guard + " calls another node, which it may not in a check")
	}
	return v, nil
}

// drop ends a run without effects, also for goroutines that it may have started.
func (r *run) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.place, r.effects, r.sends = true, nil, nil, nil
	r.spend()
	r.uninterruptible()
}

// maxPeek is the maximum number of bytes to copy for a check, which anyone may request at
// any rate.
const maxPeek = 64 << 20

// isLarge reports whether the object's storage exceeds maxPeek.
func (rt *Runtime) isLarge(a lmz.Address) bool { return rt.disk.Size(a) > maxPeek }

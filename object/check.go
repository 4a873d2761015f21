package object

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// Contract returns the table of exposed methods of each binding, read from a handler of
// an object that does not exist. It is nil for handlers that are no [lmz.Table].
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

// CheckCall asks the guards of the object at to what a call of req would meet, in a
// turn that is rolled back: what they write or send vanishes, and they cannot call.
// An object that is closed is started on a copy of its file, or on nothing if there is
// none: its file is not touched. One that is too large to be copied is started as a call
// that is refused starts it, so that who asks learns no more than by a call. exists says whether it has one. An error says why
// there is no verdict.
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
	if o.handler != nil && (o.group != nil || o.store.dirty() || rt.exists(to)) {
		v, err = o.checkOpen(ctx, cancel, place, req)
		return v, true, err
	}
	defer o.pass(place)
	select {
	case rt.peeking <- struct{}{}: // copies of large files take the disk and memory of all
		defer func() { <-rt.peeking }()
	case <-ctx.Done():
		return v, false, o.unstarted(ctx)
	}
	p, exists, err := rt.peek(to, o.kind)
	if err != nil {
		o.logger().Error("the object cannot be copied for a check", "error", withoutPath(err))
		return v, exists, notExecuted("the object could not be read")
	}
	defer p.drop()
	if o.handler == nil {
		v, err = o.checkApart(ctx, cancel, p.store, req)
		return v, exists, err
	}
	// It has a handler, but never wrote. A guard that writes must not make a file.
	store := o.store
	o.store = p.store
	r := o.newCheck(ctx, cancel, place)
	v, err = r.check(ctx, o.handler, req)
	r.drop()
	p.store.close()
	o.store = store
	return v, exists, err
}

// newCheck is a run that only asks guards.
func (o *Object) newCheck(ctx context.Context, cancel context.CancelCauseFunc, place *turn.Place) *run {
	r := o.newRun(ctx, cancel, place)
	r.checking = true
	return r
}

// checkOpen asks the guards in a turn of the object, which it gives on. What they read
// may not be on disk yet: it waits for that.
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

// checked is the answer of a check: an error, so that it is rolled back.
var checked = proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeCallee, Message: "only a check"})

// checkApart starts the object on a store of its own and asks the guards there. The
// caller has the turn of the object, and keeps it.
func (o *Object) checkApart(ctx context.Context, cancel context.CancelCauseFunc, s store, req *lmz.Request) (v lmz.Verdict, err error) {
	apart := &Object{rt: o.rt, kind: o.kind, id: o.id, store: s}
	defer apart.close() // which rolls back: nothing of this is ever committed
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

// drop ends a run that leaves nothing, for goroutines that it may have started.
func (r *run) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.place, r.effects, r.sends = true, nil, nil, nil
	r.spend()
	r.uninterruptible()
}

// peeked is a store to look at an object with: nothing is committed to it.
type peeked struct {
	store store
	drop  func()
}

// peekFile copies what the object at a has in the data directory dir.
func peekFile(dir string, a lmz.Address, k Kind) (p peeked, exists bool, err error) {
	path := filePath(dir, a)
	exists = isFile(path)
	apart, err := os.MkdirTemp(dir, checkPrefix)
	if err != nil {
		return p, exists, err
	}
	p.drop = func() { os.RemoveAll(apart) }
	copied := filepath.Join(apart, "copy.db")
	p.store = &sqliteStore{path: copied, of: a, kind: k}
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(path+suffix, copied+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.drop()
			return p, exists, err
		}
	}
	return p, exists, nil
}

// maxPeeking is how many objects are copied at once.
const maxPeeking = 2

// maxPeek is how many bytes are copied to answer a question that anybody may ask, as
// often as they like.
const maxPeek = 64 << 20

// isLarge reports whether the file of an object is larger than that.
func (rt *Runtime) isLarge(a lmz.Address) bool {
	if rt.dir == "" {
		return false
	}
	path := filePath(rt.dir, a)
	return sizeOf(path)+sizeOf(path+"-wal") > maxPeek
}

// sizeOf returns the size of a file, and 0 if there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// checkPrefix begins the names of directories with copies.
const checkPrefix = "check-"

// dropCopies removes copies that a crash left behind.
func dropCopies(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, checkPrefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

package object

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
)

// Remover is a handler that has work to do after its object was removed ([Runtime.Remove]),
// such as notifying others. OnRemoved may call and send, has no storage, and runs on a new
// handler that was not started. It has 30 seconds, during which nobody uses the object. It
// runs again if the process dies before it returns; an error is logged and not retried.
type Remover interface {
	OnRemoved(ctx context.Context) error
}

// removals are the objects that were removed and whose end is not complete.
type removals interface {
	// begin makes an object one that has stored nothing, durably and in one step.
	begin(a lmz.Address) error
	// end forgets that it was removed.
	end(a lmz.Address) error
	// left returns those that began in an earlier life.
	left() ([]lmz.Address, error)
}

// Remove removes everything that the object at a has stored, its alarms and watches, and
// its sends that are not finished. It waits for the object's turn. Calls that wait behind
// it are not executed; later ones find a new object. A crash leaves the whole object or
// nothing of it. An object that has stored nothing is an error. It is for administrators:
// no guard is asked.
func (rt *Runtime) Remove(ctx context.Context, a lmz.Address) error {
	return rt.turnOf(ctx, a, func(o *Object) error {
		if !rt.exists(a) {
			return absent(a.String() + " has stored nothing")
		}
		paid := o.paidFor()
		o.close()
		failpoint("removal")
		err := rt.removals.begin(a)
		if err != nil && rt.exists(a) {
			return withoutPath(err)
		}
		failpoint("removed")
		rt.abandon(o)
		for _, c := range paid {
			rt.accounts.Add(c.payer, c.kind, -c.n)
			rt.usage.changed(c.payer, c.kind)
		}
		if err = errors.Join(err, o.finishRemoval()); err != nil {
			return withoutPath(err)
		}
		return nil
	})
}

// paidFor returns what was charged for the object and what it has stored, as far as that can
// be read. The caller has the turn.
func (o *Object) paidFor() (paid []charge) {
	st := o.store
	if st == nil {
		st = o.rt.open(o.id.Address, o.kind)
		defer st.close()
	}
	add := func(payer string, k budget.Kind, n int64) {
		if payer != budget.System {
			paid = append(paid, charge{payer, k, n})
		}
	}
	maker, found, err := st.row(madeRow)
	if found {
		add(string(maker), budget.Objects, 1)
	}
	bytes, failed := st.rows(paidRows, noLimit)
	for _, r := range bytes {
		n, malformed := strconv.ParseInt(string(r.value), 10, 64)
		add(strings.TrimPrefix(r.key, paidRows), budget.Stored, n)
		err = errors.Join(err, malformed)
	}
	alarms, unread := st.rows(alarmRows, noLimit)
	for _, r := range alarms {
		a, malformed := decodeRow[alarmRow](r)
		add(a.Payer, budget.Alarms, 1)
		err = errors.Join(err, malformed)
	}
	if err = errors.Join(err, failed, unread); err != nil {
		o.logger().Warn("what was paid for a removed object cannot be read", "error", withoutPath(err))
	}
	return paid
}

// abandon ends what the runtime has under way for an object that was removed. Whoever waits
// for its turn, or has to get it back, does not get to the next object of its name.
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

// finishRemoval does what follows the removal of the object, whose turn the caller has. From
// then on another one may have the name.
func (o *Object) finishRemoval() error {
	rt, a := o.rt, o.id.Address
	if err := rt.wakes.drop(a); err != nil { // an object that has nothing is woken in vain
		o.logger().Error("storage failed", "error", withoutPath(err))
	}
	err := o.tellRemoved()
	if err == nil {
		failpoint("told")
		err = rt.removals.end(a)
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	delete(rt.objects, a)
	return err
}

// tellRemoved runs OnRemoved, if there is one. An error says that the next life of the
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

// finishRemovals does what a crash has left of removals, before any call gets the turns of
// these objects.
func (rt *Runtime) finishRemovals() {
	left, err := rt.removals.left()
	if err != nil {
		rt.log.Error("removed objects cannot be read", "error", withoutPath(err))
	}
	for _, a := range left {
		o, place, refused := rt.enter(a, ownWork(budget.System), anyLength)
		if refused != nil {
			if refused.Code != lmz.CodeAbsent {
				continue // the gateway is closing
			}
			if err := errors.Join(rt.wakes.drop(a), rt.removals.end(a)); err != nil {
				rt.log.Error("storage failed", "binding", a.Binding, "instance", a.Instance, "error", withoutPath(err))
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
				o.logger().Error("the end of a removal failed", "error", withoutPath(err))
			}
		}()
	}
}

// fileRemovals has the files of removed objects in a folder of their own.
type fileRemovals struct{ dir string }

func (r fileRemovals) folder() string { return filepath.Join(r.dir, "removed") }

func (r fileRemovals) begin(a lmz.Address) error {
	from, to := filePath(r.dir, a), filePath(r.folder(), a)
	if hasLog(from) { // of a process that was killed: whose the file is may be in it only
		if conn, err := openSQLite(from, a); err == nil {
			closeConn(conn) // what it cannot merge is not needed
		}
	}
	if err := makeDir(filepath.Dir(to)); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if err := errors.Join(syncParent(to), syncParent(from)); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm"} { // SQLite ignores it beside a new file, if it comes back
		if err := os.Remove(from + suffix); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func (r fileRemovals) end(a lmz.Address) error { return os.Remove(filePath(r.folder(), a)) }

func (r fileRemovals) left() (left []lmz.Address, err error) {
	for path, broken := range objectFiles(r.folder(), "", "") {
		if broken != nil {
			return left, broken
		}
		if s, unreadable := look(path, nil); unreadable == nil {
			left = append(left, s.Address)
		} else {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return left, err
}

// memRemovals are those of a disk in memory.
type memRemovals struct {
	disk       *MemoryDisk
	generation int
}

func (r memRemovals) begin(a lmz.Address) error {
	return r.disk.sync(r.generation, &memCommit{of: a, removal: removalBegins}, false)
}

func (r memRemovals) end(a lmz.Address) error {
	return r.disk.sync(r.generation, &memCommit{of: a, removal: removalEnds}, false)
}

func (r memRemovals) left() (left []lmz.Address, err error) {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	for a := range r.disk.removed {
		left = append(left, a)
	}
	return left, nil
}

// What a commit says of a removal.
const (
	removalBegins = 1
	removalEnds   = 2
)

// applyRemoval makes it durable. d.mu is held.
func (d *MemoryDisk) applyRemoval(c *memCommit) {
	if c.removal == removalEnds {
		delete(d.removed, c.of)
		return
	}
	delete(d.files, filePath("", c.of))
	if d.removed == nil {
		d.removed = make(map[lmz.Address]bool)
	}
	d.removed[c.of] = true
}

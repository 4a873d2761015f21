package object

import (
	"sync"
	"time"

	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// groupAge is how old a shared commit gets while others wait for the turn.
const groupAge = 2 * time.Millisecond

// group is a commit that several turns share: those that ended while others waited
// for the turn. What they sent and answered leaves when the commit is on disk. A
// turn that only read is in it too, because it may have read what is not on disk.
type group struct {
	began  time.Time
	doomed error // why there is nothing to commit any more; of whoever has the turn

	mu      sync.Mutex // guards the following fields
	parts   []part
	settled bool
	lost    error // why the commit failed
}

// part is what waits for a group's commit: leave runs when it is on disk, lost when
// it failed. Neither blocks, and neither is called with a lock held.
type part struct {
	leave func()
	lost  func(error) // nil: nobody needs to know
}

// add has p wait for the commit, or learn at once what became of it. A nil group is
// one that nothing waits for.
func (g *group) add(p part) {
	if g != nil {
		g.mu.Lock()
		if !g.settled {
			g.parts = append(g.parts, p)
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
	}
	if g == nil || g.lost == nil {
		p.leave()
	} else if p.lost != nil {
		p.lost(g.lost)
	}
}

// settle lets everything leave, in order, or be lost if there is an error. What is
// added meanwhile comes after it.
func (g *group) settle(err error) {
	for {
		g.mu.Lock()
		parts := g.parts
		g.parts = nil
		if len(parts) == 0 {
			g.settled, g.lost = true, err
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		for _, p := range parts {
			if err == nil {
				p.leave()
			} else if p.lost != nil {
				p.lost(err)
			}
		}
	}
}

// The following methods of Object are for whoever has the turn.

// startTurn begins a turn, after the commit of those before it if that is old enough.
func (o *Object) startTurn() {
	if o.group != nil && time.Since(o.group.began) >= groupAge {
		o.flush()
	}
	o.charges = nil
	if o.store != nil {
		o.store.Mark()
	}
}

// endTurn adds a turn to the open commit, or begins one. A turn that changed nothing,
// and can have read nothing that is not on disk, needs none: endTurn returns nil, and p
// may leave.
func (o *Object) endTurn(p part) (*group, error) {
	if o.rt.dead.Load() {
		return nil, errClosed
	}
	if o.group == nil && !o.store.Dirty() {
		return nil, o.commit()
	}
	if o.group == nil {
		o.group = &group{began: time.Now()}
	}
	o.group.add(p)
	return o.group, nil
}

// pass gives the turn to the next in the line, or commits when nobody waits.
func (o *Object) pass(place *turn.Place) {
	if o.group == nil {
		o.letGo()
		place.Done()
		return
	}
	if place.Pass() {
		return
	}
	o.flush()
	place.Done()
}

// letGo says that the turn needs the storage no more. Nothing waits for a commit.
func (o *Object) letGo() {
	if o.store == nil {
		return
	}
	if err := o.store.Rest(); err != nil {
		o.logger().Error("rollback failed", "error", store.WithoutPath(err))
	}
}

// flush commits the turns that wait for it and lets leave what they sent. If that
// fails the object is reset: the next turn finds what is on disk.
func (o *Object) flush() {
	g := o.group
	if g == nil {
		return
	}
	o.group = nil
	err := g.doomed
	switch {
	case err != nil:
	case o.rt.dead.Load():
		err = errClosed
	default:
		err = o.commit()
	}
	if err != nil {
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
		o.close()
	}
	g.settle(err)
}

// commit makes everything since the last commit durable. What was settled meanwhile
// goes with it, and the index of wakes goes before it.
func (o *Object) commit() error { return o.commitAll(false) }

// commitAll is commit, also if there is nothing to commit but what was settled.
func (o *Object) commitAll(always bool) error {
	saved, err := func() {}, error(nil)
	if always || o.store.Dirty() {
		saved, err = o.keepUnsaved()
	}
	if err != nil {
		return err
	}
	committed, err := o.announce()
	if err != nil {
		return err
	}
	wrote, err := o.store.Commit(func(error) {})
	committed(err)
	if err != nil {
		return err
	}
	saved()
	if wrote {
		o.rt.commits.Add(1)
	}
	return nil
}

// reset closes the object after the storage failed in a turn of r, unless that
// happened already. The turns before it are committed.
func (o *Object) reset(r *run) {
	if r.life != o.life {
		return
	}
	o.flush()
	if r.life == o.life {
		o.close() // the next call finds what is on disk
	}
}

// undo takes back what the turn wrote. If that is not possible the whole commit is
// lost, and the object must be reset.
func (o *Object) undo() error {
	o.charges = nil
	err := o.store.Undo()
	if err == nil {
		return nil
	}
	o.logger().Error("rollback failed", "error", store.WithoutPath(err))
	if o.group != nil {
		o.group.doomed = err
	}
	if err := o.store.Rollback(); err != nil {
		o.logger().Error("rollback failed", "error", store.WithoutPath(err))
	}
	return err
}

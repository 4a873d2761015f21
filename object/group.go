package object

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// groupAge is the maximum age of a shared commit while others wait for the turn.
const groupAge = 2 * time.Millisecond

// group is a commit that several turns share: those that ended while others waited for the
// turn. Their sends and answers leave when the commit is durable. A turn that only read is
// in it too, because it may have read data that is not durable.
type group struct {
	began  time.Time
	doomed error // why there is nothing left to commit; requires the turn

	mu      sync.Mutex // guards the following fields
	parts   []part
	settled bool
	lost    error // why the commit failed
}

// part waits for a group's commit: leave runs once it is durable, lost if it was lost.
// Neither blocks, and neither is called with a lock held.
type part struct {
	leave func()
	lost  func(error) // may be nil
}

// add makes p wait for the commit; if that is already settled, p runs at once. A nil group
// has nothing to wait for.
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

// settle lets all parts leave, in order, or be lost if err is not nil. Parts added meanwhile
// follow.
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

// wait waits until all parts have left or were lost.
func (g *group) wait() {
	ended := make(chan struct{})
	g.add(part{func() { close(ended) }, func(error) { close(ended) }})
	<-ended
}

// isSettled reports whether the commit is settled, with no parts waiting.
func (g *group) isSettled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settled
}

// The following methods of Object require the turn.

// startTurn begins a turn, first committing those before it if their commit is old enough.
func (o *Object) startTurn() {
	o.undoLost()
	if o.group != nil && time.Since(o.group.began) >= groupAge {
		o.flush()
	}
	o.charges = nil
	if o.store != nil {
		o.store.Mark()
	}
}

// endTurn adds a turn to the open commit, or opens one. A turn that changed nothing and
// cannot have read anything that is not durable needs none: endTurn returns nil, and p may
// leave.
func (o *Object) endTurn(p part) (*group, error) {
	switch {
	case o.rt.dead.Load():
		return nil, errClosed
	case o.lost.Load() != nil:
		return nil, errUndone
	}
	if o.group == nil && !o.store.Dirty() {
		if err := o.endRead(); err != nil || o.last == nil {
			return nil, err
		}
		o.last.add(p)
		return o.last, nil
	}
	if o.group == nil {
		o.group = &group{began: time.Now()}
	}
	o.group.add(p)
	return o.group, nil
}

// endRead ends the transaction of a turn that has nothing to commit.
func (o *Object) endRead() error {
	if o.stirred {
		return o.commit(nil)
	}
	_, err := o.store.Commit(nil)
	return err
}

// pass passes the turn to the next in line, or commits if none is waiting.
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

// letGo ends the turn's use of the storage. Nothing waits for a commit.
func (o *Object) letGo() {
	if o.store == nil {
		return
	}
	if err := o.store.Rest(); err != nil {
		o.logger().Error("rollback failed", "error", store.WithoutPath(err))
	}
}

// flush commits the turns that wait for it. Their sends leave when the commit is durable. If
// the commit fails, the object is reset: the next turn starts from what is stored.
func (o *Object) flush() {
	o.undoLost()
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
		err = o.commit(g)
	}
	if err != nil {
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
		o.close()
		g.settle(err)
	}
}

// undoLost closes the object if one of its commits was lost after later turns had begun.
// They are undone with it: none of them has sent anything yet.
func (o *Object) undoLost() {
	if o.lost.Load() == nil {
		return
	}
	g := o.group
	o.group = nil
	o.close()
	if g != nil {
		g.settle(errUndone)
	}
}

// commit applies everything since the last commit, and settles g, if not nil, when it is
// durable or lost. It includes settlements made meanwhile, and updates the wake index first.
// After an error g is not settled.
func (o *Object) commit(g *group) error { return o.commitAll(g, false) }

// commitAll is like commit; with always set it commits even if there are only settlements.
func (o *Object) commitAll(g *group, always bool) error {
	saved, err := o.keepUnsaved(always || o.store.Dirty())
	if err != nil {
		saved(err)
		return err
	}
	announced, err := o.announce()
	if err != nil {
		saved(err)
		return err
	}
	c := &commit{o, g, announced, saved}
	wrote, err := o.store.Commit(c.durable)
	if err != nil {
		c.end(err)
		return err
	}
	o.stirred = false
	switch {
	case !wrote && o.last != nil: // what was announced depends on data that is not durable yet
		o.last.add(part{func() { c.settle(nil) }, c.settle})
	case !wrote:
		c.settle(nil)
	case !g.isSettled():
		o.last = g
	}
	if o.last != nil && o.last.isSettled() {
		o.last = nil
	}
	return nil
}

// commit holds what to do when a commit is durable or lost.
type commit struct {
	o                *Object
	group            *group // nil if nothing waits for it
	announced, saved func(lost error)
}

// durable is called when the commit is durable or lost, on any goroutine. If it was lost,
// the object is closed in its next turn, which nothing waits for.
func (c *commit) durable(lost error) {
	o := c.o
	if lost == nil {
		o.rt.commits.Add(1)
	} else if o.lost.CompareAndSwap(nil, &lost) {
		o.logger().Error("a commit was lost", "error", store.WithoutPath(lost))
		go o.rt.turnOf(context.Background(), o.id.Address, func(*Object) error { return nil })
	}
	c.settle(lost)
}

func (c *commit) settle(lost error) {
	c.end(lost)
	if c.group != nil {
		c.group.settle(lost)
	}
}

func (c *commit) end(lost error) {
	c.announced(lost)
	c.saved(lost)
}

// settled waits until all commits are durable or lost. If one was lost, the object is
// closed.
func (o *Object) settled() {
	o.flush()
	if o.last != nil {
		o.last.wait()
		o.last = nil
	}
	o.undoLost()
}

// reset closes the object after the storage failed in a turn of r, unless that has already
// happened. Earlier turns are committed first.
func (o *Object) reset(r *run) {
	if r.life != o.life {
		return
	}
	o.flush()
	if r.life == o.life {
		o.close() // the next call finds what is on disk
	}
}

// undo rolls back what the turn wrote. If that fails, the whole commit is lost, and the
// object must be reset.
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

package object

import (
	"cmp"
	"slices"
	"time"

	"github.com/lumenize/lmz"
)

// postponed holds the chores that an object cannot do now because it does not start or
// cannot store anything. The first is retried after a growing pause; when it is done the
// others follow, in order. Guarded by rt.mu.
type postponed struct {
	failures int
	chores   []chore
	next     bool // the next chore to arrive is the one to try
	timer    *time.Timer
}

// joinPostponed reports whether a chore must wait behind postponed ones, and if so enqueues
// it. rt.mu is held.
func (rt *Runtime) joinPostponed(a lmz.Address, c chore) bool {
	p := rt.postponed[a]
	switch {
	case p == nil || c.once:
		return false
	case p.next:
		p.next = false
		return false
	}
	p.add(c)
	return true
}

func (p *postponed) add(c chore) {
	i, _ := slices.BinarySearchFunc(p.chores, c, func(x, c chore) int { return cmp.Compare(x.number, c.number) })
	p.chores = slices.Insert(p.chores, i, c)
}

// postpone enqueues a chore that could not be done.
func (rt *Runtime) postpone(a lmz.Address, c chore, why string) {
	if c.once {
		return
	}
	rt.wakes.Unable(a, why)
	rt.mu.Lock()
	defer rt.mu.Unlock()
	p := rt.postponed[a]
	if p == nil {
		p = new(postponed)
		rt.postponed[a] = p
	}
	p.add(c)
	if p.timer == nil && !rt.closed {
		p.failures++
		p.timer = time.AfterFunc(laneRetry.pause(p.failures), func() { rt.tryPostponed(a, p) })
	}
}

// tryPostponed tries the first postponed chore.
func (rt *Runtime) tryPostponed(a lmz.Address, p *postponed) {
	rt.mu.Lock()
	p.timer = nil
	if rt.closed || rt.postponed[a] != p {
		rt.mu.Unlock()
		return
	}
	first := p.chores[0]
	p.chores = p.chores[1:]
	p.next = true
	rt.mu.Unlock()
	first.again()
}

// didChore runs the postponed chores after one that was done.
func (rt *Runtime) didChore(a lmz.Address) {
	rt.wakes.Able(a)
	rt.mu.Lock()
	p := rt.postponed[a]
	rt.endPostponed(a)
	rt.mu.Unlock()
	if p != nil {
		for _, c := range p.chores {
			c.again()
		}
	}
}

// hasPostponed reports whether an object has postponed chores.
func (rt *Runtime) hasPostponed(a lmz.Address) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.postponed[a] != nil
}

// endPostponed drops the postponed chores. rt.mu is held.
func (rt *Runtime) endPostponed(a lmz.Address) {
	if p := rt.postponed[a]; p != nil {
		if p.timer != nil {
			p.timer.Stop()
		}
		delete(rt.postponed, a)
	}
}

// Package turn is the right to run a node's code. A [Line] has one holder at a time, or a
// fixed number of them. Places of one caller are served in the order in which they were
// taken; between callers those who pay take turns, so that what one of them asks for
// delays another's single call by a few turns at most.
package turn

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
)

// Line is the line of those who want the turn. The zero value is an empty line
// and nobody holds the turn. Its methods may be called from any goroutine.
type Line struct {
	// Holders is how many may have the turn at once, and EachPayer how many of them one
	// payer may be. 0 means 1, and no limit. Set them before the line is used.
	Holders, EachPayer int

	mu      sync.Mutex
	held    int
	waiting int
	callers map[lmz.Identity]*caller // of those who wait
	groups  map[string]*group        // by payer
	ready   []*group                 // those with callers who could have the turn
	served  time.Duration            // the virtual time of the group that was served last
}

// Who takes a place. The zero value is nobody in particular: such places have no order
// among themselves.
type Who struct {
	Caller lmz.Identity // whose places keep their order
	Payer  string       // to whose share the turn counts
}

// group is what one payer wants. Its virtual time is what its turns have cost: the group
// that has had least is served next (start-time fair queueing). A group that wanted
// nothing for a while saves nothing up.
type group struct {
	had     time.Duration
	held    int       // turns that it has
	waiting int       // places that it pays for
	callers []*caller // whose first place it pays for
}

// caller is the places of one caller, in order.
type caller struct {
	who    lmz.Identity
	places []*Place
}

// Place is a place in a [Line] or a [Queue].
type Place struct {
	line line
	who  Who
	turn chan struct{} // closed when the turn is this place's
	cost time.Duration
}

// line is what a place is in.
type line interface {
	Join(Who) *Place
	leave(*Place) bool // takes a place out, unless it already has the turn
	done(*Place)       // gives the turn to the next
}

// least is what a turn counts at least.
const least = 50 * time.Microsecond

// given is the turn of places that did not have to wait.
var given = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Join takes a place in the line, behind those of the same caller. It does not block,
// so a caller that must keep an order joins in that order and waits elsewhere.
func (l *Line) Join(who Who) *Place {
	p := &Place{line: l, who: who}
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.group(who.Payer)
	if l.waiting == 0 && l.mayHave(g) {
		p.turn = given
		g.had = max(g.had, l.served)
		l.give(g)
		return p
	}
	p.turn = make(chan struct{})
	l.enqueue(p, g)
	l.next()
	return p
}

// mayHave reports whether a group may have one more turn now. l.mu is held.
func (l *Line) mayHave(g *group) bool {
	return l.held < max(l.Holders, 1) && (l.EachPayer == 0 || g.held < l.EachPayer)
}

// group returns that of a payer. l.mu is held.
func (l *Line) group(payer string) *group {
	g := l.groups[payer]
	if g != nil {
		return g
	}
	const few = 16 // groups that want nothing are kept, because most come back
	if len(l.groups) >= few+2*(len(l.ready)+l.held) {
		for payer, g := range l.groups {
			if g.held == 0 && g.waiting == 0 {
				delete(l.groups, payer)
			}
		}
	}
	if l.groups == nil {
		l.groups = make(map[string]*group)
	}
	g = &group{had: l.served}
	l.groups[payer] = g
	return g
}

// give counts a turn of a group, which is charged for the least at once and for the rest
// at the end. l.mu is held.
func (l *Line) give(g *group) {
	l.held++
	g.held++
	l.served = g.had
	g.had += least
}

// enqueue puts a place behind those of its caller. l.mu is held.
func (l *Line) enqueue(p *Place, g *group) {
	l.waiting++
	g.waiting++
	c := l.callers[p.who.Caller]
	if c == nil {
		c = &caller{who: p.who.Caller}
		if c.who != (lmz.Identity{}) {
			if l.callers == nil {
				l.callers = make(map[lmz.Identity]*caller)
			}
			l.callers[c.who] = c
		}
	}
	if c.places = append(c.places, p); len(c.places) == 1 {
		l.want(c)
	}
}

// want puts a caller last among those of the group that pays for its first place. l.mu
// is held.
func (l *Line) want(c *caller) {
	g := l.group(c.places[0].who.Payer)
	if g.callers = append(g.callers, c); len(g.callers) == 1 {
		if g.held == 0 {
			g.had = max(g.had, l.served)
		}
		l.ready = append(l.ready, g)
	}
}

// next gives free turns to the groups that have had least: of two that have had the same,
// to the one that has waited for longer. l.mu is held.
func (l *Line) next() {
	for {
		best := -1
		for i, g := range l.ready {
			if l.mayHave(g) && (best < 0 || g.had < l.ready[best].had) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		g := l.ready[best]
		l.ready = append(l.ready[:best], l.ready[best+1:]...)
		c := g.callers[0]
		g.callers = g.callers[1:]
		if len(g.callers) > 0 {
			l.ready = append(l.ready, g)
		}
		p := c.places[0]
		l.give(g)
		l.took(c, 0)
		close(p.turn)
	}
}

// took takes a place of a caller, which is in no group's list, out of the line. l.mu is
// held.
func (l *Line) took(c *caller, i int) {
	l.waiting--
	l.group(c.places[i].who.Payer).waiting--
	if i == 0 {
		c.places[0] = nil
		c.places = c.places[1:]
	} else {
		c.places = append(c.places[:i], c.places[i+1:]...)
	}
	switch {
	case len(c.places) > 0:
		if i == 0 {
			l.want(c)
		}
	case l.callers[c.who] == c:
		delete(l.callers, c.who)
	}
}

// Waiting returns how many places wait for the turn, without its holders, and how many of
// them a payer pays for.
func (l *Line) Waiting(payer string) (all, own int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[payer]; g != nil {
		own = g.waiting
	}
	return l.waiting, own
}

// Wait waits until the turn is p's. When ctx ends first it gives the place up and
// returns the cause. After a nil return the caller must call Done once.
func (p *Place) Wait(ctx context.Context) error {
	if p.Has() {
		return nil
	}
	select {
	case <-p.turn:
		return nil
	case <-ctx.Done():
	}
	if p.line.leave(p) {
		return context.Cause(ctx)
	}
	return nil // the turn came in the same instant: it is ours
}

// Has reports whether the turn is p's, or was.
func (p *Place) Has() bool {
	select {
	case <-p.turn:
		return true
	default:
		return false
	}
}

func (l *Line) leave(p *Place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.Has() {
		return false
	}
	c := l.callerOf(p)
	for i, other := range c.places {
		if other != p {
			continue
		}
		if i == 0 {
			l.unwant(c)
		}
		l.took(c, i)
		break
	}
	l.next() // the caller's next place may be another payer's
	return true
}

// callerOf returns the caller that p waits with. l.mu is held.
func (l *Line) callerOf(p *Place) *caller {
	if c := l.callers[p.who.Caller]; c != nil {
		return c
	}
	for _, c := range l.groups[p.who.Payer].callers { // it has no caller in particular
		if c.places[0] == p {
			return c
		}
	}
	return nil
}

// unwant takes a caller out of its group. l.mu is held.
func (l *Line) unwant(c *caller) {
	g := l.groups[c.places[0].who.Payer]
	for i, other := range g.callers {
		if other == c {
			g.callers = append(g.callers[:i], g.callers[i+1:]...)
			break
		}
	}
	if len(g.callers) > 0 {
		return
	}
	for i, other := range l.ready {
		if other == g {
			l.ready = append(l.ready[:i], l.ready[i+1:]...)
			break
		}
	}
}

// Payer returns to whose share the turn counts.
func (p *Place) Payer() string { return p.who.Payer }

// Charge adds to what the turn counts. The holder of the turn calls it before Done or
// Pass; without it the turn counts the least.
func (p *Place) Charge(d time.Duration) { p.cost += d }

// Done gives the turn to the next in the line.
func (p *Place) Done() { p.line.done(p) }

func (l *Line) done(p *Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended(p)
	l.next()
}

// Pass gives the turn to the next in the line, unless there is nobody: then it
// reports false, and p keeps the turn. It is for places in a [Line].
func (p *Place) Pass() bool {
	l := p.line.(*Line)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == 0 {
		return false
	}
	l.ended(p)
	l.next()
	return true
}

// ended settles what the turn has cost. l.mu is held.
func (l *Line) ended(p *Place) {
	g := l.group(p.who.Payer)
	l.held--
	g.held--
	g.had += max(p.cost-least, 0)
}

// Package turn decides whose call runs next on a node. A turn is the right to run the node's code.
// A [Line] has one holder at a time, or a fixed number of them. Places of one caller are served in
// the order in which they were taken. Between callers the payers take turns, so that the load of
// one payer delays another's single call by a few turns at most.
package turn

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
)

// Line is the line of places that wait for the turn. The zero value is an empty line whose turn is
// free. Its methods may be called from any goroutine.
type Line struct {
	// Holders is how many places may have the turn at once; 0 means 1. EachPayer is how many
	// of them may belong to one payer; 0 means no limit. Set them before the line is used.
	Holders, EachPayer int

	mu      sync.Mutex
	held    int
	waiting int
	callers map[lmz.Identity]*caller // that wait
	groups  map[string]*group        // by payer
	ready   []*group                 // groups with callers that wait
	served  time.Duration            // the virtual time of the group that was served last
}

// Who identifies the owner of a place. Places of the zero value have no order among themselves.
type Who struct {
	Caller lmz.Identity // keeps the order of its places
	Payer  string       // is charged for the turn
}

// group is the places of one payer. Its virtual time is the cost of its turns: the group with the
// least is served next (start-time fair queueing). An idle group does not accumulate credit.
type group struct {
	had     time.Duration
	held    int       // turns it has now
	waiting int       // its waiting places
	callers []*caller // those whose first place it pays for
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

// line is the [Line] or [Queue] of a place.
type line interface {
	Join(Who) *Place
	leave(*Place) bool // takes a place out, unless it already has the turn
	done(*Place)       // gives the turn to the next
}

// least is the minimum charge for a turn.
const least = 50 * time.Microsecond

// given is the closed channel of places that did not have to wait.
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

// mayHave reports whether a group may have another turn now. l.mu is held.
func (l *Line) mayHave(g *group) bool {
	return l.held < max(l.Holders, 1) && (l.EachPayer == 0 || g.held < l.EachPayer)
}

// group returns the group of a payer. l.mu is held.
func (l *Line) group(payer string) *group {
	g := l.groups[payer]
	if g != nil {
		return g
	}
	const few = 16 // idle groups are kept, because most come back
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

// give charges a group for a turn: the minimum at once, and the rest at the end. l.mu is held.
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

// want appends a caller to those of the group that pays for its first place. l.mu is held.
func (l *Line) want(c *caller) {
	g := l.group(c.places[0].who.Payer)
	if g.callers = append(g.callers, c); len(g.callers) == 1 {
		if g.held == 0 {
			g.had = max(g.had, l.served)
		}
		l.ready = append(l.ready, g)
	}
}

// next gives free turns to the groups with the least virtual time, and among equals to the
// one that has waited longest. l.mu is held.
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

// took removes a place from the line whose caller is in no group's list. l.mu is held.
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

// Waiting returns how many places wait for the turn, excluding its holders, and how many of
// them belong to payer.
func (l *Line) Waiting(payer string) (all, own int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[payer]; g != nil {
		own = g.waiting
	}
	return l.waiting, own
}

// Wait waits until p has the turn. If ctx ends first it abandons the place and returns the cause.
// After a nil return the caller must call Done once.
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
	return nil // the turn arrived at the same time
}

// Has reports whether p has the turn, or had it.
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

// callerOf returns the caller whose places include p. l.mu is held.
func (l *Line) callerOf(p *Place) *caller {
	if c := l.callers[p.who.Caller]; c != nil {
		return c
	}
	for _, c := range l.groups[p.who.Payer].callers { // p has no caller
		if c.places[0] == p {
			return c
		}
	}
	return nil
}

// unwant removes a caller from its group. l.mu is held.
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

// Payer returns the payer of the turn.
func (p *Place) Payer() string { return p.who.Payer }

// Charge adds to the cost of the turn. The holder of the turn calls it before Done or Pass; without
// it the turn has the minimum cost.
func (p *Place) Charge(d time.Duration) { p.cost += d }

// Done gives the turn to the next in the line.
func (p *Place) Done() { p.line.done(p) }

func (l *Line) done(p *Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended(p)
	l.next()
}

// Pass gives the turn to the next in the line. If the line is empty it reports false, and p keeps
// the turn. It works for places in a [Line] only.
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

// ended charges the group for the turn. l.mu is held.
func (l *Line) ended(p *Place) {
	g := l.group(p.who.Payer)
	l.held--
	g.held--
	g.had += max(p.cost-least, 0)
}

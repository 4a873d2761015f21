// Package turn is the right to run a node's code: one holder at a time, given in
// the order in which places in the line were taken.
package turn

import (
	"context"
	"sync"
)

// Line is the line of those who want the turn. The zero value is an empty line
// and nobody holds the turn. Its methods may be called from any goroutine.
type Line struct {
	mu    sync.Mutex
	held  bool
	queue []*Place
}

// Place is a place in the line.
type Place struct {
	line *Line
	turn chan struct{} // closed when the turn is this place's
}

// Join takes the last place in the line. It does not block, so a caller that must
// keep an order joins in that order and waits elsewhere.
func (l *Line) Join() *Place {
	p := &Place{line: l, turn: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		l.held = true
		close(p.turn)
	} else {
		l.queue = append(l.queue, p)
	}
	return p
}

// Waiting returns how many places wait for the turn, without its holder.
func (l *Line) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// Wait waits until the turn is p's. When ctx ends first it gives the place up and
// returns the cause. After a nil return the caller must call Done once.
func (p *Place) Wait(ctx context.Context) error {
	select {
	case <-p.turn:
		return nil
	default:
	}
	select {
	case <-p.turn:
		return nil
	case <-ctx.Done():
	}
	if p.leave() {
		return context.Cause(ctx)
	}
	return nil // the turn came in the same instant: it is ours
}

// leave takes p out of the line, unless it already has the turn.
func (p *Place) leave() bool {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	for i, other := range p.line.queue {
		if other == p {
			p.line.queue = append(p.line.queue[:i], p.line.queue[i+1:]...)
			return true
		}
	}
	return false
}

// Done gives the turn to the next in the line.
func (p *Place) Done() {
	l := p.line
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.next() {
		l.held = false
	}
}

// Pass gives the turn to the next in the line, unless there is nobody: then it
// reports false, and p keeps the turn.
func (p *Place) Pass() bool {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.line.next()
}

// next gives the turn to the first in the line, if there is one.
func (l *Line) next() bool {
	if len(l.queue) == 0 {
		return false
	}
	next := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	close(next.turn)
	return true
}

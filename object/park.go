package object

import (
	"context"
	"sync"
)

// park makes a call of a goroutine without the turn wait for the end of the run's turn,
// whose changes it may have seen, or for the end of ctx. r.mu is not held.
func (r *run) park(ctx context.Context, p part) {
	var once sync.Once
	stop := context.AfterFunc(ctx, func() { once.Do(func() { p.lost(stillInTurn(ctx)) }) })
	gated := part{
		leave: func() {
			stop()
			once.Do(p.leave)
		},
		lost: func(err error) {
			stop()
			once.Do(func() { p.lost(notCalled(err)) })
		},
	}
	r.mu.Lock()
	if r.place != nil && r.broken == nil {
		r.parked = append(r.parked, gated)
		r.mu.Unlock()
		return
	}
	broken, group := r.broken, r.group
	r.mu.Unlock()
	if broken != nil {
		gated.lost(broken)
		return
	}
	group.add(gated)
}

func stillInTurn(ctx context.Context) error {
	return notExecuted(whyEnded(ctx) + " before the handler's turn did, with which the calls of its goroutines leave; " +
		"a handler that waits for several calls makes them with Object.Calls")
}

// unpark fails the calls that waited for the turn, which was rolled back. r.mu is held.
func (r *run) unpark(why error) {
	for _, p := range r.parked {
		p.lost(why)
	}
	r.parked = nil
}

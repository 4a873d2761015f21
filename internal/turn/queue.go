package turn

import (
	"slices"
	"sync"
)

// Queue is a first-in, first-out line for a client's handlers: a client has no payers, and a
// browser need not load the code that makes a [Line] fair. The zero value is empty and its
// turn is free. Its methods may be called from any goroutine.
type Queue struct {
	mu     sync.Mutex // guards the following fields
	held   bool
	places []*Place
}

// Join takes the last place. It does not block.
func (q *Queue) Join(who Who) *Place {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.held {
		q.held = true
		return &Place{line: q, who: who, turn: given}
	}
	p := &Place{line: q, who: who, turn: make(chan struct{})}
	q.places = append(q.places, p)
	return p
}

func (q *Queue) leave(p *Place) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.places, p)
	if i >= 0 {
		q.places = slices.Delete(q.places, i, i+1)
	}
	return i >= 0
}

func (q *Queue) done(*Place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.places) == 0 {
		q.held = false
		return
	}
	close(q.places[0].turn)
	q.places[0] = nil
	q.places = q.places[1:]
}

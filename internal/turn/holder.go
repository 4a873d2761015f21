package turn

import (
	"context"
	"sync"
	"time"
)

// Holder is a piece of work that has the turn, gives it up while it waits for
// something, and takes it again. Goroutines that the work started may wait as well.
// Make one with [Place.Hold].
type Holder struct {
	line  line
	payer string
	spent func(time.Duration) // nil: nobody wants to know

	mu    sync.Mutex    // guards the following fields
	place *Place        // nil while the work has no turn
	began time.Time     // when it got the turn, if spent is not nil
	back  chan struct{} // closed when the turn is back that somebody waits for; nil when nobody does
	ended bool
}

// Hold is the work that begins with p's turn, for which Wait has returned nil. It tells
// spent, if that is not nil, how long it had each turn.
func (p *Place) Hold(spent func(time.Duration)) *Holder {
	h := &Holder{line: p.line, payer: p.who.Payer, spent: spent}
	h.got(p)
	return h
}

// got begins a turn. h.mu is held, or nobody else knows h.
func (h *Holder) got(p *Place) {
	h.place = p
	if h.spent != nil {
		h.began = time.Now()
	}
}

// Release gives the turn up, if the work has it.
func (h *Holder) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done()
}

func (h *Holder) done() {
	if h.place == nil {
		return
	}
	if h.spent != nil {
		taken := time.Since(h.began)
		h.place.Charge(taken)
		h.spent(taken)
	}
	h.place.Done()
	h.place = nil
}

// Retake waits until the work has the turn again. It heeds no deadline, because the
// work goes on when it returns, and must not go on beside another. Work that has ended
// meanwhile gets no turn.
func (h *Holder) Retake() {
	h.mu.Lock()
	for h.back != nil {
		back := h.back
		h.mu.Unlock()
		<-back
		h.mu.Lock()
	}
	if h.ended || h.place != nil {
		h.mu.Unlock()
		return
	}
	back := make(chan struct{})
	h.back = back
	h.mu.Unlock()

	place := h.line.Join(Who{Payer: h.payer})
	place.Wait(context.Background())

	h.mu.Lock()
	defer h.mu.Unlock()
	h.back = nil
	h.got(place)
	close(back)
	if h.ended {
		h.done()
	}
}

// End gives the turn up for good.
func (h *Holder) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.done()
}

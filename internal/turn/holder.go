package turn

import (
	"context"
	"sync"
	"time"
)

// Holder is a piece of work that has the turn, releases it while it waits for something, and
// takes it back. Goroutines that the work started may wait as well. Create it with
// [Place.Hold].
type Holder struct {
	line  line
	payer string
	spent func(time.Duration) // or nil

	mu    sync.Mutex    // guards the following fields
	place *Place        // nil while the work has no turn
	began time.Time     // when it got the turn, if spent is not nil
	back  chan struct{} // closed when the turn is back; nil if no goroutine waits for it
	ended bool
}

// Hold returns the work that begins with the turn of p, for which Wait has returned nil. If
// spent is not nil, it is called with the duration of each turn.
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

// Release releases the turn, if the work has it.
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

// Retake waits until the work has the turn again. It ignores deadlines, because the work continues
// when it returns, and must not run at the same time as other work. Work that has ended meanwhile
// gets no turn.
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

// End releases the turn for good.
func (h *Holder) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.done()
}

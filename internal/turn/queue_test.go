package turn_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/lumenize/lmz/internal/turn"
)

func TestOrderOfAQueue(t *testing.T) {
	var queue turn.Queue
	var places []*turn.Place
	for range 50 {
		places = append(places, queue.Join(turn.Who{}))
	}
	var order []int
	var wg sync.WaitGroup
	for i, p := range slices.Backward(places) {
		wg.Go(func() {
			if i%5 == 4 { // abandons its place
				ctx, cancel := context.WithCancelCause(t.Context())
				cause := errors.New("deadline passed")
				cancel(cause)
				if err := p.Wait(ctx); err == cause {
					return
				}
			} else if err := p.Wait(t.Context()); err != nil {
				t.Errorf("place %d: %v", i, err)
			}
			order = append(order, i) // guarded by the turn: the race detector would see a second holder
			p.Done()
		})
	}
	wg.Wait()
	if !slices.IsSorted(order) || len(order) < 40 {
		t.Errorf("turns in order %v", order)
	}
	if p := queue.Join(turn.Who{}); !p.Has() {
		t.Error("the turn is not free")
	}
}

func TestRetakenTurn(t *testing.T) {
	var queue turn.Queue
	first := queue.Join(turn.Who{})
	holder := first.Hold(nil)
	second := queue.Join(turn.Who{})
	holder.Release()
	if !second.Has() {
		t.Fatal("the turn was not given on")
	}
	back := make(chan bool)
	go func() { holder.Retake(); close(back) }()
	second.Done()
	<-back
	if third := queue.Join(turn.Who{}); third.Has() {
		t.Error("two have the turn")
	}
	holder.End()
}

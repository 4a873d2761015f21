package turn_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/turn"
)

// anyone is a caller whose places keep their order.
var anyone = turn.Who{Caller: lmz.Identity{Type: lmz.TypeClient}}

func TestOrderOfTurns(t *testing.T) {
	var line turn.Line
	var places []*turn.Place
	for range 50 {
		places = append(places, line.Join(anyone))
	}
	var order []int
	var wg sync.WaitGroup
	for i, p := range slices.Backward(places) { // goroutines start in the wrong order on purpose
		wg.Go(func() {
			if err := p.Wait(t.Context()); err != nil {
				t.Errorf("place %d: %v", i, err)
			}
			order = append(order, i) // guarded by the turn: the race detector would see a second holder
			p.Done()
		})
	}
	wg.Wait()
	if !slices.IsSorted(order) || len(order) != 50 {
		t.Errorf("turns in order %v", order)
	}
}

func TestAbandonedPlace(t *testing.T) {
	var line turn.Line
	first, second, third := line.Join(anyone), line.Join(anyone), line.Join(anyone)
	if err := first.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("deadline passed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := second.Wait(ctx); err != cause {
		t.Errorf("second: got %v, want its cause", err)
	}
	first.Done()
	if err := third.Wait(t.Context()); err != nil {
		t.Errorf("third: %v", err)
	}
	third.Done()
	if n, _ := line.Waiting(""); n != 0 {
		t.Errorf("%d still waiting", n)
	}
	again := line.Join(anyone)
	if err := again.Wait(ctx); err != nil {
		t.Errorf("a free turn is given even when ctx has ended: %v", err)
	}
}

func TestPassWithoutWaiters(t *testing.T) {
	var line turn.Line
	first := line.Join(anyone)
	if first.Pass() {
		t.Error("passed to nobody")
	}
	second := line.Join(anyone)
	if !first.Pass() {
		t.Error("not passed to the next")
	}
	if err := second.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second.Pass() {
		t.Error("passed to nobody")
	}
	second.Done()
}

func TestTurnOfEndedWork(t *testing.T) {
	var line turn.Line
	first := line.Join(anyone)
	if err := first.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	work := first.Hold(nil)
	work.Release()
	second := line.Join(anyone) // another place has the turn
	var waiting sync.WaitGroup
	for range 10 { // goroutines of the work wait for the turn, and then the work ends
		waiting.Go(work.Retake)
	}
	work.End()
	second.Done()
	waiting.Wait()
	third := line.Join(anyone)
	if err := third.Wait(t.Context()); err != nil {
		t.Errorf("the turn was not given back: %v", err)
	}
}

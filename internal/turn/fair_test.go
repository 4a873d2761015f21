package turn_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/turn"
)

func who(caller, payer string) turn.Who {
	return turn.Who{Caller: lmz.Identity{Type: lmz.TypeClient, Address: lmz.At("CLIENTS", caller)}, Payer: payer}
}

func TestLoneCallAmongThousands(t *testing.T) {
	var line turn.Line
	first := line.Join(turn.Who{})
	queue := make([]*turn.Place, 0, 10_001)
	for i := range 10_000 {
		queue = append(queue, line.Join(who(fmt.Sprint("tab", i%10), "mallory")))
	}
	honest := line.Join(who("ann", "ann"))
	before := turnsBefore(first, queue, honest, time.Millisecond)
	if before > 2 {
		t.Errorf("%d turns of somebody who wants 10,000 came before the only one of another", before)
	}
	if n, own := line.Waiting("mallory"); n != own || n != 10_000-before {
		t.Errorf("%d wait, %d of them mallory's", n, own)
	}
}

// turnsBefore counts how many places get the turn before p does.
func turnsBefore(holder *turn.Place, queue []*turn.Place, p *turn.Place, cost time.Duration) (n int) {
	for {
		holder.Charge(cost)
		holder.Done()
		if hasTurn(p) {
			return n
		}
		i := slices.IndexFunc(queue, hasTurn)
		holder = queue[i]
		queue = slices.Delete(queue, i, i+1)
		n++
	}
}

func hasTurn(p *turn.Place) bool { return p.Has() }

func TestTurnsByCost(t *testing.T) {
	var line turn.Line
	holder := line.Join(turn.Who{})
	cost := map[string]time.Duration{"slow": 9 * time.Millisecond, "fast": time.Millisecond}
	var queue []*turn.Place
	names := make(map[*turn.Place]string)
	for range 200 {
		for name := range cost {
			p := line.Join(who(name, name))
			queue, names[p] = append(queue, p), name
		}
	}
	turns := make(map[string]int)
	for range 100 {
		holder.Done()
		i := slices.IndexFunc(queue, hasTurn)
		holder = queue[i]
		queue = slices.Delete(queue, i, i+1)
		turns[names[holder]]++
		holder.Charge(cost[names[holder]])
	}
	if turns["slow"] < 9 || turns["slow"] > 12 {
		t.Errorf("of 100 turns %v: want about ten slow ones, which cost as much as ninety fast ones", turns)
	}
}

func TestIdlePayer(t *testing.T) {
	var line turn.Line
	holder := line.Join(who("late", "late"))
	var queue []*turn.Place
	for range 100 {
		queue = append(queue, line.Join(who("busy", "busy")))
	}
	for range 50 { // only one of them requests turns
		holder.Charge(time.Second)
		holder.Done()
		holder, queue = queue[0], queue[1:]
	}
	names := make(map[*turn.Place]bool)
	for range 50 {
		p := line.Join(who("late", "late"))
		queue, names[p] = append(queue, p), true
	}
	late := 0
	for range 20 {
		holder.Charge(time.Second)
		holder.Done()
		i := slices.IndexFunc(queue, hasTurn)
		holder = queue[i]
		queue = slices.Delete(queue, i, i+1)
		if names[holder] {
			late++
		}
	}
	if late < 9 || late > 11 {
		t.Errorf("who comes later gets %d of 20 turns, want half", late)
	}
}

// TestOrderOfOneCaller runs random schedules of places that are taken, abandoned and served,
// with callers whose places several subjects pay for.
func TestOrderOfOneCaller(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		line := turn.Line{Holders: 1 + random.IntN(3), EachPayer: random.IntN(3)}
		type place struct {
			*turn.Place
			caller, payer string
			number        int
		}
		var waiting, holding []place
		last := make(map[string]int)
		held := make(map[string]int)
		var mu sync.Mutex
		take := func() {
			mu.Lock()
			defer mu.Unlock()
			for i := 0; i < len(waiting); i++ {
				if p := waiting[i]; p.Has() {
					if p.number < last[p.caller] {
						t.Fatalf("seed %d: place %d of %s after its place %d", seed, p.number, p.caller, last[p.caller])
					}
					last[p.caller] = p.number
					held[p.payer]++
					holding = append(holding, p)
					waiting = slices.Delete(waiting, i, i+1)
					i--
				}
			}
			if len(holding) > line.Holders {
				t.Fatalf("seed %d: %d hold the turn", seed, len(holding))
			}
			for payer, n := range held {
				if line.EachPayer > 0 && n > line.EachPayer {
					t.Fatalf("seed %d: %s has %d turns", seed, payer, n)
				}
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for n := range 400 {
			switch random.IntN(5) {
			case 0, 1:
				caller, payer := fmt.Sprint("c", random.IntN(4)), fmt.Sprint("p", random.IntN(3))
				waiting = append(waiting, place{line.Join(who(caller, payer)), caller, payer, n})
			case 2:
				if len(waiting) > 0 {
					i := random.IntN(len(waiting))
					if p := waiting[i]; !p.Has() && p.Wait(gone) != nil {
						waiting = slices.Delete(waiting, i, i+1)
					}
				}
			default:
				if len(holding) > 0 {
					i := random.IntN(len(holding))
					p := holding[i]
					holding = slices.Delete(holding, i, i+1)
					held[p.payer]--
					p.Charge(time.Duration(random.IntN(1000)) * time.Microsecond)
					p.Done()
				}
			}
			take()
		}
		for len(holding) > 0 || len(waiting) > 0 {
			if len(holding) == 0 {
				t.Fatalf("seed %d: %d wait for a turn that nobody has", seed, len(waiting))
			}
			p := holding[0]
			holding = holding[1:]
			held[p.payer]--
			p.Done()
			take()
		}
	}
}

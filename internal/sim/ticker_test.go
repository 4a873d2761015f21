package sim

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// flooding is the number of calls in a flood: more than a client's queue can hold.
const flooding = 1100

const (
	flood lmz.Method1[string, int]   = "flood"
	tick  lmz.Method1[int, struct{}] = "tick"
)

// ticker is an object that sends to clients without waiting for a result. It numbers the ticks
// that it sends to each client.
type ticker struct {
	*object.Object
	lmz.Mux
	world *world
}

func (w *world) newTicker(o *object.Object) lmz.Handler {
	t := &ticker{Object: o, world: w}
	flood.Expose(&t.Mux, lmz.Anyone, t.flood)
	return t
}

// flood returns the total number of ticks that it has sent to the client.
func (t *ticker) flood(ctx context.Context, client string) (sent int, err error) {
	if _, err := t.KV().Get(ctx, client, &sent); err != nil {
		return 0, err
	}
	// Clients run one call at a time, and may take minutes to reach a tick.
	ctx, cancel := context.WithTimeout(lmz.NewChain(ctx), 10*time.Minute)
	defer cancel()
	for i := range flooding {
		if err := t.Send(ctx, lmz.At(lmz.DefaultGateway, client), tick.Ctn(sent+i)); err != nil {
			return 0, err
		}
	}
	t.world.sent(client, sent, flooding)
	return sent + flooding, t.KV().Put(ctx, client, sent+flooding)
}

// heard is a tick that a client received, or the number of missed ones if that is not 0.
type heard struct {
	at     time.Duration
	tick   int
	missed int
}

// sent records when ticks were sent. A turn that is rolled back and repeated sends them again.
func (w *world) sent(client string, from, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticks[client] = w.ticks[client][:from]
	for range n {
		w.ticks[client] = append(w.ticks[client], w.now())
	}
}

func (w *world) ticked(p *process, n int) { w.hear(p, heard{tick: n}) }

func (w *world) missed(p *process, from lmz.Address, calls int) {
	if from != lmz.At("TICKER", "0") {
		w.t.Errorf("%s missed %d calls of %s, which sends none that can be", p.name, calls, from)
	}
	w.hear(p, heard{missed: calls})
}

func (w *world) hear(p *process, h heard) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.at = w.now()
	p.heard = append(p.heard, h)
}

// missed is the oracle of calls that nobody waits for: a client receives them in order, none
// twice, and all that were sent since its session began, except those that it is told it missed
// before it receives a later one. A client that does not understand that message misses none
// within a session.
func (v *verdict) missed() {
	for _, p := range v.w.all {
		got, told, last := 0, 0, -1
		for _, h := range p.heard {
			told += h.missed
			if h.missed > 0 {
				continue
			}
			if h.tick <= last {
				v.add("process %d got tick %d after %d", p.number, h.tick, last)
			}
			got, last = got+1, h.tick
		}
		if sent := len(v.w.ticks[p.name]); got+told > sent {
			v.add("process %d got %d ticks and was told of %d that it missed; %d were sent", p.number, got, told, sent)
		}
	}
	for _, p := range v.w.processes {
		if !p.JSON { // data written to a lost socket is lost
			v.complete(p)
		}
	}
}

// complete checks the ticks that a process received in its last session.
func (v *verdict) complete(p *process) {
	sent, since := v.w.ticks[p.name], v.w.latest[p.name]
	next := 0 // the first tick that must arrive or be reported missed
	for next < len(sent) && sent[next] <= since {
		next++
	}
	missing, told := 0, 0
	for _, h := range p.heard {
		switch {
		case h.missed > 0 && h.at >= since:
			told += h.missed
		case h.missed == 0 && h.tick >= next:
			missing += h.tick - next
			next = h.tick + 1
		}
		if missing > told {
			v.add("%s got tick %d at %v, and was told of %d that it missed, of %d", p.name, h.tick, h.at, told, missing)
			return
		}
	}
	if missing += len(sent) - next; missing > told {
		v.add("%s did not get the last ticks: %d are missing, it was told of %d", p.name, missing, told)
	}
}

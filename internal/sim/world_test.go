package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// world is the mesh of one schedule, and the record of what happened in it.
type world struct {
	t     *testing.T
	seed  uint64
	start time.Time
	mesh  *meshtest.Mesh

	processes [clients]*process // that are alive now
	json      int               // the client that speaks the original's protocol, if any
	down      int               // crashes that are not over yet
	due       []due             // ends of faults, soonest first

	mu       sync.Mutex // guards the following fields
	all      []*process
	calls    []*call
	executed map[string]int             // by worker or client
	drops    map[string]time.Duration   // when a room last dropped a client
	begun    map[string]int             // sessions that the gateway began for a client
	latest   map[string]time.Duration   // when the last of them began
	ticks    map[string][]time.Duration // when they were sent, by client; of each ticker in turn
	crashes  []time.Duration
	drains   []time.Duration
	expiries map[string]time.Time     // of the token that an order came with
	troubles [clients][]time.Duration // when a disturbance of a client began or ended
	unables  []period                 // when ledgers failed to start
}

// period is a time in which a ledger does not start.
type period struct {
	ledger   string
	from, to time.Duration
}

// isUnable reports whether a ledger does not start now.
func (w *world) isUnable(ledger string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	return slices.ContainsFunc(w.unables, func(p period) bool { return p.ledger == ledger && p.from <= now && now < p.to })
}

// due is a scheduled action.
type due struct {
	at time.Duration
	do func()
}

// process is one life of a client.
type process struct {
	*meshtest.Client
	index    int
	number   int // among all processes
	name     string
	ended    time.Duration   // by a fault; 0 while it lives
	killed   time.Duration   // when that fault killed it
	flicker  atomic.Int64    // nanoseconds after which the next subscription is interrupted
	sessions []time.Duration // when OnSubscriptionRequired was called
	began    []string        // calls of others, in order
	knows    bool            // understands reports of missed ticks
	heard    []heard         // ticks and reports of missed ones, in order
}

// call is a call and its outcome.
type call struct {
	event
	from    *process
	made    time.Duration
	settled time.Duration // 0 until then
	err     error
}

func (w *world) now() time.Duration { return time.Since(w.start) }

// ran records that a worker or a client has begun a call.
func (w *world) ran(at *process, tag string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.executed[tag]++
	if at != nil {
		at.began = append(at.began, tag)
	}
}

func (w *world) dropped(room lmz.Address, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drops[room.String()+" "+name] = w.now()
}

// run runs a schedule and leaves the mesh at rest.
func run(t *testing.T, seed uint64, events []event) *world {
	w := &world{t: t, seed: seed, start: time.Now(), executed: make(map[string]int), drops: make(map[string]time.Duration), begun: make(map[string]int), latest: make(map[string]time.Duration), expiries: make(map[string]time.Time), ticks: make(map[string][]time.Duration)}
	w.json = int(seed % (2 * clients)) // in every other schedule
	o := meshtest.Options{Seed: seed, TokenLife: 40 * time.Second}
	o.Gateway.Budget.Time = gateway.Rate{PerSecond: -1} // handlers pause for longer than the time budget of a subject
	o.Gateway.Heartbeat = 4 * time.Second
	o.Gateway.Verify, o.Gateway.Clients.BeforeAccept = verify, shared
	o.Gateway.Log = slog.New(welcomes{slog.DiscardHandler, w})
	if *onDisk {
		o.Gateway.Dir = filepath.Join(t.TempDir(), "data")
	}
	w.mesh = meshtest.StartWith(t, o)
	w.mesh.HandleObject("LEDGER", object.Kind{New: w.newLedger, Idle: 2 * time.Second})
	w.mesh.HandleObject("SHELF", object.Kind{New: newShelf, Idle: time.Second})
	w.mesh.HandleObject("KEEPER", object.Kind{New: newKeeper, Idle: time.Second})
	w.mesh.HandleObject("TICKER", object.Kind{New: w.newTicker})
	w.mesh.HandleObject("ROOM", object.Kind{New: w.newRoom})
	w.mesh.HandleWorker("WORKER", w.newWorker)
	for i := range clients {
		w.spawn(i)
	}
	for _, e := range events {
		w.sleepUntil(e.at)
		w.do(e)
		synctest.Wait()
	}
	w.rest()
	return w
}

// welcomes counts new sessions in the gateway's log.
type welcomes struct {
	slog.Handler
	w *world
}

// Enabled implements [slog.Handler].
func (h welcomes) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements [slog.Handler]. The namespace of the gateway's log is not needed here.
func (h welcomes) WithAttrs([]slog.Attr) slog.Handler { return h }

// Handle implements [slog.Handler].
func (h welcomes) Handle(_ context.Context, r slog.Record) error {
	var name string
	fresh := false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "client":
			name = a.Value.String()
		case "resumed":
			fresh = !a.Value.Bool()
		}
		return true
	})
	if fresh {
		h.w.mu.Lock()
		defer h.w.mu.Unlock()
		h.w.begun[name]++
		h.w.latest[name] = h.w.now()
	}
	return nil
}

// sleepUntil advances time and ends the faults that are due.
func (w *world) sleepUntil(at time.Duration) {
	for len(w.due) > 0 && w.due[0].at <= at {
		next := w.due[0]
		w.due = w.due[1:]
		time.Sleep(next.at - w.now()) // virtual
		synctest.Wait()
		next.do()
		synctest.Wait()
	}
	time.Sleep(at - w.now())
	synctest.Wait()
}

// rest ends all faults and waits until everything has settled.
func (w *world) rest() {
	w.sleepUntil(length + 15*time.Second) // the longest fault
	for i, p := range w.processes {
		w.trouble(i)
		p.Delay(0)
	}
	w.sleepUntil(w.now() + 75*time.Second) // the longest call
}

// spawn starts a process of client i.
func (w *world) spawn(i int) {
	p := &process{index: i}
	w.mu.Lock()
	p.number = len(w.all)
	w.all = append(w.all, p)
	w.mu.Unlock()
	user := "u" + strconv.Itoa(i)
	p.name = user + ".tab"
	p.knows = i != int(w.seed/2%clients)
	o := client.Options{
		Tab: "tab", Heartbeat: 4 * time.Second, Handler: w.clientHandler(p),
		OnBeforeCall: lmz.Anyone,
		OnSubscriptionRequired: func(ctx context.Context) {
			w.mu.Lock()
			p.sessions = append(p.sessions, w.now())
			w.mu.Unlock()
			if d := time.Duration(p.flicker.Swap(0)); d > 0 {
				time.AfterFunc(d, p.Cut)
				time.AfterFunc(d+time.Second, func() {
					w.trouble(i)
					p.Heal()
				})
			}
			for i := 0; i < rooms && ctx.Err() == nil; {
				if _, err := subscribe.Call(ctx, p, roomAt(i)); err == nil {
					i++
				} else {
					time.Sleep(100 * time.Millisecond) // virtual: a gateway that closes refuses at once
				}
			}
		},
	}
	if p.knows {
		o.OnMissed = func(_ context.Context, from lmz.Address, calls int) { w.missed(p, from, calls) }
	}
	p.Client = w.mesh.NewClient(user, map[string]any{subjectClaim: fmt.Sprint(user, "-", p.number)}, o)
	p.JSON = i == w.json
	w.processes[i] = p
	go p.Connect(context.Background()) // the mesh closes it
}

func (w *world) clientHandler(p *process) lmz.Handler {
	mux := w.worker(p)
	visit.Expose(mux, lmz.Anyone, func(ctx context.Context, tag, ledger string) (string, error) {
		w.ran(p, tag)
		do.Call(ctx, p, lmz.At("LEDGER", ledger), order{Op: int(opAdd), Tag: tag + "/inner"})
		return tag, nil
	})
	tick.Expose(mux, lmz.Anyone, func(_ context.Context, n int) (struct{}, error) {
		w.ticked(p, n)
		return struct{}{}, nil
	})
	news.Expose(mux, lmz.Anyone, func(_ context.Context, text string) (struct{}, error) { return struct{}{}, nil })
	return mux
}

func (w *world) trouble(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles[i] = append(w.troubles[i], w.now())
}

// after ends a fault of client i.
func (w *world) after(i int, d time.Duration, f func()) {
	w.due = append(w.due, due{w.now() + d, func() {
		w.trouble(i)
		f()
	}})
	slices.SortStableFunc(w.due, func(a, b due) int { return cmp.Compare(a.at, b.at) })
}

func (w *world) do(e event) {
	p := w.processes[e.client]
	if e.fault == unable {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.unables = append(w.unables, period{strconv.Itoa(e.client), w.now(), w.now() + e.lasts})
		return
	}
	if e.fault != noFault {
		w.trouble(e.client)
	}
	if p.JSON && (e.fault == takeover || e.fault == restart) {
		e.fault = restart          // without session ids the two would take the name from each other,
		e.lasts += 2 * time.Second // and so would a pending dial of the dead one
	}
	switch e.fault {
	case noFault:
		w.call(e, p)
	case cut:
		p.Cut()
		w.after(e.client, e.lasts, p.Heal)
	case stall:
		p.Stall()
	case slow:
		p.Delay(e.lasts)
	case twice:
		p.DuplicateDial(e.lasts)
		p.Cut()
		w.after(e.client, time.Millisecond, p.Heal)
		w.after(e.client, e.lasts+time.Second, func() {})
	case crash:
		w.crash(e.lasts)
	case expire:
		p.ExpireToken(e.lasts)
		w.after(e.client, e.lasts, func() {})
	case overtake:
		p.Reorder(e.lasts)
		w.after(e.client, e.lasts/2, func() {})
	case flicker:
		p.Delay(10 * time.Millisecond)
		p.Cut()
		p.flicker.Store(int64(e.lasts))
		w.after(e.client, 6*time.Second, func() { // the room learns that the session has ended
			other := w.processes[(e.client+1)%clients]
			for i := range rooms {
				other.Send(context.Background(), roomAt(i), announce.Ctn("flicker"))
			}
		})
		w.after(e.client, 7*time.Second, p.Heal)
	case drain:
		w.drain()
	case restart:
		w.end(p)
		w.kill(p)
		w.spawnLater(e)
	case takeover:
		w.end(p)
		if !w.known(p) {
			w.kill(p) // the gateway could not tell which of the two is newer
		}
		w.spawn(e.client)
	}
}

// known reports whether the running gateway has welcomed a process.
func (w *world) known(p *process) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.down == 0 && len(p.sessions) > 0 && !slices.ContainsFunc(w.crashes, func(at time.Duration) bool {
		return at >= p.sessions[len(p.sessions)-1]
	})
}

// end records that a process ends now.
func (w *world) end(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.ended == 0 {
		p.ended = w.now()
	}
}

func (w *world) kill(p *process) {
	at := w.now() // killing takes time
	p.Kill()
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.killed == 0 {
		p.killed = at
	}
}

// spawnLater starts the successor of a killed process. Until then calls are made through the dead
// one and fail.
func (w *world) spawnLater(e event) {
	dead := w.processes[e.client]
	w.after(e.client, e.lasts, func() {
		if w.processes[e.client] == dead {
			w.spawn(e.client)
		}
	})
}

// drain restarts the gateway gracefully, unless it is down.
func (w *world) drain() {
	if w.down > 0 {
		return
	}
	w.killPredecessors()
	for i := range clients {
		w.trouble(i)
	}
	w.note(&w.crashes, &w.drains)
	w.mesh.RestartGateway()
	w.note(&w.crashes, &w.drains)
	for i := range clients {
		w.trouble(i)
	}
}

// note appends the current time to lists.
func (w *world) note(lists ...*[]time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, list := range lists {
		*list = append(*list, w.now())
	}
}

// killPredecessors ends the processes that have a successor and may not know it: a gateway that
// has just started cannot tell them from their successors.
func (w *world) killPredecessors() {
	for _, p := range w.all {
		if p.ended != 0 {
			w.kill(p)
		}
	}
}

func (w *world) crash(lasts time.Duration) {
	w.killPredecessors()
	w.mesh.CrashGateway()
	w.note(&w.crashes)
	w.down++
	w.after(0, lasts, func() {
		if w.down--; w.down == 0 {
			w.mesh.RestartGateway()
		}
		for i := range clients {
			w.trouble(i)
		}
	})
}

func (w *world) call(e event, p *process) {
	c := &call{event: e, from: p, made: w.now()}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	w.mu.Unlock()
	to := lmz.At("LEDGER", strconv.Itoa(e.to))
	todo := do.Ctn(order{Op: int(e.op), Tag: e.tag, Other: w.other(e), Pause: e.pause})
	switch e.op {
	case opWork:
		to, todo = lmz.Worker("WORKER"), work.Ctn(e.tag, e.pause)
	case opPeer:
		to, todo = lmz.At(lmz.DefaultGateway, w.other(e)), work.Ctn(e.tag, e.pause)
	case opVisit:
		to, todo = lmz.At(lmz.DefaultGateway, w.other(e)), visit.Ctn(e.tag, strconv.Itoa(e.client%ledgers))
	case opNews:
		to, todo = roomAt(e.to), announce.Ctn(e.tag)
	case opAsk:
		to = lmz.At("LEDGER", "0")
	case opFlood:
		to, todo = lmz.At("TICKER", "0"), flood.Ctn(w.other(e))
	case opLater:
		to = lmz.At("KEEPER", e.tag)
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.lasts)
	if e.op == opSend {
		c.err = p.Send(ctx, to, todo)
		c.settled = w.now()
		cancel()
		return
	}
	go func() {
		defer cancel()
		_, err := p.CallRaw(ctx, to, todo)
		w.mu.Lock()
		defer w.mu.Unlock()
		c.settled, c.err = w.now(), err
	}()
}

// other returns the name of the node that the callee of an event calls.
func (w *world) other(e event) string {
	if e.op.peer() || e.op == opAsk || e.op == opFlood {
		return "u" + strconv.Itoa(e.to) + ".tab"
	}
	return strconv.Itoa((e.to + 1) % ledgers)
}

// outcome returns the outcome that the error of a call reports.
func (c *call) outcome() string {
	switch {
	case c.settled == 0:
		return "open"
	case c.err == nil:
		return "done"
	case errors.Is(c.err, lmz.ErrOutcomeUnknown):
		return "unknown"
	case errors.Is(c.err, lmz.ErrNotExecuted):
		return "not executed"
	case lmz.CodeOf(c.err) == lmz.CodeCallee:
		return "failed"
	}
	return "strange"
}

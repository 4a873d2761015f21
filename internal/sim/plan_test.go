package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The dimensions of a schedule.
const (
	clients = 3
	ledgers = 2
	shelves = 3
	rooms   = 2
	length  = 40 * time.Second // of the part with faults
)

// op is a kind of call.
type op int

const (
	opAdd    op = iota // an object writes
	opRead             // an object reads
	opFail             // an object writes and fails
	opWait             // an object writes, waits for a worker and writes again
	opRelay            // an object writes, and calls another one that writes
	opAsk              // an object writes, calls a client and writes again
	opSpread           // an object writes, and sends to another one that writes; the reply runs
	opWork             // a worker runs
	opPeer             // another client runs
	opSend             // an object writes; the caller does not wait
	opNews             // the room sends to its subscribers
	opFan              // an object writes, calls several nodes at once and writes again
	opVisit            // another client runs, and calls an object that writes
	opLater            // a new object writes, sets an alarm, watches the caller, and sends with a reply
	ops
	opFlood = ops     // an object sends a client more than may be queued for it; nobody waits; drawn separately
	opBurst = ops + 1 // an object writes, and sends several messages to another one; drawn separately
	opCast  = ops + 2 // an object writes, and sends one message to several, whose replies run; drawn separately
)

var opNames = [...]string{"add", "read", "fail", "wait", "relay", "ask", "spread", "work", "peer", "send", "news", "fan", "visit", "later", "flood", "burst", "cast"}

func (o op) String() string { return opNames[o] }

// turns reports whether the call takes an object more than one turn.
func (o op) turns() bool { return o == opWait || o == opRelay || o == opAsk || o == opFan }

// peer reports whether another client runs the call.
func (o op) peer() bool { return o == opPeer || o == opVisit }

// fault is a kind of fault.
type fault int

const (
	noFault  fault = iota
	cut            // a client's connection breaks for some time
	stall          // a client's connection is half-open
	slow           // a client's connection is slow from now on
	twice          // a client is cut off, and its next greeting arrives only after it has dialled again
	flicker        // a client loses its session, and its connection for a second while it subscribes
	crash          // the gateway is killed and stays down for some time
	drain          // the gateway is stopped gracefully and restarted
	restart        // a client's process is killed and comes back under the same name
	takeover       // another process takes a client's name
	expire         // a client's token expires before its replacement is available
	overtake       // a client's connection is lost, and its pending data arrives after the client's next greeting
	faults
	unable = faults // a closed ledger fails to start; drawn separately
)

var faultNames = [...]string{"", "cut", "stall", "slow", "twice", "flicker", "crash", "drain", "restart", "takeover", "expire", "overtake", "unable"}

func (f fault) String() string { return faultNames[f] }

// event is one step of a schedule: a call or a fault.
type event struct {
	at     time.Duration
	fault  fault
	client int
	lasts  time.Duration // of a fault; for a call, its deadline

	op    op
	tag   string
	to    int           // ledger or client
	pause time.Duration // that a callee makes
}

func (e event) String() string {
	if e.fault != noFault {
		return fmt.Sprintf("%14s %s client %d for %v", e.at, e.fault, e.client, e.lasts)
	}
	return fmt.Sprintf("%14s client %d makes %s: %s to %d, pause %v, deadline %v", e.at, e.client, e.tag, e.op, e.to, e.pause, e.lasts)
}

// random draws the random parts of schedules.
type random struct{ *rand.Rand }

func newRandom(seed, stream uint64) random { return random{rand.New(rand.NewPCG(seed, stream))} }

// between draws a duration in [low, high).
func (r random) between(low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// plan draws the schedule of a seed.
func plan(seed uint64) []event {
	r := newRandom(seed, 0)
	var events []event
	for i := range 20 + r.IntN(30) {
		events = append(events, r.call(i))
	}
	for range 1 + r.IntN(6) {
		f := r.fault()
		if r.IntN(2) == 0 { // soon after a call
			f.at = events[r.IntN(len(events))].at + r.between(1, 12*time.Millisecond)
		}
		events = append(events, f)
		if r.IntN(3) == 0 { // and again, just after the client has recovered
			next := r.fault()
			next.client = f.client
			next.at = f.at + f.lasts + r.between(0, time.Second)
			events = append(events, next)
		}
	}
	events = append(events, floods(seed)...)
	events = append(events, unables(seed)...)
	events = append(events, several(seed)...)
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return events
}

// floods adds, to some schedules, more calls than a client's queue can hold, while its connection
// is lost, mostly for less than the grace period.
func floods(seed uint64) (events []event) {
	r := newRandom(seed, 5)
	if r.IntN(4) > 0 {
		return nil
	}
	for i := range 1 + r.IntN(3) {
		of := event{
			at: r.between(0, length), client: r.IntN(clients), lasts: time.Minute, op: opFlood,
			tag: fmt.Sprintf("f%03d", i), to: r.IntN(clients), pause: r.between(time.Millisecond, 20*time.Millisecond),
		}
		away := event{at: of.at - r.between(-time.Second, time.Second), fault: cut, client: of.to, lasts: r.between(time.Second, 6*time.Second)}
		if away.at > 0 && r.IntN(4) > 0 {
			events = append(events, away)
		}
		events = append(events, of)
	}
	return events
}

// several draws orders that send several messages, half of them shortly before the gateway is
// killed or stopped.
func several(seed uint64) (events []event) {
	r := newRandom(seed, 6)
	for i := range 2 + r.IntN(3) {
		of := event{
			at: r.between(0, length), client: r.IntN(clients), lasts: time.Minute, op: opBurst + op(r.IntN(2)),
			tag: fmt.Sprintf("s%03d", i), to: r.IntN(ledgers), pause: r.between(time.Millisecond, 20*time.Millisecond),
		}
		events = append(events, of)
		if r.IntN(2) == 0 {
			end := event{at: of.at + r.between(1, 40*time.Millisecond), fault: crash, lasts: r.between(time.Millisecond, 4*time.Second)}
			if r.IntN(4) == 0 {
				end.fault = drain
			}
			events = append(events, end)
		}
	}
	return events
}

// unables draws, in some schedules, ledgers that do not start; client is the ledger's index.
func unables(seed uint64) (events []event) {
	r := newRandom(seed, 9)
	if r.IntN(3) > 0 {
		return nil
	}
	for range 1 + r.IntN(3) {
		events = append(events, event{at: r.between(0, length), fault: unable, client: r.IntN(ledgers), lasts: r.between(time.Second, 14*time.Second)})
	}
	return events
}

func (r random) call(i int) event {
	e := event{
		at: r.between(0, length), client: r.IntN(clients), lasts: time.Minute, op: op(r.IntN(int(ops))),
		tag: fmt.Sprintf("c%03d", i), to: r.IntN(ledgers), pause: r.between(time.Millisecond, 20*time.Millisecond),
	}
	if r.IntN(4) == 0 {
		e.pause = r.between(time.Second, 20*time.Second)
	}
	if r.IntN(5) == 0 {
		e.lasts = r.between(time.Second, 10*time.Second)
	}
	if e.op.peer() || e.op == opAsk {
		e.to = r.IntN(clients)
	}
	return e
}

func (r random) fault() event {
	e := event{at: r.between(0, length), fault: fault(1 + r.IntN(int(faults)-1)), client: r.IntN(clients)}
	switch e.fault {
	case slow:
		e.lasts = r.between(0, 200*time.Millisecond)
	case flicker:
		e.lasts = r.between(1, 50*time.Millisecond)
	case expire:
		e.lasts = r.between(10*time.Second, 20*time.Second) // longer than any dial takes
	case twice:
		e.lasts = r.between(10*time.Second, 13*time.Second)
	default:
		e.lasts = r.between(time.Millisecond, 4*time.Second)
		if r.IntN(2) == 0 {
			e.lasts = r.between(4*time.Second, 12*time.Second)
		}
	}
	return e
}

func describe(events []event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

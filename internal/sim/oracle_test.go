package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// verdict is what the oracles find in a world at rest.
type verdict struct {
	w           *world
	logs        [ledgers][]string
	subscribers [rooms][]string
	kept        map[string][]string // the logs of keepers, by tag
	counts      map[string]int      // how often each tag was executed
	wrong       []string
}

func (v *verdict) add(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// judge runs every oracle. It reads the objects through a client of its own.
func (w *world) judge() []string {
	v := &verdict{w: w, kept: make(map[string][]string)}
	var err error
	judge := w.mesh.Client("judge", nil, client.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range ledgers {
		log, err := read.Call(ctx, judge, lmz.At("LEDGER", strconv.Itoa(i)))
		if err != nil {
			v.add("reading ledger %d: %v", i, err)
		}
		v.logs[i] = log
	}
	v.counts = w.count(v.logs)
	for i := range rooms {
		if v.subscribers[i], err = read.Call(ctx, judge, roomAt(i)); err != nil {
			v.add("reading room %d: %v", i, err)
		}
	}
	v.keepers(ctx, judge.Peer)
	v.onShelves(ctx, judge.Peer)
	v.ask()
	v.left(ctx, judge.Peer)
	return v.wrong
}

// ask runs the oracles that inspect a world at rest.
func (v *verdict) ask() {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	for _, c := range v.w.calls {
		v.settles(c)
		v.counted(c)
		v.replied(c)
		v.spread(c)
		v.admitted(c)
		if c.op == opLater {
			v.later(c)
		}
	}
	v.nothingTwice()
	v.inOrder()
	v.subscribed()
	v.separate()
	v.missed()
}

// count returns how often each tag was executed, anywhere.
func (w *world) count(logs [ledgers][]string) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := maps.Clone(w.executed)
	for _, log := range logs {
		for _, tag := range log {
			counts[tag]++
		}
	}
	return counts
}

// replied is the oracle that a message from one object to another arrives once, and its reply
// comes once, if the turn that sent it is on disk, whatever the outcome of the call itself.
func (v *verdict) replied(c *call) {
	if c.op != opSpread || v.counts[c.tag] == 0 {
		return
	}
	if inner, reply := v.counts[c.tag+"/inner"], v.counts[c.tag+"/reply"]; inner != 1 || reply != 1 {
		v.add("%s is done; what it sent was executed %d times, the reply %d times", c.tag, inner, reply)
	}
}

// settles is the oracle that every call settles by its deadline.
func (v *verdict) settles(c *call) {
	switch {
	case c.settled == 0:
		v.add("%s has not settled", c.tag)
	case c.settled > c.made+c.lasts+time.Millisecond:
		v.add("%s settled %v after its deadline", c.tag, c.settled-c.made-c.lasts)
	}
}

// counted is the oracle that the reported outcome of a call is true, and not "unknown" where it
// can be known.
func (v *verdict) counted(c *call) {
	n := v.counts[c.tag]
	if v.calleeDead(c) {
		v.add("%s (%s) waited for a client whose grace period was over: %v", c.tag, c.op, c.err)
	}
	silent := c.op == opRead || c.op == opNews || c.op == opFlood
	switch c.outcome() {
	case "done":
		if n != 1 && !silent && c.op != opSend {
			v.add("%s (%s) is done, and was executed %d times", c.tag, c.op, n)
		}
		if c.op.turns() && v.counts[c.tag+"/end"] != 1 {
			v.add("%s (%s) is done, and ended %d times", c.tag, c.op, v.counts[c.tag+"/end"])
		}
	case "failed":
		if n != 0 && c.op == opFail {
			v.add("%s failed, and left its traces", c.tag)
		}
		if c.op != opFail && !v.stopped(c) {
			v.add("%s (%s) failed: %v", c.tag, c.op, c.err)
		}
	case "not executed":
		if n != 0 {
			v.add("%s (%s) was not executed, it says, and was executed %d times: %v", c.tag, c.op, n, c.err)
		}
		if !v.mayBeRefused(c) {
			v.add("%s (%s) should have been executed: %v", c.tag, c.op, c.err)
		}
	case "unknown":
		if !v.mayBeUnknown(c) {
			v.add("%s (%s) should be known: %v", c.tag, c.op, c.err)
		}
	case "strange":
		v.add("%s (%s): %v", c.tag, c.op, c.err)
	}
}

// ended reports whether the caller's process had ended when the call settled.
func (c *call) ended() bool { return c.from.ended != 0 && c.from.ended <= c.settled }

// late reports whether the call ended with its deadline, which has whole milliseconds
// on the wire.
func (c *call) late() bool { return c.settled >= c.made+c.lasts-2*time.Millisecond }

// stopped reports whether a worker or client may have been stopped during the call.
func (v *verdict) stopped(c *call) bool {
	return (c.op == opWork || c.op.peer()) && (c.late() || c.pause > 0 && v.sessionEnded(c))
}

func (v *verdict) mayBeRefused(c *call) bool {
	return v.unable(c) || c.ended() || c.late() || c.op.peer() || within(c, v.w.drains) && (c.from.JSON || c.op == opWork)
}

// mayBeUnknown is promise 2, and promise 1 for calls whose deadline passed during a disturbance
// or in the callee.
func (v *verdict) mayBeUnknown(c *call) bool {
	switch {
	case v.unable(c): // its outcome could not be queried
		return true
	case c.ended(), c.from.JSON: // JSON has no outcomes; tally bounds their number
		return true
	case c.late():
		// a client runs one call at a time
		return c.op.turns() || c.op.peer() || c.pause >= c.lasts-time.Second || v.troubled(c)
	case c.op == opWork, c.op.peer():
		return v.sessionEnded(c)
	case c.op.turns():
		return within(c, v.w.crashes)
	}
	return false
}

// unable reports whether a ledger did not start during the call.
func (v *verdict) unable(c *call) bool {
	return slices.ContainsFunc(v.w.unables, func(p period) bool { return c.made <= p.to && p.from <= c.settled })
}

// sessionEnded reports whether a session that the call needed ended during the call.
func (v *verdict) sessionEnded(c *call) bool {
	if within(c, c.from.sessions) || within(c, v.w.crashes) {
		return true
	}
	if !c.op.peer() {
		return false
	}
	for _, p := range v.w.all {
		if p.index == c.to && (within(c, p.sessions) || p.ended != 0 && p.ended <= c.settled) {
			return true
		}
	}
	return len(v.w.troubles[c.to]) > 0
}

// calleeDead reports whether the call waited for a process that had been dead for longer than its
// grace period, and so should have failed.
func (v *verdict) calleeDead(c *call) bool {
	const grace = 6 * time.Second
	if !c.op.peer() {
		return false
	}
	back := false
	var killed time.Duration
	for _, p := range v.w.all {
		if p.index != c.to {
			continue
		}
		if p.killed != 0 && p.killed < c.settled {
			killed = max(killed, p.killed)
		}
		back = slices.ContainsFunc(p.sessions, func(at time.Duration) bool { return killed < at && at < c.settled })
	}
	disturbed := slices.ContainsFunc(slices.Concat(v.w.troubles[c.to], v.w.crashes), func(at time.Duration) bool {
		return killed-20*time.Second < at && at < c.settled && at != killed
	})
	return killed != 0 && !back && !disturbed && !v.troubled(c) && c.settled-max(killed, c.made) > grace
}

// within reports whether one of the times is between the beginning and the end of the call.
func within(c *call, times []time.Duration) bool {
	return slices.ContainsFunc(times, func(at time.Duration) bool { return c.made <= at && at <= c.settled })
}

// troubled reports whether the caller's connection was disturbed shortly before or
// during the call.
func (v *verdict) troubled(c *call) bool {
	return slices.ContainsFunc(v.w.troubles[c.client], func(at time.Duration) bool {
		return c.made-20*time.Second <= at && at <= c.settled
	}) || slices.ContainsFunc(v.w.crashes, func(at time.Duration) bool {
		return c.made-20*time.Second <= at && at <= c.settled
	})
}

// nothingTwice is the oracle that no call is executed twice, whether a client or an object made
// it.
func (v *verdict) nothingTwice() {
	for tag, n := range v.counts {
		if n > 1 {
			v.add("%s was executed %d times", tag, n)
		}
	}
}

// inOrder is the oracle that calls from one process to one ledger, or to one client, begin in the
// order in which they were made, and so do those from one ledger to another.
func (v *verdict) inOrder() {
	from := make(map[string]*call)
	for _, c := range v.w.calls {
		from[c.tag] = c
	}
	for i, log := range v.logs {
		v.callsInOrder(fmt.Sprint("ledger ", i), log, from)
		v.passedOnInOrder(log, v.logs[(i+1)%ledgers], from)
	}
	for _, p := range v.w.all {
		v.callsInOrder(fmt.Sprintf("process %d", p.number), p.began, from)
	}
}

// callsInOrder checks the calls that a callee began.
func (v *verdict) callsInOrder(callee string, began []string, from map[string]*call) {
	last := make(map[*process]*call)
	for _, tag := range began {
		c := from[tag]
		if c == nil {
			continue // part of another call
		}
		if before := last[c.from]; before != nil && before.made > c.made {
			v.add("%s began %s after %s, which was made later", callee, c.tag, before.tag)
		}
		last[c.from] = c
	}
}

// passedOnInOrder checks the calls and sends that one ledger made in the first turn of an order,
// the turn that wrote the order's tag.
func (v *verdict) passedOnInOrder(caller, callee []string, from map[string]*call) {
	last := -1
	for _, tag := range callee {
		tag, inner := strings.CutSuffix(tag, "/inner")
		c := from[tag]
		if !inner || c == nil || c.op != opRelay && c.op != opSpread && c.op != opFan {
			continue
		}
		made := slices.Index(caller, tag)
		if made < last {
			v.add("what %s passed on began after what %s did, which came later", tag, caller[last])
		}
		last = max(last, made)
	}
}

// subscribed is the oracle that at rest every client is subscribed: each one that was dropped was
// later told to subscribe and did so, however often that was interrupted.
func (v *verdict) subscribed() {
	told := make(map[string]int)
	for _, p := range v.w.all {
		told[p.name] += len(p.sessions)
	}
	for name, n := range told {
		if n > v.w.begun[name] {
			v.add("%s was told to subscribe %d times, and had %d sessions", name, n, v.w.begun[name])
		}
	}
	for _, p := range v.w.processes {
		if state := p.State(); state != client.Connected {
			v.add("%s is %s", p.name, state)
		}
		if p.JSON && len(p.sessions) == 0 {
			continue // by the original's rule it inherits the subscriptions of its predecessor, even if there are none
		}
		for i, subscribers := range v.subscribers {
			if !slices.Contains(subscribers, p.name) {
				drop := v.w.drops[roomAt(i).String()+" "+p.name]
				v.add("%s is not in room %d; it was dropped at %v, and told to subscribe at %v", p.name, i, drop, p.sessions)
			}
		}
	}
}

func (w *world) report() string {
	var b strings.Builder
	for _, c := range w.calls {
		fmt.Fprintf(&b, "%14s %s %-6s from %d.%d to %d: %s after %v", c.made, c.tag, c.op, c.client, c.from.number, c.to, c.outcome(), c.settled-c.made)
		if c.err != nil {
			fmt.Fprintf(&b, " (%v)", c.err)
		}
		b.WriteByte('\n')
	}
	for _, p := range w.all {
		fmt.Fprintf(&b, "process %d of client %d: sessions at %v, ended at %v\n", p.number, p.index, p.sessions, p.ended)
	}
	return b.String()
}

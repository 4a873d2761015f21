package sim

import (
	"fmt"
	"testing"
)

// tally counts the outcomes of calls, separately for clients that speak lmz.cbor and those that
// speak the original's protocol.
type tally struct {
	cbor, json map[string]int
}

// outcomes are the possible outcomes of a call.
var outcomes = []string{"done", "failed", "not executed", "unknown"}

func (w *world) tally() tally {
	found := tally{make(map[string]int), make(map[string]int)}
	for _, c := range w.calls {
		if c.from.JSON {
			found.json[c.outcome()]++
		} else {
			found.cbor[c.outcome()]++
		}
	}
	return found
}

func (a *tally) add(b tally) {
	if a.cbor == nil {
		a.cbor, a.json = make(map[string]int), make(map[string]int)
	}
	for outcome, n := range b.cbor {
		a.cbor[outcome] += n
	}
	for outcome, n := range b.json {
		a.json[outcome] += n
	}
}

// String lists the number of calls with each outcome.
func (a *tally) String() string {
	text := "calls"
	for _, kind := range []struct {
		name   string
		counts map[string]int
	}{{"lmz.cbor", a.cbor}, {"lmz", a.json}} {
		text += " on " + kind.name + ":"
		for _, outcome := range outcomes {
			text += fmt.Sprintf(" %d %s,", kind.counts[outcome], outcome)
		}
	}
	return text[:len(text)-1]
}

// These bound the average number of unknown outcomes per 100 calls in schedules full of faults:
// calls of processes that die, calls to clients and workers whose sessions end, and calls that a
// crash interrupts. On JSON every call in flight when its connection is lost is unknown.
const (
	maxUnknownCBOR = 5
	maxUnknownJSON = 12
)

// check is the oracle that "unknown" is rare.
func (a *tally) check(t *testing.T) {
	for name, kind := range map[string]struct {
		counts map[string]int
		most   int
	}{"lmz.cbor": {a.cbor, maxUnknownCBOR}, "lmz": {a.json, maxUnknownJSON}} {
		all := 0
		for _, n := range kind.counts {
			all += n
		}
		if all >= 5000 && kind.counts["unknown"]*100 > all*kind.most {
			t.Errorf("%d of %d calls on %s are unknown, more than %d %%", kind.counts["unknown"], all, name, kind.most)
		}
	}
}

package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

// named are schedules that found a bug, reduced to the minimum. They are written out because the
// schedule of a seed changes whenever schedules gain features.
var named = []struct {
	bug    string
	seed   uint64 // of latencies and jitter
	events []event
}{
	{
		"OnSubscriptionRequired is interrupted, and nobody is told to subscribe", 3, []event{
			{at: 5 * time.Second, fault: flicker, client: 1, lasts: 11 * time.Millisecond},
		},
	},
	{
		"a greeting that comes late, of a connection that was given up, takes the address", 4, []event{
			{at: 2 * time.Second, fault: twice, client: 2, lasts: 12 * time.Second},
			{at: 20 * time.Second, client: 2, lasts: time.Minute, op: opAdd, tag: "c000"},
		},
	},
	{
		"a client that was offline when another one took its name takes it back", 5, []event{
			{at: 1 * time.Second, fault: cut, client: 0, lasts: 12 * time.Second},
			{at: 8 * time.Second, fault: takeover, client: 0},
			{at: 20 * time.Second, client: 0, lasts: time.Minute, op: opAdd, tag: "c000"},
		},
	},
	{
		"so it does while the other one is offline, too", 3, []event{
			{at: 1 * time.Second, fault: cut, client: 1, lasts: 12 * time.Second},
			{at: 8 * time.Second, fault: takeover, client: 1},
			{at: 9 * time.Second, fault: cut, client: 1, lasts: 14 * time.Second},
			{at: 30 * time.Second, client: 1, lasts: time.Minute, op: opWait, tag: "c000", pause: time.Second},
		},
	},
	{
		"a session ends, and who called the client learns it after the next one has begun", 10, []event{
			{at: 1 * time.Second, client: 0, lasts: time.Minute, op: opPeer, tag: "c000", to: 1, pause: 9 * time.Second},
			{at: 2 * time.Second, fault: cut, client: 1, lasts: 5 * time.Second},
			{at: 2 * time.Second, client: 2, lasts: time.Minute, op: opNews, tag: "c001"},
		},
	},
	{
		"a call is presented again while the object still runs it", 9, []event{
			{at: 1 * time.Second, client: 0, lasts: time.Minute, op: opWait, tag: "c000", pause: 15 * time.Second},
			{at: 2 * time.Second, fault: cut, client: 0, lasts: 7 * time.Second},
		},
	},
}

func TestNamedSchedules(t *testing.T) {
	for _, n := range named {
		t.Run(n.bug, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t, n.seed, n.events)
				for _, wrong := range w.judge() {
					t.Error(wrong)
				}
				if t.Failed() {
					t.Logf("what became of it:\n%s", w.report())
				}
			})
		})
	}
}

//go:build !race

package sim

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestReplayOfASeed runs schedules twice, and wants each client to send
// and to get the same frames at the same nanoseconds, and every call to end alike. The race
// detector has goroutines run in random order on purpose, so not with it; and a gateway
// that is stopped cancels what takes too long in the order of a map.
func TestReplayOfASeed(t *testing.T) {
	for seed := *first; seed < *first+100; seed++ {
		if slices.ContainsFunc(plan(seed), func(e event) bool { return e.fault == drain }) {
			continue
		}
		if one, two := trace(t, seed), trace(t, seed); one != two {
			t.Errorf("seed %d: one time\n%s\nanother\n%s", seed, one, two)
		}
	}
}

// trace is all that can be seen of a schedule.
func trace(t *testing.T, seed uint64) (text string) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, seed, plan(seed))
		text = w.report() + sorted(w.mesh.Log())
	})
	return text
}

// sessionID matches session ids as a log shows them, and those in the ids of JSON calls.
var sessionID = regexp.MustCompile(`\b([0-9a-f]{6}|[0-9a-f]{32})\b`)

// sorted sorts a log, in which the order of what happened within one nanosecond means
// nothing, and leaves out the session ids, which are random.
func sorted(log string) string {
	lines := slices.Collect(strings.Lines(sessionID.ReplaceAllString(log, "id")))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

//go:build !race

package sim

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestReplayOfASeed runs schedules twice and requires that each client sends and receives the
// same frames at the same nanoseconds, and that every call has the same outcome. It does not run
// under the race detector, which randomizes the order of goroutines on purpose, and it leaves out
// schedules that stop the gateway, which cancels slow calls in map order.
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

// trace is everything observable about a schedule.
func trace(t *testing.T, seed uint64) (text string) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, seed, plan(seed))
		text = w.report() + sorted(w.mesh.Log())
	})
	return text
}

// sessionID matches session ids as logs show them, and those in the ids of JSON calls.
var sessionID = regexp.MustCompile(`\b([0-9a-f]{6}|[0-9a-f]{32})\b`)

// sorted sorts a log, because the order within one nanosecond means nothing, and removes the
// session ids, which are random.
func sorted(log string) string {
	lines := slices.Collect(strings.Lines(sessionID.ReplaceAllString(log, "id")))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

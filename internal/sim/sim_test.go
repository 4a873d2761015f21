package sim

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

var (
	number   = flag.Int("sim.n", 300, "how many `schedules` to run")
	first    = flag.Uint64("sim.seed", 1, "`seed` of the first one")
	onDisk   = flag.Bool("sim.disk", false, "objects in SQLite files instead of in memory")
	stopSoon = flag.Bool("sim.stop", false, "run few more schedules after one that failed")
)

// batch is how many schedules run before a failure can stop the rest.
const batch = 50

func TestRandomSchedulesKeepThePromises(t *testing.T) {
	for begin := 0; begin < *number; begin += batch {
		t.Run(fmt.Sprint("from=", *first+uint64(begin)), func(t *testing.T) {
			for i := begin; i < min(begin+batch, *number); i++ {
				schedule(t, *first+uint64(i))
			}
		})
		if *stopSoon && t.Failed() {
			return
		}
	}
	t.Log(figures())
}

// figures says what the schedules consisted of.
func figures() string {
	var count [faults]int
	for i := range *number {
		for _, e := range plan(*first + uint64(i)) {
			count[e.fault]++
		}
	}
	text := fmt.Sprintf("%d schedules, %d calls; faults:", *number, count[noFault])
	for f := noFault + 1; f < faults; f++ {
		text += fmt.Sprintf(" %d %s,", count[f], f)
	}
	return strings.TrimSuffix(text, ",")
}

// schedule runs the schedule of a seed in parallel with others, each in a bubble of its
// own.
func schedule(t *testing.T, seed uint64) {
	t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			events := plan(seed)
			w := run(t, seed, events)
			wrong := w.judge()
			if len(wrong) == 0 {
				return
			}
			for _, what := range wrong {
				t.Error(what)
			}
			t.Logf("run it again: go test ./internal/sim -run Schedules -sim.n 1 -sim.seed %d\nthe schedule:\n%s", seed, describe(events))
			t.Logf("what became of it:\n%s", w.report())
		})
	})
}

func TestASeedIsOneSchedule(t *testing.T) {
	for seed := range uint64(20) {
		if describe(plan(seed)) != describe(plan(seed)) || describe(plan(seed)) == describe(plan(seed+1)) {
			t.Errorf("seed %d", seed)
		}
	}
}

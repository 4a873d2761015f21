package sim

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

var (
	number   = flag.Int("sim.n", 60, "how many `schedules` to run")
	first    = flag.Uint64("sim.seed", 1, "`seed` of the first one")
	onDisk   = flag.Bool("sim.disk", false, "objects in SQLite files instead of in memory")
	stopSoon = flag.Bool("sim.stop", false, "stop after a schedule that failed")
	shards   = flag.Int("sim.shards", 1, "how many `processes` share the schedules")
)

// TestMain leaves one processor to the simulator, so that goroutines run in the same order each
// time and a seed replays to the identical trace.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}

func TestRandomSchedules(t *testing.T) {
	if *shards > 1 {
		inShards(t)
		return
	}
	var found tally
	for i := range *number {
		seed := *first + uint64(i)
		if !t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { found.add(schedule(t, seed)) }) && *stopSoon {
			return
		}
	}
	t.Log(figures())
	t.Log(found.String())
	found.check(t)
}

// inShards splits the schedules among processes.
func inShards(t *testing.T) {
	var work sync.WaitGroup
	for i := range *shards {
		from, to := *number*i / *shards, *number*(i+1) / *shards
		args := []string{
			"-test.run", "^TestRandomSchedules$", "-test.v", "-test.timeout", "30m", fmt.Sprint("-sim.disk=", *onDisk),
			fmt.Sprint("-sim.stop=", *stopSoon), fmt.Sprint("-sim.n=", to-from), fmt.Sprint("-sim.seed=", *first+uint64(from)),
		}
		work.Go(func() {
			out, err := exec.Command(os.Args[0], args...).CombinedOutput()
			if err != nil {
				t.Errorf("schedules %d to %d: %v", from+1, to, err)
			}
			for line := range strings.Lines(string(out)) {
				if !strings.Contains(line, "=== ") && !strings.Contains(line, "--- PASS") && strings.TrimSpace(line) != "PASS" {
					t.Log(strings.TrimRight(line, "\n"))
				}
			}
		})
	}
	work.Wait()
}

// figures summarizes the contents of the schedules.
func figures() string {
	var count [faults + 1]int
	for i := range *number {
		for _, e := range plan(*first + uint64(i)) {
			count[e.fault]++
		}
	}
	text := fmt.Sprintf("%d schedules, %d calls; faults:", *number, count[noFault])
	for f := noFault + 1; f <= unable; f++ {
		text += fmt.Sprintf(" %d %s,", count[f], f)
	}
	return strings.TrimSuffix(text, ",")
}

// schedule runs the schedule of a seed in its own bubble, and returns the outcomes of its calls.
func schedule(t *testing.T, seed uint64) (found tally) {
	synctest.Test(t, func(t *testing.T) {
		events := plan(seed)
		w := run(t, seed, events)
		wrong := w.judge()
		found = w.tally()
		if len(wrong) == 0 {
			return
		}
		for _, what := range wrong {
			t.Error(what)
		}
		t.Logf("run it again: go test ./internal/sim -run RandomSchedules -sim.n 1 -sim.seed %d\nthe schedule:\n%s", seed, describe(events))
		t.Logf("what became of it:\n%s", w.report())
	})
	return found
}

func TestScheduleOfASeed(t *testing.T) {
	for seed := range uint64(20) {
		first, again := describe(plan(seed)), describe(plan(seed))
		if first != again || first == describe(plan(seed+1)) {
			t.Errorf("seed %d", seed)
		}
	}
}

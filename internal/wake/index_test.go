package object

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// onEveryIndex runs a test on each implementation of the index, which open opens again.
func onEveryIndex(t *testing.T, test func(t *testing.T, open func() wakeIndex)) {
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		test(t, func() wakeIndex {
			x, err := openIndex(dir, func() (map[lmz.Address]int64, error) { return nil, nil })
			wantNil(t, err)
			return x
		})
	})
	t.Run("Memory", func(t *testing.T) {
		disk := new(MemoryDisk)
		test(t, func() wakeIndex { return &memIndex{disk: disk} })
	})
}

func TestTheIndexOfWakesKeepsWhatWasWritten(t *testing.T) {
	onEveryIndex(t, func(t *testing.T, open func() wakeIndex) {
		a, b, c := lmz.At("A", "1"), lmz.At("A", "\x00ü/"), lmz.At("B", "1")
		x := open()
		wantNil(t, x.write(map[lmz.Address]int64{a: 5, b: wakeAtStart, c: 7}))
		wantNil(t, x.write(map[lmz.Address]int64{a: 6, c: neverWake}))
		wantNil(t, x.close())
		x = open()
		got, err := x.load()
		wantNil(t, err)
		if len(got) != 2 || got[a] != 6 || got[b] != wakeAtStart {
			t.Errorf("got %v", got)
		}
		wantNil(t, x.close())
	})
}

// countingIndex is an index that counts its writes, and fails when it is told to.
type countingIndex struct {
	memIndex
	mu     sync.Mutex
	writes int
	fail   error
}

func (x *countingIndex) write(changes map[lmz.Address]int64) error {
	x.mu.Lock()
	x.writes++
	fail := x.fail
	x.mu.Unlock()
	if fail != nil {
		return fail
	}
	return x.memIndex.write(changes)
}

func newTestWakes(t *testing.T, x wakeIndex, wake func(lmz.Address)) *wakes {
	t.Helper()
	w, err := openWakes(x, slog.New(slog.DiscardHandler), wake)
	wantNil(t, err)
	return w
}

func TestTheIndexIsWrittenOnlyWhereItWouldBeTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &countingIndex{memIndex: memIndex{disk: new(MemoryDisk)}}
		w := newTestWakes(t, x, func(lmz.Address) {})
		says := func(want int64, writes int) {
			t.Helper()
			synctest.Wait()
			stored, ok := x.disk.wakes[box]
			if !ok {
				stored = neverWake
			}
			if stored != want || x.writes != writes {
				t.Errorf("after %d writes it says %d, want %d after %d", x.writes, stored, want, writes)
			}
		}
		wantNil(t, w.lower(box, 500))
		says(500, 1)
		w.known(box, 500, 500)
		wantNil(t, w.lower(box, 700)) // later: nothing to write
		says(500, 1)
		w.known(box, 700, 700)
		w.retired(box)
		time.Sleep(2 * lazyWrite)
		says(700, 2)
		wantNil(t, w.lower(box, wakeAtStart))
		says(wakeAtStart, 3)
		w.known(box, neverWake, neverWake)
		wantNil(t, w.lower(box, 900))
		w.retired(box)
		time.Sleep(2 * lazyWrite)
		says(900, 4) // a commit is announced: not later than that
		w.known(box, neverWake, neverWake)
		w.flush()
		says(neverWake, 5)
		wantNil(t, w.close())
		if len(w.objects) != 0 {
			t.Errorf("%d objects are remembered", len(w.objects))
		}
	})
}

func TestAFailedWriteOfTheIndexFailsTheCommitAndIsRepeated(t *testing.T) {
	x := &countingIndex{memIndex: memIndex{disk: new(MemoryDisk)}, fail: errors.New("disk full")}
	w := newTestWakes(t, x, func(lmz.Address) {})
	if err := w.lower(box, 500); err == nil {
		t.Error("it was announced")
	}
	w.failed(box)
	x.mu.Lock()
	x.fail = nil
	x.mu.Unlock()
	wantNil(t, w.lower(box, 600))
	if got := x.disk.wakes[box]; got != 600 {
		t.Errorf("it says %d", got)
	}
	wantNil(t, w.close())
}

func TestManyCommitsShareAWriteOfTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &countingIndex{memIndex: memIndex{disk: &MemoryDisk{Latency: func(lmz.Address) time.Duration { return time.Millisecond }}}}
		w := newTestWakes(t, x, func(lmz.Address) {})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { wantNil(t, w.lower(lmz.At("BOX", fmt.Sprint(i)), 500)) })
		}
		all.Wait()
		synctest.Wait()
		if len(x.disk.wakes) != 100 || x.writes > 2 {
			t.Errorf("%d writes for %d objects", x.writes, len(x.disk.wakes))
		}
		wantNil(t, w.close())
	})
}

func TestObjectsAreWokenWhenTheyAreDueAndAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		disk := &MemoryDisk{wakes: map[lmz.Address]int64{
			lmz.At("A", "pending"): wakeAtStart, lmz.At("A", "missed"): begin.Add(-time.Hour).UnixMilli(),
			lmz.At("A", "soon"): begin.Add(time.Minute).UnixMilli(),
		}}
		var mu sync.Mutex
		var woken []string
		w := newTestWakes(t, &memIndex{disk: disk}, func(a lmz.Address) {
			mu.Lock()
			defer mu.Unlock()
			woken = append(woken, fmt.Sprint(a.Instance, " ", time.Since(begin)))
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if len(woken) != 0 {
			t.Error("woken before the start")
		}
		w.start()
		w.known(lmz.At("A", "other"), 1, begin.Add(30*time.Second).UnixMilli())
		w.known(lmz.At("A", "other"), 1, begin.Add(20*time.Second).UnixMilli())
		time.Sleep(time.Hour)
		synctest.Wait()
		slices.Sort(woken)
		if want := []string{"missed 1s", "other 20s", "pending 1s", "soon 1m0s"}; !slices.Equal(woken, want) {
			t.Errorf("got %q, want %q", woken, want)
		}
		wantNil(t, w.close())
	})
}

// A timer counts neither the time that a machine sleeps nor that by which its clock is set.
func TestAnAlarmAfterTheClockWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64 // what the clock of the wall is ahead of the timers
		var mu sync.Mutex
		var woken []string
		begin := time.Now()
		w := newTestWakes(t, &memIndex{disk: new(MemoryDisk)}, func(a lmz.Address) {
			mu.Lock()
			defer mu.Unlock()
			woken = append(woken, fmt.Sprint(a.Instance, " ", time.Since(begin).Truncate(lookAgain)))
		})
		w.now = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
		w.start()
		w.known(lmz.At("A", "hour"), 1, begin.Add(time.Hour).UnixMilli())
		w.known(lmz.At("A", "day"), 1, begin.Add(24*time.Hour).UnixMilli())
		time.Sleep(time.Minute + time.Second)
		slept.Store(int64(2 * time.Hour))
		time.Sleep(time.Minute)
		slept.Store(0) // and is set back
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if want := []string{"hour 1m5s", "day 24h0m0s"}; !slices.Equal(woken, want) {
			t.Errorf("got %q, want %q", woken, want)
		}
		wantNil(t, w.close())
	})
}

// However commits, closings and crashes interleave, the index never says later than
// what a commit on disk wants.
func TestTheIndexIsNeverTooLate(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			latency, survivals := rand.New(rand.NewPCG(seed, 8)), rand.New(rand.NewPCG(seed, 9))
			disk := &MemoryDisk{
				Latency:  func(lmz.Address) time.Duration { return time.Duration(latency.Int64N(int64(3 * time.Millisecond))) },
				Survives: func() bool { return survivals.IntN(2) == 0 },
			}
			w := newTestWakes(t, &memIndex{disk: disk}, func(lmz.Address) {})
			truth := make(map[lmz.Address]int64) // what is on disk; the turn of each object takes care
			var mu sync.Mutex
			dead := false
			stop := make(chan struct{})
			var all sync.WaitGroup
			for i := range 3 {
				a := lmz.At("BOX", fmt.Sprint(i))
				own := rand.New(rand.NewPCG(seed, 2+uint64(i)))
				all.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Duration(own.Int64N(int64(2 * time.Millisecond)))):
						}
						at := []int64{wakeAtStart, 100, 200, 300, neverWake}[own.IntN(5)]
						if w.lower(a, at) != nil {
							return
						}
						time.Sleep(time.Duration(own.Int64N(int64(2 * time.Millisecond)))) // the commit
						mu.Lock()
						if !dead {
							truth[a] = at
						}
						mu.Unlock()
						w.known(a, at, neverWake)
						w.retired(a)
					}
				})
			}
			time.Sleep(lazyWrite + time.Duration(r.Int64N(int64(10*time.Millisecond)))) // corrections are under way
			mu.Lock()
			dead = true
			disk.Crash()
			mu.Unlock()
			close(stop)
			all.Wait()
			wantNil(t, w.close())
			for a, at := range truth {
				if says, ok := disk.wakes[a]; at != neverWake && (!ok || says > at) {
					t.Fatalf("seed %d: %s is to be woken at %d; the index says %d, %v", seed, a, at, says, ok)
				}
			}
		})
	}
}

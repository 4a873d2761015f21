package wake_test

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
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/memory"
	"github.com/lumenize/lmz/internal/wake"
)

// first is the object of most tests.
var first = lmz.At("BOX", "one")

// countingIndex is an index that counts its writes, and fails on demand.
type countingIndex struct {
	store.WakeIndex
	disk   *memory.Disk
	mu     sync.Mutex
	writes int
	fail   error
}

func (x *countingIndex) Write(changes map[lmz.Address]int64) error {
	x.mu.Lock()
	x.writes++
	fail := x.fail
	x.mu.Unlock()
	if fail != nil {
		return fail
	}
	return x.WakeIndex.Write(changes)
}

// indexOf returns the stored index of a disk.
func indexOf(t *testing.T, disk *memory.Disk) store.WakeIndex {
	t.Helper()
	user, err := disk.Use()
	wantNil(t, err)
	return user.Wakes()
}

func counting(t *testing.T, disk *memory.Disk) *countingIndex {
	return &countingIndex{WakeIndex: indexOf(t, disk), disk: disk}
}

func wantNil(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, x store.WakeIndex, rings func(lmz.Address)) *wake.Index {
	t.Helper()
	w, err := wake.Open(x, slog.New(slog.DiscardHandler), rings, func(int) time.Duration { return time.Minute })
	wantNil(t, err)
	return w
}

func TestWritesOfTheStoredIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := counting(t, new(memory.Disk))
		w := open(t, x, func(lmz.Address) {})
		says := func(want int64, writes int) {
			t.Helper()
			synctest.Wait()
			stored, ok := x.disk.WakeTimes()[first]
			if !ok {
				stored = wake.Never
			}
			if stored != want || x.writes != writes {
				t.Errorf("after %d writes it says %d, want %d after %d", x.writes, stored, want, writes)
			}
		}
		wantNil(t, w.Announce(first, 500))
		says(500, 1)
		w.Committed(first, 500, 500)
		wantNil(t, w.Announce(first, 700)) // later: nothing to write
		says(500, 1)
		w.Committed(first, 700, 700)
		w.Retired(first)
		time.Sleep(2 * wake.LazyWrite)
		says(700, 2)
		wantNil(t, w.Announce(first, wake.AtStart))
		says(wake.AtStart, 3)
		w.Committed(first, wake.Never, wake.Never)
		wantNil(t, w.Announce(first, 900))
		w.Retired(first)
		time.Sleep(2 * wake.LazyWrite)
		says(900, 4) // a commit is announced: no later than it
		w.Committed(first, wake.Never, wake.Never)
		w.Flush()
		says(wake.Never, 5)
		wantNil(t, w.Close())
		if w.Remembered() != 0 {
			t.Errorf("%d objects are remembered", w.Remembered())
		}
	})
}

func TestFailedWriteOfTheIndex(t *testing.T) {
	x := counting(t, new(memory.Disk))
	x.fail = errors.New("disk full")
	w := open(t, x, func(lmz.Address) {})
	if err := w.Announce(first, 500); err == nil {
		t.Error("it was announced")
	}
	w.Failed(first)
	x.mu.Lock()
	x.fail = nil
	x.mu.Unlock()
	wantNil(t, w.Announce(first, 600))
	if got := x.disk.WakeTimes()[first]; got != 600 {
		t.Errorf("it says %d", got)
	}
	wantNil(t, w.Close())
}

func TestSharedWriteOfTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := counting(t, &memory.Disk{Latency: func(lmz.Address) time.Duration { return time.Millisecond }})
		w := open(t, x, func(lmz.Address) {})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { wantNil(t, w.Announce(lmz.At("BOX", fmt.Sprint(i)), 500)) })
		}
		all.Wait()
		synctest.Wait()
		if len(x.disk.WakeTimes()) != 100 || x.writes > 2 {
			t.Errorf("%d writes for %d objects", x.writes, len(x.disk.WakeTimes()))
		}
		wantNil(t, w.Close())
	})
}

func TestTimesOfWaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		x := indexOf(t, new(memory.Disk))
		wantNil(t, x.Write(map[lmz.Address]int64{
			lmz.At("A", "pending"): wake.AtStart, lmz.At("A", "missed"): begin.Add(-time.Hour).UnixMilli(),
			lmz.At("A", "soon"): begin.Add(time.Minute).UnixMilli(),
		}))
		var mu sync.Mutex
		var woken []string
		w := open(t, x, func(a lmz.Address) {
			mu.Lock()
			defer mu.Unlock()
			woken = append(woken, fmt.Sprint(a.Instance, " ", time.Since(begin)))
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if len(woken) != 0 {
			t.Error("woken before the start")
		}
		w.Start()
		w.Known(lmz.At("A", "other"), 1, begin.Add(30*time.Second).UnixMilli())
		w.Known(lmz.At("A", "other"), 1, begin.Add(20*time.Second).UnixMilli())
		time.Sleep(time.Hour)
		synctest.Wait()
		slices.Sort(woken)
		if want := []string{"missed 1s", "other 20s", "pending 1s", "soon 1m0s"}; !slices.Equal(woken, want) {
			t.Errorf("got %q, want %q", woken, want)
		}
		wantNil(t, w.Close())
	})
}

// Timers do not account for the machine sleeping or its clock being set.
func TestAlarmAfterTheClockWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64 // how far the wall clock is ahead of the timers
		var mu sync.Mutex
		var woken []string
		begin := time.Now()
		w := open(t, indexOf(t, new(memory.Disk)), func(a lmz.Address) {
			mu.Lock()
			defer mu.Unlock()
			woken = append(woken, fmt.Sprint(a.Instance, " ", time.Since(begin).Truncate(wake.LookAgain)))
		})
		w.SetClock(func() time.Time { return time.Now().Add(time.Duration(slept.Load())) })
		w.Start()
		w.Known(lmz.At("A", "hour"), 1, begin.Add(time.Hour).UnixMilli())
		w.Known(lmz.At("A", "day"), 1, begin.Add(24*time.Hour).UnixMilli())
		time.Sleep(time.Minute + time.Second)
		slept.Store(int64(2 * time.Hour))
		time.Sleep(time.Minute)
		slept.Store(0) // and is set back
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if want := []string{"hour 1m5s", "day 24h0m0s"}; !slices.Equal(woken, want) {
			t.Errorf("got %q, want %q", woken, want)
		}
		wantNil(t, w.Close())
	})
}

// However commits, closings and crashes interleave, the index is never later than a commit
// on disk requires.
func TestStoredIndexIsNeverTooLate(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			latency, survivals := rand.New(rand.NewPCG(seed, 8)), rand.New(rand.NewPCG(seed, 9))
			disk := &memory.Disk{
				Latency:  func(lmz.Address) time.Duration { return time.Duration(latency.Int64N(int64(3 * time.Millisecond))) },
				Survives: func() bool { return survivals.IntN(2) == 0 },
			}
			w := open(t, indexOf(t, disk), func(lmz.Address) {})
			truth := make(map[lmz.Address]int64) // what is on disk; guarded by the turn of each object
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
						at := []int64{wake.AtStart, 100, 200, 300, wake.Never}[own.IntN(5)]
						if w.Announce(a, at) != nil {
							return
						}
						time.Sleep(time.Duration(own.Int64N(int64(2 * time.Millisecond)))) // the commit
						mu.Lock()
						if !dead {
							truth[a] = at
						}
						mu.Unlock()
						w.Committed(a, at, wake.Never)
						w.Retired(a)
					}
				})
			}
			time.Sleep(wake.LazyWrite + time.Duration(r.Int64N(int64(10*time.Millisecond)))) // corrections are under way
			mu.Lock()
			dead = true
			disk.Crash()
			mu.Unlock()
			close(stop)
			all.Wait()
			wantNil(t, w.Close())
			for a, at := range truth {
				if says, ok := disk.WakeTimes()[a]; at != wake.Never && (!ok || says > at) {
					t.Fatalf("seed %d: %s is to be woken at %d; the index says %d, %v", seed, a, at, says, ok)
				}
			}
		})
	}
}

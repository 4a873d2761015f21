// Package cost measures the processor time and memory that a function uses, so that a test can
// bound the work that hostile input causes without depending on wall-clock time.
package cost

import (
	"runtime"
	"testing"
	"time"
)

// Of returns the processor time and the bytes of memory that f uses. Nothing else may run in the
// process meanwhile. The time is 0 on systems that do not report it.
func Of(f func()) (work time.Duration, allocated uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := processorTime()
	f()
	work = processorTime() - start
	runtime.ReadMemStats(&after)
	return work, after.TotalAlloc - before.TotalAlloc
}

// Least returns the least processor time of n runs of f.
func Least(n int, f func()) time.Duration {
	least := time.Hour
	for range n {
		work, _ := Of(f)
		least = min(least, work)
	}
	return least
}

// Check runs f on a small input, and reports an error if it uses more processor time or allocates
// more bytes than allowed. It returns the error of f.
func Check(t *testing.T, mostWork time.Duration, mostBytes uint64, f func() error) (err error) {
	t.Helper()
	work, allocated := Of(func() { err = f() })
	if allocated > mostBytes {
		t.Errorf("%d bytes allocated, more than %d", allocated, mostBytes)
	}
	if work > mostWork {
		t.Errorf("%v of processor time, more than %v", work, mostWork)
	}
	return err
}

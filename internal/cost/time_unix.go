//go:build unix

package cost

import (
	"syscall"
	"time"
)

// processorTime is how long the processor has worked for this process, which a busy
// machine does not change.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

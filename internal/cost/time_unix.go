//go:build unix

package cost

import (
	"syscall"
	"time"
)

// processorTime returns the processor time of this process, which does not depend on the load of
// the machine.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

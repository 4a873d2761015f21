//go:build !unix

package proto

import "time"

// processorTime is 0 where the system does not tell it: only memory is bounded there.
func processorTime() time.Duration { return 0 }

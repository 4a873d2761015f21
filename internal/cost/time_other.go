//go:build !unix

package cost

import "time"

// processorTime returns 0 where the system does not report it: only memory is bounded there.
func processorTime() time.Duration { return 0 }

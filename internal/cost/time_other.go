//go:build !unix

package cost

import "time"

// processorTime is 0 where the system does not tell it: only memory is bounded there.
func processorTime() time.Duration { return 0 }

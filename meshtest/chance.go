package meshtest

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// drawn draws a number below n for an event that happens now. It depends on the time instead of
// earlier draws, so that one event more or less does not change the others.
func drawn(seed uint64, what string, n int64) int64 {
	h := fnv.New64a()
	h.Write([]byte(what + strconv.FormatUint(seed, 36) + " " + strconv.FormatInt(time.Now().UnixNano(), 36)))
	x := h.Sum64() * 0x9e3779b97f4a7c15
	return int64((x>>32 ^ x) % uint64(n))
}

// latency draws the travel times of a client's frames.
func latency(seed uint64, client int) func(up bool) time.Duration {
	return func(up bool) time.Duration {
		what := "to client " + strconv.Itoa(client)
		if up {
			what = "of client " + strconv.Itoa(client)
		}
		return 100*time.Microsecond + time.Duration(drawn(seed, what, 100_000))
	}
}

// disk returns a disk on which every commit takes up to 5 ms to become durable. A commit in
// progress when the gateway crashes may or may not be lost.
func disk(seed uint64) *object.MemoryDisk {
	crashes := 0
	return &object.MemoryDisk{
		Latency: func(a lmz.Address) time.Duration {
			return time.Duration(drawn(seed, a.String(), int64(5*time.Millisecond))) + 1
		},
		Survives: func() bool { // a crash calls it for each commit in progress
			crashes++
			return drawn(seed, "survival "+strconv.Itoa(crashes), 2) == 0
		},
	}
}

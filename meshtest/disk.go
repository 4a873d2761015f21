package meshtest

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Disk makes a disk in memory for [Options]: every commit takes up to 5 ms until it is
// durable, and one that is on its way when the gateway crashes is lost or not. Both are
// drawn from the seed.
func Disk(seed uint64) *object.MemoryDisk {
	var mu sync.Mutex
	commits := make(map[string]int)
	survivals := rand.New(rand.NewPCG(seed, 1))
	return &object.MemoryDisk{
		Latency: func(a lmz.Address) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			key := a.String()
			commits[key]++
			h := fnv.New64a()
			h.Write([]byte(strconv.FormatUint(seed, 10) + " " + key + " " + strconv.Itoa(commits[key])))
			return time.Duration(h.Sum64()%5_000_000) + 1
		},
		Survives: func() bool { return survivals.IntN(2) == 0 },
	}
}

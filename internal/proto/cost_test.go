package proto

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// cost is what f takes of the processor and of memory. No other test may run beside it.
func cost(f func()) (work time.Duration, allocated uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := processorTime()
	f()
	work = processorTime() - start
	runtime.ReadMemStats(&after)
	return work, after.TotalAlloc - before.TotalAlloc
}

// honestFrame is the processor time of a full frame of ordinary objects, read as JSON and
// written again: what hostile documents are compared with. It is measured once, and is
// the least of several.
var honestFrame = sync.OnceValue(func() time.Duration {
	const one = `{"name":"Ann","age":34,"tags":["a","b"],"at":1.5,"ok":true},`
	text := []byte(`{"json":[` + strings.Repeat(one, MaxPayload/len(one)-1) + `0]}`)
	least := time.Hour
	for range 5 {
		work, _ := cost(func() {
			doc, err := FromJSON(text)
			if err == nil {
				_, err = ToJSON(doc)
			}
			if err != nil {
				panic(err)
			}
		})
		least = min(least, work)
	}
	return least
})

// measured fails if f, which is given a small document, takes much of anything.
func measured(t *testing.T, f func() error) (err error) {
	t.Helper()
	work, allocated := cost(func() { err = f() })
	if allocated > heapLimit {
		t.Errorf("%d bytes allocated, more than %d", allocated, heapLimit)
	}
	if most := 2 * honestFrame(); work > most {
		t.Errorf("it took %v of the processor, more than twice a full frame of ordinary objects (%v)", work, most)
	}
	return err
}

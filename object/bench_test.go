package object

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/poll"
)

// openBench opens a runtime with counters in a temporary directory.
func openBench(b *testing.B, k Kind) (*Runtime, peer) {
	b.Helper()
	rt, err := Open(b.TempDir(), mesh{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { rt.Close() })
	k.New = func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		exposeCounter(o, mux)
		return mux
	}
	rt.Register("COUNTER", k)
	return rt, peer{"bench", rt}
}

// BenchmarkDurableWrites compares the objects' writes per second with a loop that syncs
// after each write. The callers wait for their answers, as 256 clients would.
func BenchmarkDurableWrites(b *testing.B) {
	perSecond := func(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s") }
	b.Run("bare loop, a sync each", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "log"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		data := make([]byte, 100)
		for b.Loop() {
			if _, err := f.Write(data); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
	for _, test := range []struct {
		name    string
		objects int
		callers int
		kind    Kind
	}{
		{"one caller of one object", 1, 1, Kind{}},
		{"one busy object", 1, 256, Kind{}},
		{"100 objects", 100, 256, Kind{}},
		{"one busy relaxed object", 1, 256, Kind{Relaxed: true}},
	} {
		b.Run(test.name, func(b *testing.B) {
			rt, client := openBench(b, test.kind)
			write := func(n int64) {
				to := lmz.At("COUNTER", fmt.Sprint(n%int64(test.objects)))
				if _, err := client.CallRaw(context.Background(), to, lmz.Ctn("increment")); err != nil {
					b.Error(err)
				}
			}
			for n := range test.objects {
				write(int64(n)) // creates the file
			}
			commits := rt.commits.Load()
			var next atomic.Int64
			var callers sync.WaitGroup
			b.ResetTimer()
			for range test.callers {
				callers.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						write(n)
					}
				})
			}
			callers.Wait()
			perSecond(b)
			b.ReportMetric(float64(rt.commits.Load()-commits)/float64(b.N), "commits/write")
		})
	}
}

// BenchmarkWake measures the first call to an object on disk: opening the file, creating the
// handler, reading a key.
func BenchmarkWake(b *testing.B) {
	rt, client := openBench(b, Kind{Idle: -1})
	call := func(method string, n int) {
		if _, err := client.CallRaw(context.Background(), lmz.At("COUNTER", fmt.Sprint(n)), lmz.Ctn(method)); err != nil {
			b.Fatal(err)
		}
	}
	const objects = 50
	for n := range objects {
		call("increment", n)
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		rt.mu.Lock()
		o := rt.objects[lmz.At("COUNTER", fmt.Sprint(n%objects))]
		rt.mu.Unlock()
		if o != nil {
			rt.retire(o)
		}
		b.StartTimer()
		call("total", n%objects)
		n++
	}
}

// BenchmarkList measures listing one closed object.
func BenchmarkList(b *testing.B) {
	for name, instance := range map[string]string{"plain": "object-", "unusual": "object "} {
		b.Run(name, func(b *testing.B) {
			rt, client := openBench(b, Kind{Idle: -1})
			const objects = 200
			for n := range objects {
				to := lmz.At("COUNTER", fmt.Sprint(instance, n))
				if _, err := client.CallRaw(context.Background(), to, lmz.Ctn("increment")); err != nil {
					b.Fatal(err)
				}
				rt.mu.Lock()
				o := rt.objects[to]
				rt.mu.Unlock()
				rt.retire(o)
			}
			listed := 0
			for b.Loop() {
				for _, err := range rt.List("COUNTER", "") {
					if err != nil {
						b.Fatal(err)
					}
					listed++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(listed), "µs/object")
		})
	}
}

// BenchmarkMemory measures the memory for an open object and for a closed one, beyond what
// the process keeps anyway after having had as many open before.
func BenchmarkMemory(b *testing.B) {
	const objects = 1000
	for b.Loop() {
		rt, client := openBench(b, Kind{Idle: -1, Relaxed: true})
		openAll := func(name string) {
			for n := range objects {
				if _, err := client.CallRaw(context.Background(), lmz.At("COUNTER", fmt.Sprint(name, n)), lmz.Ctn("increment")); err != nil {
					b.Fatal(err)
				}
			}
		}
		closeAll := func() {
			rt.mu.Lock()
			all := slices.Collect(maps.Values(rt.objects))
			rt.mu.Unlock()
			for _, o := range all {
				rt.retire(o)
			}
		}
		start := resident(b)
		openAll("before ")
		open := resident(b)
		closeAll()
		before := resident(b)
		openAll("then ")
		closeAll()
		b.ReportMetric(float64(open-start)/objects, "B/open-object")
		b.ReportMetric(float64(resident(b)-before)/objects, "B/evicted-object")
	}
}

// resident returns the memory of this process, including SQLite's.
func resident(b *testing.B) int64 {
	b.Helper()
	last := 0
	poll.Until(b, "goroutines end", func() bool {
		before := last
		last = runtime.NumGoroutine()
		return last == before
	})
	runtime.GC()
	debug.FreeOSMemory()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys)
	}
	var size, pages int64
	if _, err := fmt.Fscan(strings.NewReader(string(data)), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

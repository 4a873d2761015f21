package object

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
)

// soakSizes returns how many objects TestManyObjects has, stored and open at once: more with
// LMZ_SOAK.
func soakSizes() (stored, open int) {
	if os.Getenv("LMZ_SOAK") != "" {
		return 100_000, 2_000
	}
	return 60, 20
}

func TestManyObjectsOnDiskAndManyOpenAtOnce(t *testing.T) {
	stored, open := soakSizes()
	dir := t.TempDir()
	var in, out sync.WaitGroup
	start := func() *world {
		w := newWorld(t, dir)
		w.rt.maxOpen = open
		// Relaxed, so that creating them takes minutes and not hours.
		w.registerKind("COUNTER", Kind{Relaxed: true, New: func(o *Object) lmz.Handler {
			mux := &lmz.Mux{}
			exposeCounter(o, mux)
			lmz.Method0[int]("meet").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
				var n int
				_, err := o.KV().Get(ctx, "n", &n) // opens the file
				in.Done()
				out.Wait()
				return n, err
			})
			return mux
		}})
		return w
	}
	at := func(n int) lmz.Address { return lmz.At("COUNTER", fmt.Sprint(n)) }
	each := func(callers, n int, f func(n int)) {
		var next sync.Mutex
		var all sync.WaitGroup
		last := -1
		for range callers {
			all.Go(func() {
				for {
					next.Lock()
					last++
					mine := last
					next.Unlock()
					if mine >= n {
						return
					}
					f(mine)
				}
			})
		}
		all.Wait()
	}

	w, begin := start(), time.Now()
	each(16, stored, func(n int) { must[int](w, at(n), "increment") })
	t.Logf("%d objects made in %v", stored, time.Since(begin).Round(time.Millisecond))
	w.close()

	begin = time.Now()
	w = start()
	t.Logf("started in %v", time.Since(begin).Round(time.Millisecond))
	in.Add(open)
	out.Add(1)
	begin = time.Now()
	var meeting sync.WaitGroup
	for i := range open {
		meeting.Go(func() {
			if got := must[int](w, at(i*(stored/open)), "meet"); got != 1 {
				t.Errorf("object %d has %d, want 1", i, got)
			}
		})
	}
	in.Wait()
	t.Logf("%d are open after %v", open, time.Since(begin).Round(time.Millisecond))
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		t.Logf("%d file descriptors", len(files))
		if len(files) < open || len(files) > 3*open+100 {
			t.Errorf("%d objects have %d file descriptors", open, len(files))
		}
	}
	out.Done()
	meeting.Wait()
	each(16, stored/10, func(n int) { must[int](w, at(n*10), "increment") })
	w.rt.mu.Lock()
	left := len(w.rt.objects)
	w.rt.mu.Unlock()
	if left > open+100 {
		t.Errorf("%d objects stay open, want at most %d and a few that are being closed", left, open)
	}
	begin = time.Now()
	n := 0
	for _, err := range w.rt.List("COUNTER", "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != stored {
		t.Errorf("%d objects are listed, want %d", n, stored)
	}
	t.Logf("listed in %v", time.Since(begin).Round(time.Millisecond))
	w.close()

	if err := os.Remove(filepath.Join(dir, "index.db")); err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	start().close()
	t.Logf("started without an index in %v", time.Since(begin).Round(time.Millisecond))
}

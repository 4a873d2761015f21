//go:build unix

package object

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/internal/proto"
)

// hoard is a mesh of many objects with work to do.
const (
	hoardDue  = "due"  // they have an alarm and a message under way
	hoardRest = "rest" // they have an alarm, much later
)

var hoardSize = flag.Int("object.n", 50, "how many objects have something to do when the process is killed")

// hoard registers the kinds, which are relaxed because processes are killed, not machines.
// done is called with what an object has done.
func (w *world) hoard(done func(what string, o *Object)) {
	w.registerKind("SINK", Kind{Relaxed: true, New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		lmz.Method1[string, string]("take").Expose(mux, lmz.Anyone, func(ctx context.Context, from string) (string, error) {
			done("taken from "+from, o)
			return "taken", o.KV().Put(ctx, from, true)
		})
		return mux
	}})
	w.registerKind("MANY", Kind{Idle: time.Millisecond, Relaxed: true, New: func(o *Object) lmz.Handler {
		done("opened", o)
		mux := &lmz.Mux{}
		begin := lmz.Method1[time.Time, struct{}]("begin")
		begin.Expose(mux, lmz.Anyone, func(ctx context.Context, at time.Time) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, At(at), lmz.Ctn("ring"), AlarmOptions{})
			if err == nil && strings.HasPrefix(o.Identity().Instance, hoardDue) {
				err = o.Send(ctx, lmz.At("SINK", o.Identity().Instance[len(hoardDue)+1:][:1]), lmz.Ctn("take", o.Identity().Instance), lmz.Reply(lmz.Ctn("replied")))
			}
			return struct{}{}, err
		})
		for _, method := range []string{"ring", "replied"} {
			mux.Expose(method, lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				done(method, o)
				return nil, o.KV().Put(ctx, method, true)
			}))
		}
		return mux
	}})
}

// TestVictimWithManyObjects is not a test, but a process that
// [TestManyClosedObjectsAfterAKill] kills.
func TestVictimWithManyObjects(t *testing.T) {
	o, ok := obey(t)
	if !ok {
		return
	}
	w := newWorld(t, o.Dir)
	w.hoard(func(string, *Object) {})
	w.mesh["SINK"] = nodeFunc(func(*proto.Call, func(proto.Answer)) {}) // sends stay under way
	for range maxWaking {                                               // so that no alarm rings
		w.rt.waking <- struct{}{}
	}
	soon, later := time.Now(), time.Now().Add(time.Hour)
	slots := make(chan struct{}, 64)
	var all sync.WaitGroup
	begin := func(name string, at time.Time) {
		slots <- struct{}{}
		all.Go(func() {
			if _, err := w.CallRaw(t.Context(), lmz.At("MANY", name), lmz.Ctn("begin", at)); err != nil {
				t.Error(err)
			}
			<-slots
		})
	}
	for i := range o.Nth / 10 {
		begin(fmt.Sprint(hoardRest, " ", i), later)
	}
	for i := range o.Nth {
		begin(fmt.Sprint(hoardDue, " ", i), soon)
	}
	all.Wait()
	if !t.Failed() {
		kill()
	}
}

func TestManyClosedObjectsAfterAKill(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	order{Dir: dir, Nth: *hoardSize}.run(t, "TestVictimWithManyObjects")
	killed := time.Now()

	w := newWorld(t, dir)
	var mu sync.Mutex
	counts := make(map[string]int)
	opened := 0
	w.hoard(func(what string, o *Object) {
		mu.Lock()
		defer mu.Unlock()
		if what == "opened" {
			opened++
			if strings.HasPrefix(o.Identity().Instance, hoardRest) {
				t.Errorf("%s was opened", o.Identity().Address)
			}
			return
		}
		counts[what+" "+o.Identity().Instance]++
	})
	w.rt.Start() // without any calls
	want := 3 * *hoardSize
	poll.UntilNil(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		if n := len(counts); n != want {
			return fmt.Errorf("%d of %d things were done\n%s", n, want, w.log)
		}
		return nil
	})
	t.Logf("%d objects with an alarm, a stored message and its reply, and %d that are not due: made in %v, all done %v after the start, which opened objects %d times",
		*hoardSize, *hoardSize/10, killed.Sub(began).Round(time.Millisecond), time.Since(killed).Round(time.Millisecond), opened)
	mu.Lock()
	defer mu.Unlock()
	for what, n := range counts {
		if n != 1 {
			t.Errorf("%s: %d times\n%s", what, n, w.log)
		}
	}
}

package object

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// slowDisk returns a disk whose fsync takes 100 ms.
func slowDisk() *MemoryDisk {
	return &MemoryDisk{Latency: func(lmz.Address) time.Duration { return 100 * time.Millisecond }}
}

// answered is an answer and how long after the start it came.
type answered struct {
	after time.Duration
	err   error
}

// later makes a call without waiting.
func (w *world) later(to lmz.Address, method string, args ...any) <-chan answered {
	w.t.Helper()
	ctx, cancel := proto.WithDeadline(w.t.Context())
	call, err := proto.NewCall(ctx, w.identity(), to, lmz.Ctn(method, args...))
	if err != nil {
		w.t.Fatal(err)
	}
	begin := time.Now()
	answers := make(chan answered, 1)
	w.mesh.Deliver(ctx, call, func(a proto.Answer) {
		cancel()
		_, err := a.Result()
		answers <- answered{time.Since(begin), err}
	})
	return answers
}

// wantAfter checks when an answer comes.
func wantAfter(t *testing.T, what string, answers <-chan answered, want time.Duration) {
	t.Helper()
	a := <-answers
	if a.err != nil || a.after != want {
		t.Errorf("%s: answered after %v with %v, want after %v", what, a.after, a.err, want)
	}
}

func TestTurnsThatQueuedDuringACommitShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, slowDisk())
		w.register("BOX", exposeStorage)
		first := w.later(box, "put", "key", "first")
		synctest.Wait() // it commits
		var queued []<-chan answered
		for i := range 100 {
			queued = append(queued, w.later(box, "put", fmt.Sprint(i), "x"))
		}
		wantAfter(t, "the first", first, 100*time.Millisecond)
		for i, answers := range queued {
			wantAfter(t, fmt.Sprint("queued ", i), answers, 200*time.Millisecond)
		}
		if got := w.rt.commits.Load(); got != 2 {
			t.Errorf("got %d commits for 101 turns, want 2", got)
		}
		w.close()
	})
}

func TestReaderInASharedCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { testSharedCommit(t, newMemoryWorld(t, slowDisk()), func() {}) })
}

// testSharedCommit tests a disk whose fsync takes 100 ms once slow is called.
func testSharedCommit(t *testing.T, w *world, slow func()) {
	in := inbox{make(chan string, 10)}
	w.mesh["INBOX"] = in
	remembered := 0
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[int]("remember").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			remembered++
			return remembered, o.KV().Put(ctx, "n", remembered)
		})
		lmz.Method0[int]("recall").Expose(mux, lmz.Anyone, func(context.Context) (int, error) { return remembered, nil })
		lmz.Method0[int]("refuse").Expose(mux, lmz.Anyone, func(context.Context) (int, error) {
			return 0, lmz.Errorf("refused, for I remember %d", remembered)
		})
		lmz.Method0[bool]("tell").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, o.Send(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", fmt.Sprint(remembered)))
		})
	})
	must[struct{}](w, box, "put", "key", "made")
	slow()
	block := w.later(box, "put", "key", "x")
	synctest.Wait()
	writes := w.later(box, "remember")
	reads := []<-chan answered{w.later(box, "get", "key"), w.later(box, "recall"), w.later(box, "tell")}
	refused := w.later(box, "refuse")
	<-block
	time.Sleep(99 * time.Millisecond)
	synctest.Wait()
	if len(in.got) != 0 {
		t.Error("a message left before the commit that it knows of")
	}
	wantAfter(t, "the writer", writes, 200*time.Millisecond)
	for i, answers := range reads {
		wantAfter(t, fmt.Sprint("reader ", i), answers, 200*time.Millisecond)
	}
	if a := <-refused; a.after != 200*time.Millisecond || a.err == nil {
		t.Errorf("a refusal that knows of the commit came after %v: %v", a.after, a.err)
	}
	if got := <-in.got; got != "1" {
		t.Errorf("got %q", got)
	}
	wantAfter(t, "a reader without a commit to wait for", w.later(box, "get", "key"), 0)
	w.close()
}

func TestAgeOfASharedCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, new(MemoryDisk))
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method1[time.Duration, bool]("work").Expose(mux, lmz.Anyone, func(_ context.Context, d time.Duration) (bool, error) {
				time.Sleep(d)
				return true, nil
			})
		})
		blocked := w.later(box, "work", time.Millisecond)
		synctest.Wait()
		var turns []<-chan answered
		for i := range 4 {
			turns = append(turns, w.later(box, "put", "key", fmt.Sprint(i)), w.later(box, "work", time.Millisecond))
		}
		wantAfter(t, "the first", blocked, time.Millisecond)
		// put, work, put, work: the commit is 2 ms old. Then the same again.
		for i, want := range []time.Duration{3, 3, 3, 3, 5, 5, 5, 5} {
			wantAfter(t, fmt.Sprint("turn ", i), turns[i], want*time.Millisecond)
		}
		w.close()
	})
}

// onEveryDisk runs a test of a runtime on each storage.
func onEveryDisk(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newWorld(t, t.TempDir())) })
	t.Run("memory", func(t *testing.T) { test(t, newMemoryWorld(t, new(MemoryDisk))) })
}

// exposeHold exposes hold, which keeps the turn until the test releases it.
func exposeHold(mux *lmz.Mux) (entered, release chan bool) {
	entered, release = make(chan bool), make(chan bool)
	lmz.Method0[bool]("hold").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
		entered <- true
		return <-release, nil
	})
	return entered, release
}

func TestAnErrorAndAPanicRollBackOnlyTheirTurn(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		var entered, release chan bool
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			entered, release = exposeHold(mux)
			exposeStorage(o, mux)
			spoil := func(ctx context.Context) {
				if err := errors.Join(o.KV().Put(ctx, "a", "spoiled"), o.KV().Put(ctx, "spoiled", "x"), o.KV().Delete(ctx, "b")); err != nil {
					t.Error(err)
				}
			}
			lmz.Method0[bool]("fail").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				spoil(ctx)
				return false, lmz.Errorf("no luck")
			})
			lmz.Method0[bool]("panic").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				spoil(ctx)
				panic("out of cheese")
			})
		})
		must[struct{}](w, box, "put", "a", "0")
		commits := w.rt.commits.Load()
		hold := w.later(box, "hold")
		<-entered
		good := []<-chan answered{w.later(box, "put", "a", "1"), w.later(box, "put", "b", "1")}
		bad := []<-chan answered{w.later(box, "fail"), w.later(box, "panic")}
		good = append(good, w.later(box, "put", "c", "1"))
		bad = append(bad, w.later(box, "fail"))
		release <- true
		for _, answers := range append(good, hold) {
			if a := <-answers; a.err != nil {
				t.Error(a.err)
			}
		}
		for _, answers := range bad {
			if a := <-answers; lmz.CodeOf(a.err) != lmz.CodeCallee {
				t.Errorf("got %v, want the error of the callee", a.err)
			}
		}
		for key, want := range map[string]string{"a": "1", "b": "1", "c": "1", "spoiled": ""} {
			if got := must[string](w, box, "get", key); got != want {
				t.Errorf("%s: got %q, want %q", key, got, want)
			}
		}
		if got := w.rt.commits.Load() - commits; got < 1 || got > 6 {
			t.Errorf("got %d commits", got)
		}
	})
}

func TestAFailedCommitFailsEveryCallInIt(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // where turns take no time
		w := newWorld(t, dir)
		in := inbox{make(chan string, 10)}
		w.mesh["INBOX"] = in
		made := 0
		var entered, release chan bool
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			made++
			exposeStorage(o, mux)
			entered, release = exposeHold(mux)
			lmz.Method0[bool]("violate").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				return true, violate(ctx, o)
			})
			lmz.Method0[bool]("call").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				_, err := o.CallRaw(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", "x"))
				wantCode(t, err, lmz.CodeGateway, "the call was not made")
				return true, o.KV().Put(ctx, "key", "spoiled")
			})
			lmz.Method0[bool]("failAfterWaiting").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				if _, err := o.CallRaw(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", "y")); err != nil {
					return false, err
				}
				release <- true
				return true, violate(ctx, o)
			})
		})
		must[struct{}](w, box, "put", "key", "good")
		hold := w.later(box, "hold")
		<-entered
		lost := []<-chan answered{
			w.later(box, "put", "key", "lost"), w.later(box, "get", "key"), w.later(box, "call"), w.later(box, "violate"),
		}
		release <- true
		if a := <-hold; a.err != nil {
			t.Error(a.err)
		}
		for _, answers := range lost {
			wantCode(t, (<-answers).err, lmz.CodeGateway, "storage failed, and nothing was changed")
		}
		if len(in.got) != 0 {
			t.Error("a call left although its turn was lost")
		}
		if got := must[string](w, box, "get", "key"); got != "good" || made != 2 {
			t.Errorf("got %q from handler %d, want the value from before from a new handler", got, made)
		}
		partly := w.later(box, "failAfterWaiting")
		<-release
		wantCode(t, (<-partly).err, lmz.CodeUnknown, "when a part was done")
		w.close()
	})
}

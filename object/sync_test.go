//go:build unix

package object

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// Every fsync costs milliseconds, so this counts each one, on real files.
func TestSyncsOfTurns(t *testing.T) {
	dir := t.TempDir()
	disk := watchDisk(t, dir)
	synctest.Test(t, func(t *testing.T) { // where turns take no time, so that waiting turns share a commit
		w := newWorld(t, dir)
		entered, release := make(chan bool), make(chan bool)
		kind := func(relaxed bool) Kind {
			return Kind{Schema: noteSchema, Relaxed: relaxed, New: func(o *Object) lmz.Handler {
				mux := &lmz.Mux{}
				exposeStorage(o, mux)
				lmz.Method0[bool]("hold").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
					entered <- true
					return <-release, nil
				})
				lmz.Method1[string, int64]("exec").Expose(mux, lmz.Anyone, func(ctx context.Context, query string) (int64, error) {
					return o.SQL().Exec(ctx, query)
				})
				lmz.Method1[int, struct{}]("both").Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (struct{}, error) {
					_, err := o.SQL().Exec(ctx, `INSERT INTO note (text) VALUES (?)`, fmt.Sprint(n))
					return struct{}{}, errors.Join(err, o.KV().Put(ctx, "a", n), o.KV().Put(ctx, "b", n))
				})
				lmz.Method1[time.Duration, struct{}]("remind").Expose(mux, lmz.Anyone, func(ctx context.Context, in time.Duration) (struct{}, error) {
					_, err := o.Alarms().Set(ctx, In(in), lmz.Ctn("list", ""), AlarmOptions{})
					return struct{}{}, err
				})
				lmz.Method1[string, struct{}]("send").Expose(mux, lmz.Anyone, func(ctx context.Context, what string) (struct{}, error) {
					return struct{}{}, o.Send(ctx, lmz.At("BOX", "two"), lmz.Ctn("put", "got", what))
				})
				lmz.Method0[struct{}]("tell").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
					return struct{}{}, o.Send(ctx, lmz.Worker("WORKER"), lmz.Ctn("hear"))
				})
				return mux
			}}
		}
		w.registerKind("BOX", kind(false))
		w.registerKind("RELAXED", kind(true))
		w.mesh["WORKER"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil })}
		relaxed := lmz.At("RELAXED", "three")
		for _, a := range []lmz.Address{box, lmz.At("BOX", "two"), relaxed} {
			must[struct{}](w, a, "put", "key", "value") // creates the file
		}
		must[int64](w, box, "exec", `INSERT INTO note (id) VALUES (1)`)
		must[int64](w, relaxed, "exec", `INSERT INTO note (id) VALUES (1)`)
		synctest.Wait()
		for _, of := range []string{"one", "two", "three", "index"} {
			disk.take(of)
		}
		number := uint64(0)
		asSession := func(method string, args ...any) { // a call whose outcome is kept
			number++
			if _, err := (<-w.present(number, false, lmz.Ctn(method, args...))).Result(); err != nil {
				t.Error(err)
			}
		}
		for _, test := range []struct {
			name       string
			do         func()
			one, index int // syncs of the object and of the wake index
		}{
			{"a read", func() { must[string](w, box, "get", "key") }, 0, 0},
			{"a read of what is not there", func() { must[string](w, box, "get", "never") }, 0, 0},
			{"a read of a session", func() { asSession("get", "key") }, 0, 0},
			{"a list", func() { must[[]string](w, box, "list", "") }, 0, 0},
			{"a put of what is there", func() { must[struct{}](w, box, "put", "key", "value") }, 0, 0},
			{"a put of what is there by a session", func() { asSession("put", "key", "value") }, 0, 0},
			{"a delete of what is not there", func() { must[struct{}](w, box, "delete", "never") }, 0, 0},
			{"SQL that changes nothing", func() { must[int64](w, box, "exec", `UPDATE note SET text = 'x' WHERE id = 7`) }, 0, 0},
			{"a turn that fails", func() { fails(w, box, "exec", `INSERT INTO note (id) VALUES (1)`) }, 0, 0},
			{"a message that is not stored", func() { must[struct{}](w, box, "tell") }, 0, 0},
			{"a put", func() { must[struct{}](w, box, "put", "key", "other") }, 1, 0},
			{"a put of a session, with its outcome", func() { asSession("put", "key", "third") }, 1, 0},
			{"two keys and a row", func() { must[struct{}](w, box, "both", 1) }, 1, 0},
			{"100 turns that waited together", func() {
				hold := w.later(box, "hold")
				<-entered
				var all []<-chan answered
				for i := range 50 {
					all = append(all, w.later(box, "both", i), w.later(box, "get", "key"))
				}
				release <- true
				for _, answers := range append(all, hold) {
					if a := <-answers; a.err != nil {
						t.Error(a.err)
					}
				}
			}, 1, 0},
			{"the first put after it was opened, with the head of the log", func() {
				w.rt.retire(w.idle(box))
				disk.take("one") // ignore the syncs of the checkpoint at close
				must[struct{}](w, box, "put", "key", "fourth")
			}, 2, 0},
			// The index is synced before the object, if its time becomes earlier.
			{"an alarm where there was none", func() { must[struct{}](w, box, "remind", time.Hour) }, 1, 1},
			{"a later alarm", func() { must[struct{}](w, box, "remind", 2*time.Hour) }, 1, 0},
			{"an earlier alarm", func() { must[struct{}](w, box, "remind", time.Minute) }, 1, 1},
			// The settlement is stored with the next commit.
			{"a message to another object", func() { must[struct{}](w, box, "send", "this"); synctest.Wait() }, 1, 1},
			{"a second message", func() { must[struct{}](w, box, "send", "that"); synctest.Wait() }, 1, 0},
			{"a put of a relaxed object", func() { must[struct{}](w, relaxed, "both", 1) }, 0, 0},
		} {
			test.do()
			if one, index := disk.take("one"), disk.take("index"); one != test.one || index != test.index {
				t.Errorf("%s: got %d syncs, and %d of the index of wakes, want %d and %d", test.name, one, index, test.one, test.index)
			}
		}
		if got := disk.take("two"); got != 2 {
			t.Errorf("who got two messages has synced %d times, want 2", got)
		}
		if got := disk.take("three"); got != 0 {
			t.Errorf("a relaxed object has synced %d times, want 0", got)
		}
		w.close()
	})
}

func TestReaderOfAnUnsyncedFile(t *testing.T) {
	dir := t.TempDir()
	disk := watchDisk(t, dir)
	synctest.Test(t, func(t *testing.T) {
		testSharedCommit(t, newWorld(t, dir), func() { disk.set(func() { disk.slow = 100 * time.Millisecond }) })
	})
}

func TestFailedSync(t *testing.T) {
	dir := t.TempDir()
	disk := watchDisk(t, dir)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		var entered, release chan bool
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			entered, release = exposeHold(mux)
		})
		must[struct{}](w, box, "put", "key", "good")
		hold := w.later(box, "hold")
		<-entered
		lost := []<-chan answered{w.later(box, "put", "key", "perhaps"), w.later(box, "get", "key")}
		disk.set(func() { disk.sick = true })
		release <- true
		<-hold
		for _, answers := range lost {
			wantCode(t, (<-answers).err, lmz.CodeUnknown, "the object's storage failed")
		}
		disk.set(func() { disk.sick = false })
		if got := must[string](w, box, "get", "key"); got != "good" && got != "perhaps" {
			t.Errorf("got %q", got)
		}
		must[struct{}](w, box, "put", "key", "well again")
		w.close()
		w = newWorld(t, dir)
		w.register("BOX", exposeStorage)
		if got := must[string](w, box, "get", "key"); got != "well again" {
			t.Errorf("after a restart: got %q", got)
		}
		w.close()
	})
}

func TestDiskWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	disk := watchDisk(t, dir)
	w := newWorld(t, dir)
	reminders(w)
	must[struct{}](w, box, "put", "key", "good")
	for range 2 {
		disk.set(func() { disk.full = true })
		for _, a := range []lmz.Address{box, lmz.At("BOX", "new")} {
			for _, err := range []error{fails(w, a, "put", "key", "lost"), fails(w, a, "remind", time.Hour)} {
				if !errors.Is(err, lmz.ErrNotExecuted) {
					t.Errorf("%s: %v is not ErrNotExecuted", a, err)
				}
			}
		}
		for range 2 {
			if got := must[string](w, box, "get", "key"); got != "good" {
				t.Errorf("got %q while the disk is full", got)
			}
			w.rt.retire(w.idle(box)) // reopened by the next call
		}
		disk.set(func() { disk.full = false })
		must[struct{}](w, lmz.At("BOX", "new"), "put", "key", "room again")
	}
	must[struct{}](w, box, "put", "key", "room again")
	must[struct{}](w, box, "remind", time.Hour)
	if due := w.rt.Due("", ""); len(due) != 1 || due[0].Object != box || time.Until(due[0].At) < 59*time.Minute {
		t.Errorf("to be woken: %v", due)
	}
}

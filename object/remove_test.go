//go:build unix

package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// told is a handler that records the removal of its object.
type told struct {
	*lmz.Mux
	note func(string) error
	o    *Object
}

func (h told) OnRemoved(ctx context.Context) error {
	c, _ := lmz.CallContextFrom(ctx)
	return h.note(c.Self.Instance)
}

// removable registers BOX, which records the removal of its objects.
func (w *world) removable(note func(string) error, starts *int) {
	w.registerKind("BOX", Kind{Idle: -1, New: func(o *Object) lmz.Handler {
		*starts++
		mux := &lmz.Mux{}
		exposeStorage(o, mux)
		lmz.Method0[bool]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, (<-w.script)(ctx, o)
		})
		lmz.Method1[string, struct{}]("ring").Expose(mux, lmz.NoOne, func(_ context.Context, text string) (struct{}, error) {
			return struct{}{}, note("rang " + text)
		})
		return told{mux, func(name string) error { return note("removed " + name) }, o}
	}})
	w.script = make(chan func(context.Context, *Object) error, 1)
}

func TestARemovedObjectBeginsAnew(t *testing.T) {
	dir, disk := t.TempDir(), new(MemoryDisk)
	for name, open := range map[string]func() *world{
		"files": func() *world { return newWorld(t, dir) }, "memory": func() *world { return newMemoryWorld(t, disk) },
	} {
		t.Run(name, func(t *testing.T) {
			var notes []string
			starts := 0
			note := func(text string) error { notes = append(notes, text); return nil }
			w := open()
			w.removable(note, &starts)
			two := lmz.At("BOX", "two")
			wantCode(t, w.rt.Remove(t.Context(), box), lmz.CodeAbsent, "has stored nothing")
			must[struct{}](w, two, "put", "key", "stays")
			must[struct{}](w, box, "put", "key", "gone")
			w.run(func(ctx context.Context, o *Object) error {
				_, err := o.SQL().Exec(ctx, `CREATE TABLE x (y)`)
				return errors.Join(err, set(ctx, o, In(time.Hour), "never"))
			})
			wantNil(t, w.rt.Remove(t.Context(), box))
			if due := w.rt.Due("", ""); len(due) != 0 || w.rt.disk.Exists(box) {
				t.Errorf("to be woken: %v, exists %v", due, w.rt.disk.Exists(box))
			}
			wantCode(t, w.rt.Remove(t.Context(), box), lmz.CodeAbsent, "has stored nothing")
			if got := must[string](w, box, "get", "key"); got != "" {
				t.Errorf("the new one has %q", got)
			}
			must[struct{}](w, box, "put", "key", "new")
			w.run(func(ctx context.Context, o *Object) error {
				_, err := o.SQL().Exec(ctx, `CREATE TABLE x (y)`)
				return err
			})
			w.close()
			w = open()
			w.removable(note, &starts)
			w.rt.Start()
			for a, want := range map[lmz.Address]string{box: "new", two: "stays"} {
				if got := must[string](w, a, "get", "key"); got != want {
					t.Errorf("%s has %q, want %q", a, got, want)
				}
			}
			if !slices.Equal(notes, []string{"removed one"}) {
				t.Errorf("noted: %q", notes)
			}
			wantCode(t, w.rt.Remove(t.Context(), lmz.At("NOTHING", "x")), lmz.CodeAbsent, "no objects are registered")
			w.close()
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "removed", "objects", "*", "*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if wal, _ := filepath.Glob(filepath.Join(dir, "objects", "BOX", "one-*")); len(wal) != 1 {
		t.Errorf("beside the new file: %v", wal)
	}
}

// quiet is a node that answers, and ends the session that it knows, on command.
type quiet struct{ answer, end chan bool }

func (q quiet) Deliver(ctx context.Context, _ *proto.Call, done func(proto.Answer)) {
	go func() {
		<-q.answer
		done(proto.NewAnswer("answer", nil))
	}()
}

func (q quiet) Session(lmz.Address) proto.SessionID { return proto.SessionID{1} }

func (q quiet) AfterSession(_ lmz.Address, _ proto.SessionID, ended func()) {
	go func() {
		<-q.end
		ended()
	}()
}

func TestARemovalEndsWhatIsUnderWay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld(t, dir), newClock()
		starts := 0
		w.removable(func(text string) error { c.note(text); return nil }, &starts)
		q := quiet{make(chan bool), make(chan bool)}
		w.mesh["QUIET"] = q
		begin := func(ctx context.Context, o *Object) error {
			return errors.Join(
				set(ctx, o, In(time.Minute), "alarm"),
				o.Watch(ctx, lmz.At("QUIET", "client"), lmz.Ctn("ring", "watch")),
				o.Send(ctx, lmz.Worker("QUIET"), lmz.Ctn("x"), lmz.Reply(lmz.Ctn("ring", "reply"))))
		}
		w.run(begin)
		wantNil(t, w.rt.Remove(t.Context(), box))
		c.wants(t, "0s removed one")
		before := starts
		close(q.answer)
		close(q.end)
		time.Sleep(time.Hour)
		c.wants(t)
		if starts != before || w.rt.disk.Exists(box) {
			t.Errorf("started %d times after that, exists: %v", starts-before, w.rt.disk.Exists(box))
		}
		// The next object with its name has its own work.
		c.begin = time.Now()
		w.run(begin)
		time.Sleep(time.Hour)
		got := c.take()
		if slices.Sort(got); !slices.Equal(got, []string{"0s rang reply", "0s rang watch", "1m0s rang alarm"}) {
			t.Errorf("the next of its name: %q", got)
		}
		w.close()
	})
}

func TestARemovalWaitsForTheTurn(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		starts := 0
		w.removable(func(string) error { return nil }, &starts)
		q := quiet{make(chan bool), nil}
		w.mesh["QUIET"] = q
		must[struct{}](w, box, "put", "key", "old")
		// One handler waits in a call, another one keeps the turn, a call waits behind the removal.
		w.script <- func(ctx context.Context, o *Object) error {
			_, err := o.CallRaw(ctx, lmz.Worker("QUIET"), lmz.Ctn("x"))
			return errors.Join(err, o.KV().Put(ctx, "key", "of the old one"))
		}
		waiting := w.later(box, "script")
		synctest.Wait()
		w.script <- func(context.Context, *Object) error { time.Sleep(500 * time.Millisecond); return nil }
		busy := w.later(box, "script")
		synctest.Wait()
		begin := time.Now()
		removed := make(chan error, 1)
		go func() { removed <- w.rt.Remove(t.Context(), box) }()
		synctest.Wait()
		behind := w.later(box, "put", "key", "late")
		wantNil(t, <-removed)
		if took := time.Since(begin); took != 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if a := <-busy; a.err != nil {
			t.Errorf("the handler that had the turn: %v", a.err)
		}
		wantCode(t, (<-behind).err, lmz.CodeGateway, "the object was removed")
		must[struct{}](w, box, "put", "key", "new")
		close(q.answer)
		wantCode(t, (<-waiting).err, lmz.CodeUnknown, "the object was removed")
		if got := must[string](w, box, "get", "key"); got != "new" {
			t.Errorf("got %q", got)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.rt.Remove(gone, box); !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("whose caller has gone: %v", err)
		}
		w.close()
	})
}

func TestADamagedObjectCanBeRemoved(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	must[struct{}](w, box, "put", "key", "value")
	w.close()
	damage(t, sqlite.Path(dir, box))
	wantNil(t, os.WriteFile(sqlite.Path(dir, box)+"-wal", nil, 0o600))
	w = newWorld(t, dir)
	w.register("BOX", exposeStorage)
	wantNil(t, w.rt.Remove(t.Context(), box))
	must[struct{}](w, box, "put", "key", "new")
	if got := must[string](w, box, "get", "key"); got != "new" {
		t.Errorf("got %q", got)
	}
}

func TestACrashLeavesTheObjectOrNothing(t *testing.T) {
	const step = time.Millisecond // duration of a commit
	for at := range 10 {
		for _, survives := range []bool{false, true} {
			t.Run(fmt.Sprint(at, survives), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					disk := &MemoryDisk{Latency: func(lmz.Address) time.Duration { return step }, Survives: func() bool { return survives }}
					w := newMemoryWorld(t, disk)
					starts, notes := 0, 0
					note := func(text string) error { notes++; return nil }
					w.removable(note, &starts)
					must[struct{}](w, box, "put", "key", "old")
					must[struct{}](w, box, "put", "other", "old")
					go w.rt.Remove(t.Context(), box)
					time.Sleep(step*time.Duration(at)/2 - step/4)
					w = w.crash(disk)
					w.removable(note, &starts)
					w.rt.Start()
					synctest.Wait()
					time.Sleep(time.Minute)
					exists, key, other := w.rt.disk.Exists(box), must[string](w, box, "get", "key"), must[string](w, box, "get", "other")
					switch {
					case exists && (key != "old" || other != "old" || notes > 0), !exists && (key+other != "" || notes == 0):
						t.Errorf("exists %v, with %q and %q, and %d were told", exists, key, other, notes)
					case at < 2 && exists == survives && at > 0, at > 2 && exists:
						t.Errorf("exists %v after %d steps", exists, at)
					}
					if left, _ := w.rt.disk.Removals(); len(left) != 0 {
						t.Errorf("left: %v", left)
					}
					must[struct{}](w, box, "put", "key", "new")
					w = w.crash(disk)
					w.removable(note, &starts)
					if got := must[string](w, box, "get", "key"); got != "new" {
						t.Errorf("after another crash: %q", got)
					}
				})
			})
		}
	}
}

func TestRemovalVictim(t *testing.T) {
	o, ok := obey(t)
	if !ok {
		return
	}
	failpoint.On = func(name string) {
		if name == o.Die {
			kill()
		}
	}
	w := newWorld(t, o.Dir)
	starts := 0
	w.removable(func(string) error { return nil }, &starts)
	must[struct{}](w, box, "put", "key", "old")
	t.Fatal(w.rt.Remove(t.Context(), box))
}

func TestAKilledRemovalLeavesAllOrNothing(t *testing.T) {
	for _, die := range []string{"removal", "removed", "told"} {
		t.Run(die, func(t *testing.T) {
			dir := t.TempDir()
			order{Dir: dir, Die: die}.run(t, "TestRemovalVictim")
			w := newWorld(t, dir)
			var notes []string
			starts := 0
			w.removable(func(text string) error { notes = append(notes, text); return nil }, &starts)
			w.rt.Start()
			want, told := "", "removed one"
			if die == "removal" {
				want, told = "old", ""
			}
			var got string
			for range 100 { // calls during the removal are not executed
				value, err := lmz.Call[string](t.Context(), w, box, lmz.Ctn("get", "key"))
				if got = value; !errors.Is(err, lmz.ErrNotExecuted) {
					wantNil(t, err)
					break
				}
			}
			if got != want || strings.Join(notes, ",") != told {
				t.Errorf("it has %q, and told %q", got, notes)
			}
			if left, err := w.rt.disk.Removals(); len(left) != 0 || err != nil {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

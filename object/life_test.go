package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// starting is a handler with an OnStart.
type starting struct {
	lmz.Mux
	onStart func(ctx context.Context) error
}

func (s *starting) OnStart(ctx context.Context) error { return s.onStart(ctx) }

// registerStarting registers BOX with an OnStart.
func registerStarting(w *world, onStart func(ctx context.Context, o *Object) error) {
	w.registerKind("BOX", Kind{New: func(o *Object) lmz.Handler {
		s := &starting{onStart: func(ctx context.Context) error { return onStart(ctx, o) }}
		exposeStorage(o, &s.Mux)
		return s
	}})
}

func TestOnStartFinishesBeforeAnyCall(t *testing.T) {
	w := newWorld(t, t.TempDir())
	in := inbox{make(chan string, 1)}
	w.mesh["INBOX"] = in
	starts := 0
	registerStarting(w, func(ctx context.Context, o *Object) error {
		starts++
		c, ok := lmz.CallContextFrom(ctx)
		if !ok || c.Self != o.Identity() || len(c.Chain) != 0 {
			t.Errorf("got call context %v, %v, want a fresh chain", c, ok)
		}
		return errors.Join(
			o.KV().Put(ctx, "key", "started"),
			o.Send(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", "started")))
	})
	for range 3 {
		if got := must[string](w, box, "get", "key"); got != "started" {
			t.Errorf("got %q", got)
		}
	}
	if starts != 1 {
		t.Errorf("OnStart ran %d times, want once", starts)
	}
	if got := <-in.got; got != "started" {
		t.Errorf("got %q", got)
	}
}

func TestFailedStart(t *testing.T) {
	w := newWorld(t, t.TempDir())
	starts := 0
	registerStarting(w, func(ctx context.Context, o *Object) error {
		starts++
		if err := o.KV().Put(ctx, "key", "spoiled"); err != nil {
			t.Error(err)
		}
		switch starts {
		case 1:
			return errors.New("secret reason")
		case 2:
			panic("out of cheese")
		case 3:
			return lmz.Errorf("public reason")
		}
		return o.KV().Delete(ctx, "key")
	})
	wantCode(t, fails(w, box, "get", "key"), lmz.CodeGateway, "could not start")
	wantCode(t, fails(w, box, "get", "key"), lmz.CodeGateway, "could not start")
	wantCode(t, fails(w, box, "get", "key"), lmz.CodeGateway, "could not start: public reason")
	must[struct{}](w, box, "put", "key", "value")
	for _, want := range []string{"secret reason", "out of cheese", "method=OnStart"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log misses %q:\n%s", want, w.log)
		}
	}
}

func TestACallInOnStartFailsAtOnceAndSaysWhy(t *testing.T) {
	w := newWorld(t, t.TempDir())
	registerStarting(w, func(ctx context.Context, o *Object) error {
		_, err := o.CallRaw(ctx, box, lmz.Ctn("get", "key"))
		if err == nil || !strings.Contains(err.Error(), "CallRaw in OnStart") {
			t.Errorf("got %v", err)
		}
		return nil
	})
	must[string](w, box, "get", "key")
}

func TestAPanicInNewRefusesTheCall(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.registerKind("BOX", Kind{New: func(*Object) lmz.Handler { panic("out of cheese") }})
	w.registerKind("NIL", Kind{New: func(*Object) lmz.Handler { return nil }})
	wantCode(t, fails(w, box, "get"), lmz.CodeGateway, "could not start")
	wantCode(t, fails(w, lmz.At("NIL", "x"), "get"), lmz.CodeGateway, "could not start")
}

func TestCodeThatEndsItsGoroutineEndsOnlyItsCall(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		exits := make(map[string]bool) // where an object exits
		w.registerKind("BOX", Kind{New: func(o *Object) lmz.Handler {
			exit := func(where string) {
				if exits[where] {
					runtime.Goexit() // as FailNow of a test does
				}
			}
			exit("New")
			s := &starting{onStart: func(ctx context.Context) error {
				err := o.KV().Put(ctx, "started", "true")
				exit("OnStart")
				return err
			}}
			exposeStorage(o, &s.Mux)
			lmz.Method0[bool]("exit").Expose(&s.Mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				err := o.KV().Put(ctx, "key", "spoiled")
				exit("exit")
				return true, err
			})
			return s
		}})
		for _, where := range []string{"New", "OnStart", "exit"} {
			exits[where] = true
			a := <-w.later(box, "exit")
			if a.err == nil || a.after != 0 {
				t.Errorf("%s: got %v after %v, want an error at once", where, a.err, a.after)
			}
			exits[where] = false
			if got := must[string](w, box, "get", "key"); got != "" {
				t.Errorf("%s: the turn was kept", where)
			}
			if where != "exit" {
				w.rt.retire(w.idle(box))
			}
			if !strings.Contains(w.log.String(), "ended its goroutine") {
				t.Errorf("%s: the log does not tell: %s", where, w.log)
			}
		}
		time.Sleep(time.Hour)
		if strings.Contains(w.log.String(), "keeps the turn") {
			t.Errorf("it is said to go on: %s", w.log)
		}
		w.close()
	})
}

func TestAnIdleObjectIsClosedAndOpensAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		made := 0
		w.registerKind("BOX", Kind{Idle: time.Minute, New: func(o *Object) lmz.Handler {
			made++
			mux := &lmz.Mux{}
			exposeStorage(o, mux)
			return mux
		}})
		wal := sqlite.Path(dir, box) + "-wal"
		isOpen := func() bool {
			_, err := os.Stat(wal)
			return err == nil
		}
		must[struct{}](w, box, "put", "key", "value")
		for range 3 { // work keeps the object open
			time.Sleep(59 * time.Second)
			must[string](w, box, "get", "key")
		}
		if made != 1 || !isOpen() {
			t.Errorf("made %d times, open %v, want one open object", made, isOpen())
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if isOpen() || len(w.rt.objects) != 0 {
			t.Errorf("open %v, %d objects kept: it was not closed", isOpen(), len(w.rt.objects))
		}
		if got := must[string](w, box, "get", "key"); got != "value" || made != 2 {
			t.Errorf("got %q from handler %d", got, made)
		}
		w.close()
	})
}

func TestCallsDuringAnEviction(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.registerKind("COUNTER", Kind{Idle: time.Nanosecond, New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		exposeCounter(o, mux)
		return mux
	}})
	const n = 300
	for range n {
		must[int](w, lmz.At("COUNTER", "x"), "increment")
	}
	if got := must[int](w, lmz.At("COUNTER", "x"), "total"); got != n {
		t.Errorf("got %d, want %d", got, n)
	}
}

func TestCloseWithRunningHandlers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			lmz.Method0[bool]("slow").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				time.Sleep(5 * time.Second)
				return true, o.KV().Put(ctx, "key", "finished")
			})
			exposeStorage(o, mux)
		})
		running, err := w.start(t.Context(), box, lmz.Ctn("slow"))
		if err != nil {
			t.Fatal(err)
		}
		queued, err := w.start(t.Context(), box, lmz.Ctn("put", "key", "late"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		w.close()
		if got := time.Since(start); got != 5*time.Second {
			t.Errorf("Close took %v, want the 5s of the running handler", got)
		}
		if _, err := (<-running).Result(); err != nil {
			t.Errorf("the running call: %v", err)
		}
		_, err = (<-queued).Result()
		wantCode(t, err, lmz.CodeGateway, "closing")
		wantCode(t, fails(w, box, "get", "key"), lmz.CodeGateway, "closing")

		again := newWorld(t, dir)
		again.register("BOX", exposeStorage)
		if got := must[string](again, box, "get", "key"); got != "finished" {
			t.Errorf("got %q", got)
		}
		again.close()
	})
}

func TestCloseEndsTheCtxOfHandlersThatTakeTooLong(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		release := make(chan struct{})
		w.mesh["DEAF"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			<-release
			return nil, nil
		})}
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			lmz.Method0[bool]("wait").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				_, err := o.CallRaw(ctx, lmz.Worker("DEAF"), lmz.Ctn("ask"))
				return true, err
			})
		})
		waiting, err := w.start(t.Context(), box, lmz.Ctn("wait"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.close()
		_, err = (<-waiting).Result()
		wantCode(t, err, lmz.CodeCallee, "given up before DEAF answered")
		close(release)
	})
}

func TestHandlerThatIgnoresClose(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := mesh{}
		rt, err := Open(dir, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{peer: peer{"tester", m}, t: t, rt: rt, mesh: m}
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			lmz.Method0[bool]("ignore").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				if err := o.KV().Put(ctx, "key", "early"); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute)
				if err := o.KV().Put(ctx, "key", "late"); !errors.Is(err, errClosed) {
					t.Errorf("got %v, want errClosed", err)
				}
				return true, nil
			})
			exposeStorage(o, mux)
		})
		ctx, cancel := proto.WithDeadline(t.Context())
		defer cancel()
		ignoring, err := w.start(ctx, box, lmz.Ctn("ignore"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := rt.Close(); err == nil || !strings.Contains(err.Error(), "BOX/one is still running") {
			t.Errorf("Close: got %v", err)
		}
		_, err = (<-ignoring).Result()
		wantCode(t, err, lmz.CodeGateway, "storage failed")
		synctest.Wait()
		again := newWorld(t, dir)
		again.register("BOX", exposeStorage)
		if got := must[string](again, box, "get", "key"); got != "" {
			t.Errorf("got %q, want nothing", got)
		}
		again.close()
	})
}

func TestOneDirectoryHasOneRuntime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	w := newWorld(t, dir)
	if _, err := Open(dir, mesh{}, nil); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "stop it") {
		t.Errorf("got %v, want ErrInUse and what to do", err)
	}
	w.close()
	again := newWorld(t, dir)
	again.close()
}

func TestFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	dir := filepath.Join(t.TempDir(), "data")
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	must[struct{}](w, box, "put", "key", "value")
	for _, path := range files(t, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o, want 600", path, got)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "objects"), filepath.Join(dir, "objects", "BOX")} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("%s has mode %o, want 700", path, got)
		}
	}
}

func TestRegisterPanicsOnMistakes(t *testing.T) {
	w := newWorld(t, t.TempDir())
	good := Kind{New: func(*Object) lmz.Handler { return &lmz.Mux{} }}
	w.rt.Register("TAKEN", good)
	tests := []struct {
		binding string
		kind    Kind
	}{
		{"", good}, {"TAKEN", good}, {"NO_NEW", Kind{}}, {strings.Repeat("x", 81), good},
	}
	for _, test := range tests {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Register(%q) did not panic", test.binding)
				}
			}()
			w.rt.Register(test.binding, test.kind)
		}()
	}
}

func TestManyNamesDoNotKeepManyFilesOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		w.rt.maxOpen = 10
		w.register("BOX", exposeCounter)
		for i := range 50 {
			must[int](w, lmz.At("BOX", fmt.Sprint(i)), "increment")
			synctest.Wait()
		}
		time.Sleep(time.Second) // virtual
		w.rt.mu.Lock()
		open := len(w.rt.objects)
		w.rt.mu.Unlock()
		if open > 10 {
			t.Errorf("%d objects are open", open)
		}
		if got := must[int](w, lmz.At("BOX", "49"), "total"); got != 1 {
			t.Errorf("a closed object forgot: %d", got)
		}
		w.close()
	})
}

package object

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// doubler is a worker that doubles, and refuses 7.
var doubler = worker{lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) {
	var n int
	err := r.Arg(0, &n)
	if n == 7 {
		return nil, lmz.Errorf("not seven")
	}
	return 2 * n, err
})}

func TestSeveralCallsAtOnceGiveUpTheTurnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, slowDisk())
		w.mesh["DOUBLE"] = doubler
		g := newGate()
		w.mesh["GATE"] = worker{g}
		turns := 0
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method0[bool]("other").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
				turns++
				return true, nil
			})
			lmz.Method0[int]("sum").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
				if err := o.KV().Put(ctx, "key", "value"); err != nil {
					return 0, err
				}
				calls := o.Calls(ctx)
				var results []*Pending[int]
				for i := range 5 {
					results = append(results, Go[int](calls, lmz.Worker("DOUBLE"), lmz.Ctn("double", i)))
				}
				gates := []*Pending[string]{
					Go[string](calls, lmz.Worker("GATE"), lmz.Ctn("pass", "one")), Go[string](calls, lmz.Worker("GATE"), lmz.Ctn("pass", "two")),
				}
				if _, err := results[0].Result(); !errors.Is(err, errNotWaited) {
					t.Errorf("before Wait: got %v", err)
				}
				if len(g.entered) != 0 {
					t.Error("a call left before its turn was on disk")
				}
				if err := calls.Wait(); err != nil {
					return 0, err
				}
				if turns != 1 {
					t.Errorf("%d other turns ran meanwhile, want the one that came", turns)
				}
				sum := 0
				for _, p := range results {
					n, err := p.Result()
					if err != nil {
						return 0, err
					}
					sum += n
				}
				for _, p := range gates {
					if passed, err := p.Result(); passed != "passed" || err != nil {
						t.Errorf("got %q, %v", passed, err)
					}
				}
				return sum, o.KV().Put(ctx, "sum", sum) // the handler has the turn again
			})
		})
		sum := w.later(box, "sum")
		time.Sleep(99 * time.Millisecond)
		synctest.Wait()
		if len(g.entered) != 0 {
			t.Error("a call left before its turn was on disk")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := []string{<-g.entered, <-g.entered}; !slices.Contains(got, "one") || !slices.Contains(got, "two") {
			t.Errorf("got %v, want both at once", got)
		}
		must[bool](w, box, "other")
		close(g.open)
		if a := <-sum; a.err != nil {
			t.Error(a.err)
		}
		w.close()
	})
}

func TestErrorsOfSeveralCalls(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["DOUBLE"] = doubler
	registerScripted(w, Kind{})
	w.run(func(ctx context.Context, o *Object) error {
		calls := o.Calls(ctx)
		if err := calls.Wait(); err != nil {
			t.Errorf("nothing to wait for: %v", err)
		}
		good := Go[int](calls, lmz.Worker("DOUBLE"), lmz.Ctn("double", 1))
		unsendable := Go[int](calls, lmz.Worker("DOUBLE"), lmz.Ctn("double", func() {}))
		bad := Go[int](calls, lmz.Worker("DOUBLE"), lmz.Ctn("double", 7))
		nothing := Go[struct{}](calls, lmz.Worker("DOUBLE"), lmz.Ctn("double", 2))
		err := calls.Wait()
		if _, want := unsendable.Result(); err == nil || err != want {
			t.Errorf("got %v, want the first error, %v", err, want)
		}
		if n, err := good.Result(); n != 2 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if _, err := bad.Result(); err == nil || err.Error() != "not seven" {
			t.Errorf("got %v", err)
		}
		if _, err := nothing.Result(); err != nil {
			t.Error(err)
		}
		inTx := o.Calls(ctx)
		lost := Go[int](inTx, lmz.Worker("DOUBLE"), lmz.Ctn("double", 1))
		err = o.Tx(ctx, func(context.Context) error { return inTx.Wait() })
		if _, want := lost.Result(); err != want || err == nil {
			t.Errorf("in Tx: got %v and %v", err, want)
		}
		return nil
	})
}

func TestAGoroutineOfAHandlerMayCallButHasNoTurn(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		in := inbox{make(chan string, 10)}
		w.mesh["INBOX"] = in
		registerScripted(w, Kind{})
		results := make(chan error, 10)
		w.run(func(ctx context.Context, o *Object) error {
			results := make(chan error)
			for _, use := range []func() error{
				func() error { return o.KV().Put(ctx, "key", "stolen") },
				func() error { _, err := o.SQL().Exec(ctx, `CREATE TABLE t (x)`); return err },
				func() error { _, err := QueryAll[int](ctx, o.SQL(), `SELECT 1`); return err },
				func() error { return o.Tx(ctx, func(context.Context) error { return nil }) },
			} {
				go func() { results <- use() }()
				if err := <-results; !errors.Is(err, ErrNoTurn) || !strings.Contains(err.Error(), "goroutine") {
					t.Errorf("got %v, want an error that names the goroutine", err)
				}
			}
			return o.KV().Put(ctx, "key", "mine")
		})
		call := func(ctx context.Context, o *Object, text string) {
			go func() {
				_, err := o.CallRaw(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", text))
				results <- err
			}()
			synctest.Wait()
			if len(in.got) != 0 {
				t.Error("a call left before the turn ended that it may know of")
			}
		}
		w.run(func(ctx context.Context, o *Object) error {
			call(ctx, o, "with the turn")
			return o.KV().Put(ctx, "key", "x")
		})
		if got, err := <-in.got, <-results; got != "with the turn" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		inTurnOf(w, box, func(ctx context.Context, o *Object) error {
			call(ctx, o, "never")
			return errors.New("no")
		})
		wantCode(t, <-results, lmz.CodeGateway, "the call was not made")
		w.run(func(ctx context.Context, o *Object) error {
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			call(short, o, "never")
			wantCode(t, <-results, lmz.CodeGateway, "deadline passed before the handler's turn did")
			return nil
		})
		if len(in.got) != 0 {
			t.Error("a call of a turn that was rolled back left")
		}
		w.close()
	})
}

func TestDeepHandlersHaveTheTurn(t *testing.T) {
	w := newWorld(t, t.TempDir())
	registerScripted(w, Kind{})
	var deep func(n int, f func() error) error
	deep = func(n int, f func() error) error {
		if n == 0 {
			return f()
		}
		return deep(n-1, f)
	}
	for _, n := range []int{1, 50, 63, 64, 65, 1000} {
		w.run(func(ctx context.Context, o *Object) error {
			defer func() {
				recover()
				if err := deep(n, func() error { return o.KV().Put(ctx, fmt.Sprint(n), "deferred") }); err != nil {
					t.Error(err)
				}
			}()
			panic("deferred calls run in the handler too")
		})
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if inHandler() {
			t.Error("this is no handler")
		}
	})
	wg.Wait()
}

func BenchmarkWhetherAHandlerRuns(b *testing.B) {
	do(func() {
		for b.Loop() {
			inHandler()
		}
	})
}

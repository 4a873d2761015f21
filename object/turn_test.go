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
	"github.com/lumenize/lmz/internal/proto"
)

// gate is a worker whose method pass answers when the test opens it.
type gate struct {
	entered chan string
	open    chan struct{}
}

func newGate() *gate { return &gate{make(chan string, 100), make(chan struct{})} }

func (g *gate) HandleCall(ctx context.Context, r *lmz.Request) (any, error) {
	var who string
	if err := r.Arg(0, &who); err != nil {
		return nil, err
	}
	g.entered <- who
	select {
	case <-g.open:
		return "passed", nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestCallsOfOneCallerBeginInTheirOrder(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var got []int
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method1[int, int]("note").Expose(mux, lmz.Anyone, func(ctx context.Context, i int) (int, error) {
			got = append(got, i)
			return i, nil
		})
	})
	const n = 500
	ctx, cancel := proto.WithDeadline(t.Context())
	defer cancel()
	var answers []<-chan proto.Answer
	for i := range n {
		answer, err := w.start(ctx, box, lmz.Ctn("note", i))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	for _, answer := range answers {
		if _, err := (<-answer).Result(); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != n || !slices.IsSorted(got) {
		t.Errorf("got the order %v", got)
	}
}

func TestTurnsWhileAHandlerWaits(t *testing.T) {
	w := newWorld(t, t.TempDir())
	g := newGate()
	w.mesh["GATE"] = worker{g}
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[string]("wait").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
			if err := o.KV().Put(ctx, "key", "before"); err != nil {
				return "", err
			}
			if _, err := o.CallRaw(ctx, lmz.Worker("GATE"), lmz.Ctn("pass", "one")); err != nil {
				return "", err
			}
			var now string
			_, err := o.KV().Get(ctx, "key", &now)
			return now, err
		})
	})
	ctx, cancel := proto.WithDeadline(t.Context())
	defer cancel()
	waiting, err := w.start(ctx, box, lmz.Ctn("wait"))
	if err != nil {
		t.Fatal(err)
	}
	<-g.entered
	if got := must[string](w, box, "get", "key"); got != "before" {
		t.Errorf("got %q: the turn was not committed before the call", got)
	}
	must[struct{}](w, box, "put", "key", "between")
	close(g.open)
	value, err := (<-waiting).Result()
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := value.Decode(&got); err != nil || got != "between" {
		t.Errorf("got %q, %v, want what was written between", got, err)
	}
}

func TestCommitBeforeACallOfAFailingHandler(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["PROBE"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil })}
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[bool]("two").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			kv := o.KV()
			if err := kv.Put(ctx, "first", "x"); err != nil {
				return false, err
			}
			if _, err := o.CallRaw(ctx, lmz.Worker("PROBE"), lmz.Ctn("probe")); err != nil {
				return false, err
			}
			if err := kv.Put(ctx, "second", "x"); err != nil {
				return false, err
			}
			return false, lmz.Errorf("changed my mind")
		})
	})
	wantCode(t, fails(w, box, "two"), lmz.CodeCallee, "changed my mind")
	if got := must[[]string](w, box, "list", ""); !slices.Equal(got, []string{"first"}) {
		t.Errorf("got keys %v, want only those of the turn before the call", got)
	}
}

func TestObjectsThatCallThemselves(t *testing.T) {
	w := newWorld(t, t.TempDir())
	other := newWorld(t, t.TempDir()) // B lives in another runtime
	fill := func(next lmz.Address) func(o *Object, mux *lmz.Mux) {
		return func(o *Object, mux *lmz.Mux) {
			lmz.Method1[int, string]("bounce").Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (string, error) {
				if n == 0 {
					return o.Identity().Binding, nil
				}
				rest, err := lmz.Call[string](ctx, o, next, lmz.Ctn("bounce", n-1))
				return o.Identity().Binding + " " + rest, err
			})
		}
	}
	a, b, self := lmz.At("A", "x"), lmz.At("B", "x"), lmz.At("SELF", "x")
	w.register("A", fill(b))
	w.register("SELF", fill(self))
	other.register("B", fill(a))
	w.mesh["B"], other.mesh["A"] = other.rt, w.rt

	if got := must[string](w, a, "bounce", 4); got != "A B A B A" {
		t.Errorf("got %q", got)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := lmz.Call[string](t.Context(), w, a, lmz.Ctn("bounce", 9))
			if err != nil || len(got) != len("A B A B A B A B A B") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if got := must[string](w, self, "bounce", 3); got != "SELF SELF SELF SELF" {
		t.Errorf("got %q", got)
	}
}

func TestChainOfCalls(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["WORKER"] = worker{lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
		c, _ := lmz.CallContextFrom(ctx)
		return fmt.Sprint(c.Chain), nil
	})}
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method0[[]string]("chains").Expose(mux, lmz.Anyone, func(ctx context.Context) ([]string, error) {
			c, _ := lmz.CallContextFrom(ctx)
			on, err := lmz.Call[string](ctx, o, lmz.Worker("WORKER"), lmz.Ctn("chain"))
			if err != nil {
				return nil, err
			}
			fresh, err := lmz.Call[string](lmz.NewChain(ctx), o, lmz.Worker("WORKER"), lmz.Ctn("chain"))
			return []string{c.Self.String(), fmt.Sprint(c.Chain), on, fresh}, err
		})
	})
	want := []string{"BOX/one", "[CLIENT/tester]", "[CLIENT/tester BOX/one]", "[BOX/one]"}
	if got := must[[]string](w, box, "chains"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDeadlineInTheLine(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		ran := 0
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			lmz.Method0[bool]("sleep").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
				time.Sleep(10 * time.Second) // blocks the turn, as a handler never should
				return true, nil
			})
			lmz.Method0[bool]("run").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
				ran++
				return true, nil
			})
		})
		long, cancelLong := proto.WithDeadline(t.Context())
		defer cancelLong()
		sleeping, err := w.start(long, box, lmz.Ctn("sleep"))
		if err != nil {
			t.Fatal(err)
		}
		short, cancelShort := context.WithTimeout(t.Context(), time.Second)
		defer cancelShort()
		start := time.Now()
		_, err = w.CallRaw(short, box, lmz.Ctn("run"))
		wantCode(t, err, lmz.CodeGateway, "deadline passed before its turn")
		if !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("%v is not ErrNotExecuted", err)
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("got the answer after %v, want it at the deadline", got)
		}
		if _, err := (<-sleeping).Result(); err != nil {
			t.Error(err)
		}
		if ran != 0 {
			t.Error("the call ran")
		}
		must[bool](w, box, "run")
		w.close()
	})
}

func TestCalleeThatNeverAnswers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		release := make(chan struct{})
		w.mesh["DEAF"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			<-release
			return nil, nil
		})}
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method0[string]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				_, err := o.CallRaw(short, lmz.Worker("DEAF"), lmz.Ctn("ask"))
				wantCode(t, err, lmz.CodeUnknown, "deadline passed before DEAF answered")
				return "went on", o.KV().Put(ctx, "key", "value")
			})
		})
		if got := must[string](w, box, "ask"); got != "went on" {
			t.Errorf("got %q", got)
		}
		close(release)
		w.close()
	})
}

func TestALineThatIsTooLongIsRefusedAsBusy(t *testing.T) {
	w := newWorld(t, t.TempDir())
	entered, release := make(chan bool), make(chan bool)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method0[bool]("block").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
			entered <- true
			return <-release, nil
		})
		lmz.Method0[bool]("run").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) { return true, nil })
	})
	ctx, cancel := proto.WithDeadline(t.Context())
	defer cancel()
	start := func(method string) <-chan proto.Answer {
		answer, err := w.start(ctx, box, lmz.Ctn(method))
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	answers := []<-chan proto.Answer{start("block")}
	<-entered
	for range maxEach {
		answers = append(answers, start("run"))
	}
	_, err := w.CallRaw(ctx, box, lmz.Ctn("run"))
	wantCode(t, err, lmz.CodeGateway, "1000 of your calls wait for this object")
	if !errors.Is(err, lmz.ErrBusy) || w.rt.Refused() != 1 {
		t.Errorf("got %v, %d counted", err, w.rt.Refused())
	}
	if _, err := w.CallRaw(ctx, lmz.At("BOX", "two"), lmz.Ctn("run")); err != nil {
		t.Errorf("another object: %v", err)
	}
	release <- true
	for _, answer := range answers {
		if _, err := (<-answer).Result(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAbsentTargets(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.register("BOX", exposeStorage)
	w.mesh["NOBODY"] = w.rt
	wantCode(t, fails(w, lmz.At("NOBODY", "x"), "get"), lmz.CodeAbsent, "NOBODY")
	wantCode(t, fails(w, lmz.Worker("BOX"), "get"), lmz.CodeAbsent, "instance name")
	wantCode(t, fails(w, box, "nothing"), lmz.CodeAbsent, "nothing")
	wantCode(t, fails(w, lmz.At("BOX", "\xff"), "get"), lmz.CodeAbsent, "UTF-8")
	wantCode(t, fails(w, lmz.At("BOX", strings.Repeat("x", 1025)), "get"), lmz.CodeAbsent, "too long")
}

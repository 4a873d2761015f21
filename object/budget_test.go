package object

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
)

// budgets sets limits for every subject of a world.
func (w *world) budgets(l budget.Limits) *budget.Accounts {
	a := budget.New(func(string) *budget.Limits { return &l })
	w.rt.accounts, w.rt.usage.accounts = a, a
	return a
}

// callAs makes a call with a subject as payer.
func callAs(w *world, payer string, to lmz.Address, method string, args ...any) error {
	w.t.Helper()
	_, err := w.CallRaw(proto.WithPayer(w.t.Context(), payer), to, lmz.Ctn(method, args...))
	return err
}

// deliver delivers a call with an ID, for the first time or again.
func (w *world) deliver(ctx context.Context, id proto.CallID, again bool, to lmz.Address, c lmz.Continuation) <-chan proto.Answer {
	w.t.Helper()
	call, err := proto.NewCall(proto.WithPayer(ctx, "ann"), w.identity(), to, c)
	if err != nil {
		w.t.Fatal(err)
	}
	call.ID, call.Again = id, again
	answers := make(chan proto.Answer, 1)
	w.mesh.Deliver(ctx, call, func(a proto.Answer) { answers <- a })
	return answers
}

var slowPay = budget.Limit{Most: int64(time.Second), PerSecond: float64(time.Second)}

func TestCallPresentedAgainIsNotRefused(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.register("BOX", exposeCounter)
	accounts := w.budgets(budget.Limits{budget.Time: slowPay})
	id := proto.CallID{Session: proto.SessionID{1}, Number: 1}
	if a := <-w.deliver(t.Context(), id, false, box, lmz.Ctn("increment")); a.Failed != "" {
		t.Fatal(a.Result())
	}
	accounts.Add("ann", budget.Time, int64(time.Minute))
	if a := <-w.deliver(t.Context(), id, true, box, lmz.Ctn("increment")); a.Failed != "" {
		_, err := a.Result()
		t.Errorf("a call that ran, presented again by a subject in debt: %v", err)
	}
	id.Number++
	_, err := (<-w.deliver(t.Context(), id, true, box, lmz.Ctn("increment"))).Result()
	if lmz.Exceeded(err) != "time" || !errors.Is(err, lmz.ErrNotExecuted) {
		t.Errorf("a call that did not run, presented again: %v", err)
	}
}

func TestCallPresentedAgainInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		var entered, release chan bool
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			entered, release = exposeHold(mux)
			exposeCounter(o, mux)
		})
		id := proto.CallID{Session: proto.SessionID{1}, Number: 1}
		if a := <-w.deliver(t.Context(), id, false, box, lmz.Ctn("increment")); a.Failed != "" {
			t.Fatal(a.Result())
		}
		held := w.deliver(t.Context(), proto.CallID{}, false, box, lmz.Ctn("hold"))
		<-entered
		ctx, cancel := context.WithCancel(t.Context())
		again := w.deliver(ctx, id, true, box, lmz.Ctn("increment"))
		cancel()
		if _, err := (<-again).Result(); !errors.Is(err, lmz.ErrOutcomeUnknown) {
			t.Errorf("a call that ran, given up before the object was asked again: %v", err)
		}
		release <- true
		<-held
	})
}

// starter is a handler with an OnStart.
type starter struct {
	lmz.Mux
	start func(ctx context.Context) error
}

func (s *starter) OnStart(ctx context.Context) error { return s.start(ctx) }

func TestStartThatStoresTooMuch(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		w.registerKind("BOX", Kind{MaxBytes: 100 << 10, New: func(o *Object) lmz.Handler {
			s := &starter{start: func(ctx context.Context) error { return o.KV().Put(ctx, "big", strings.Repeat("x", 300<<10)) }}
			exposeStorage(o, &s.Mux)
			return s
		}})
		_, err := lmz.Call[string](t.Context(), w, box, lmz.Ctn("get", "big"))
		if !errors.Is(err, lmz.ErrQuotaExceeded) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call of an object whose start was rolled back: %v", err)
		}
	})
}

func TestObjectOfAFailingTurnIsPaidFor(t *testing.T) {
	w := newWorld(t, t.TempDir())
	accounts := w.budgets(budget.Limits{budget.Objects: {Most: 2}})
	w.limited(Kind{}, func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[struct{}]("fail").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, errors.Join(o.KV().Put(ctx, "key", "value"), lmz.Errorf("no"))
		})
		lmz.Method0[int]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			n, _, err := QueryOne[int](ctx, o.SQL(), `SELECT 1`)
			return n, err
		})
	})
	if err := callAs(w, "ann", lmz.At("BOX", "1"), "fail"); err == nil || lmz.Exceeded(err) != "" {
		t.Fatal(err)
	}
	if err := callAs(w, "ann", lmz.At("BOX", "2"), "ask"); err != nil {
		t.Fatal(err)
	}
	if n := accounts.Held("ann", budget.Objects); n != 2 {
		t.Errorf("two objects have a file, and %d are paid for", n)
	}
	for _, method := range []string{"fail", "ask"} {
		if err := callAs(w, "ann", lmz.At("BOX", "3"), method); lmz.Exceeded(err) != "objects" {
			t.Errorf("a third of two: %v", err)
		}
	}
	for _, name := range []string{"1", "2"} {
		if err := w.rt.Remove(t.Context(), lmz.At("BOX", name)); err != nil {
			t.Fatal(err)
		}
	}
	if objects, stored := accounts.Held("ann", budget.Objects), accounts.Held("ann", budget.Stored); objects != 0 || stored != 0 {
		t.Errorf("%d objects and %d bytes are paid for when all were removed", objects, stored)
	}
}

func TestObjectThatAnotherHasOpened(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		accounts := w.budgets(budget.Limits{budget.Objects: {Most: 1}})
		w.limited(Kind{}, func(o *Object, mux *lmz.Mux) { exposeStorage(o, mux) })
		accounts.Add("ann", budget.Objects, 1)
		if err := callAs(w, "bob", box, "get", "key"); err != nil {
			t.Fatal(err)
		}
		if err := callAs(w, "ann", box, "put", "key", "value"); lmz.Exceeded(err) != "objects" {
			t.Errorf("a second object of one: %v", err)
		}
	})
}

func TestMessageIsPaidForByItsSender(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		accounts := w.budgets(budget.Limits{})
		never := nodeFunc(func(*proto.Call, func(proto.Answer)) {})
		w.mesh["NEVER"] = never
		w.limited(Kind{}, func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method1[int, struct{}]("send").Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (struct{}, error) {
				return struct{}{}, o.Send(ctx, lmz.Worker("NEVER"), lmz.Ctn("take", strings.Repeat("x", n)), lmz.Reply(lmz.Ctn("get")))
			})
		})
		if err := errors.Join(callAs(w, "ann", box, "send", 500_000), callAs(w, "bob", box, "put", "key", "value")); err != nil {
			t.Fatal(err)
		}
		if ann, bob := accounts.Held("ann", budget.Stored), accounts.Held("bob", budget.Stored); ann < 500_000 || bob > 50_000 {
			t.Errorf("ann, whose message of 500,000 bytes is stored, pays for %d, and bob for %d", ann, bob)
		}
	})
}

func TestRestoredObjectIsPaidFor(t *testing.T) {
	w := newWorld(t, t.TempDir())
	accounts := w.budgets(budget.Limits{})
	w.limited(Kind{}, func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[struct{}]("set").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, In(time.Hour), lmz.Ctn("get"), AlarmOptions{})
			return struct{}{}, err
		})
	})
	if err := errors.Join(callAs(w, "ann", box, "put", "key", strings.Repeat("x", 100_000)), callAs(w, "ann", box, "set")); err != nil {
		t.Fatal(err)
	}
	held := func() (h [3]int64) {
		for i, k := range durable {
			h[i] = accounts.Held("ann", k)
		}
		return h
	}
	before := held()
	backup, other := filepath.Join(t.TempDir(), "backup"), lmz.At("BOX", "other")
	if err := errors.Join(w.rt.Backup(t.Context(), box, backup), w.rt.Restore(t.Context(), backup, other)); err != nil {
		t.Fatal(err)
	}
	if now := held(); now[0] != 2 || now[2] != 2 {
		t.Errorf("with a copy, %v is paid for, and before %v", now, before)
	}
	if err := w.rt.Remove(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if now := held(); now != before {
		t.Errorf("after a copy was removed, %v is paid for, and before %v", now, before)
	}
}

func TestManyAlarmsOfOneTurn(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		accounts := w.budgets(budget.Limits{budget.Alarms: {Most: 3}})
		w.limited(Kind{}, func(o *Object, mux *lmz.Mux) {
			lmz.Method1[int, int]("set").Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (int, error) {
				for i := range n {
					if _, err := o.Alarms().Set(ctx, In(time.Hour), lmz.Ctn("x"), AlarmOptions{ID: strconv.Itoa(i)}); err != nil {
						return i, err
					}
				}
				return n, nil
			})
		})
		if err := callAs(w, "ann", box, "set", 5); lmz.Exceeded(err) != "alarms" {
			t.Errorf("five of three alarms in one turn: %v", err)
		}
		for range 2 { // the second time they are replaced
			if err := callAs(w, "ann", box, "set", 3); err != nil {
				t.Error(err)
			}
		}
		if n := accounts.Held("ann", budget.Alarms); n != 3 {
			t.Errorf("%d alarms are paid for", n)
		}
	})
}

func TestTurnRefusedBehindOneThatIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, new(MemoryDisk))
		w.limited(Kind{MaxBytes: 100 << 10}, func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method0[struct{}]("two").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
				time.Sleep(time.Second) // others wait meanwhile
				return struct{}{}, errors.Join(o.KV().Put(ctx, "key", "kept"), o.Calls(ctx).Wait(),
					o.KV().Put(ctx, "big", strings.Repeat("x", 200<<10)))
			})
		})
		two := w.deliver(t.Context(), proto.CallID{}, false, box, lmz.Ctn("two"))
		synctest.Wait()
		for range 3 {
			w.deliver(t.Context(), proto.CallID{}, false, box, lmz.Ctn("get", "key"))
		}
		_, err := (<-two).Result()
		synctest.Wait()
		if got := must[string](w, box, "get", "key"); got != "kept" {
			t.Fatalf("%q is stored", got)
		}
		if !errors.Is(err, lmz.ErrQuotaExceeded) || errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call of which a part was kept says %v", err)
		}
	})
}

// endless is a query that never ends.
const endless = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)`

func TestInterruptEndsNoStatementOfItsOwn(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.limited(Kind{TurnLimit: 50 * time.Millisecond, Schema: []string{`CREATE TABLE n (i)`}}, func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[struct{}]("late").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			_, err := o.SQL().Exec(ctx, `INSERT INTO n VALUES (?)`, 1)
			<-ctx.Done()
			return struct{}{}, errors.Join(err, o.KV().Put(ctx, "key", "late"), ctx.Err())
		})
		lmz.Method0[struct{}]("tx").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, o.Tx(ctx, func(ctx context.Context) error {
				_, _, err := QueryOne[int](ctx, o.SQL(), endless+` SELECT count(*) FROM n`)
				return err
			})
		})
		lmz.Method0[struct{}]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			_, err := o.SQL().Exec(ctx, `INSERT INTO n VALUES (2); INSERT INTO n `+endless+` SELECT count(*) FROM n`)
			if err == nil {
				t.Error("an endless statement has ended")
			}
			return struct{}{}, nil // ignore the error
		})
		lmz.Method0[int]("rows").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			n, _, err := QueryOne[int](ctx, o.SQL(), `SELECT count(*) FROM n`)
			return n, err
		})
	})
	for _, method := range []string{"late", "tx", "script"} {
		_, err := lmz.Call[struct{}](t.Context(), w, box, lmz.Ctn(method))
		var e *lmz.Error
		if !errors.As(err, &e) || e.Name != TurnLimitName {
			t.Errorf("%s: %v", method, err)
		}
	}
	if n := must[int](w, box, "rows"); n != 0 {
		t.Errorf("%d rows of a script that was interrupted are there", n)
	}
	if log := w.log.String(); strings.Contains(log, "storage failed") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestAlarmBesideStuckObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		rang, let := make(chan bool, 1), make(chan bool)
		w.limited(Kind{TurnLimit: -1}, func(o *Object, mux *lmz.Mux) {
			lmz.Method1[time.Duration, struct{}]("set").Expose(mux, lmz.Anyone, func(ctx context.Context, d time.Duration) (struct{}, error) {
				_, err := o.Alarms().Set(ctx, In(d), lmz.Ctn("ring"), AlarmOptions{})
				return struct{}{}, err
			})
			lmz.Method0[struct{}]("hang").Expose(mux, lmz.Anyone, func(context.Context) (struct{}, error) { <-let; return struct{}{}, nil })
			lmz.Method0[struct{}]("ring").Expose(mux, lmz.NoOne, func(context.Context) (struct{}, error) {
				if o.Identity().Instance == "free" {
					rang <- true
				}
				return struct{}{}, nil
			})
		})
		for i := range maxWaking {
			a := lmz.At("BOX", strconv.Itoa(i))
			must[struct{}](w, a, "set", time.Second)
			w.deliver(t.Context(), proto.CallID{}, false, a, lmz.Ctn("hang"))
		}
		must[struct{}](w, lmz.At("BOX", "free"), "set", 2*time.Second)
		select {
		case <-rang:
		case <-time.After(10 * time.Second):
			t.Error("an alarm waits for objects that are stuck")
		}
		close(let)
		synctest.Wait()
	})
}

func TestCheckThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		w.limited(Kind{TurnLimit: 2 * time.Second}, func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			mux.Expose("guarded", func(ctx context.Context, _ *lmz.Request) error { <-ctx.Done(); return ctx.Err() },
				lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil }))
		})
		must[struct{}](w, box, "put", "key", "value")
		began := time.Now()
		w.rt.CheckCall(t.Context(), box, lmz.CallContext{}, &lmz.Request{Method: "guarded"})
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("a check kept the turn for %v", took)
		}
	})
}

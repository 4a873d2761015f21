package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

var (
	nap   = lmz.Method1[time.Duration, struct{}]("nap")
	fill  = lmz.Method2[string, int, struct{}]("fill")
	clear = lmz.Method1[string, struct{}]("clear")
	later = lmz.Method1[time.Duration, struct{}]("later")
	chain = lmz.Method1[string, struct{}]("chain")
)

// costly is an object whose methods cost as much as requested. It records on whose behalf
// each began.
type costly struct {
	o     *object.Object
	mu    *sync.Mutex
	began *[]string
}

func newCostly(mu *sync.Mutex, began *[]string) func(o *object.Object) lmz.Handler {
	return func(o *object.Object) lmz.Handler {
		c := &costly{o, mu, began}
		mux := new(lmz.Mux)
		nap.Expose(mux, lmz.Anyone, c.nap)
		fill.Expose(mux, lmz.Anyone, func(ctx context.Context, key string, n int) (struct{}, error) {
			return struct{}{}, o.KV().Put(ctx, key, strings.Repeat("x", n))
		})
		clear.Expose(mux, lmz.Anyone, func(ctx context.Context, key string) (struct{}, error) {
			return struct{}{}, o.KV().Delete(ctx, key)
		})
		later.Expose(mux, lmz.Anyone, func(ctx context.Context, d time.Duration) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, object.In(time.Second), lmz.Ctn("nap", d), object.AlarmOptions{})
			return struct{}{}, err
		})
		chain.Expose(mux, lmz.Anyone, func(ctx context.Context, other string) (struct{}, error) {
			return struct{}{}, o.Send(lmz.NewChain(ctx), lmz.At("COSTLY", other), lmz.Ctn("nap", time.Second))
		})
		return mux
	}
}

func (c *costly) nap(ctx context.Context, d time.Duration) (struct{}, error) {
	call, _ := lmz.CallContextFrom(ctx)
	c.mu.Lock()
	*c.began = append(*c.began, call.Origin().Instance)
	c.mu.Unlock()
	time.Sleep(d)
	return struct{}{}, nil
}

// budgetMesh is a mesh with COSTLY objects under a budget, in virtual time.
func budgetMesh(t *testing.T, b gateway.Budget, test func(t *testing.T, m *mesh, began func() []string)) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) { o.Budget = b })
		defer m.stop()
		var mu sync.Mutex
		var began []string
		m.gateway.HandleObject("COSTLY", object.Kind{New: newCostly(&mu, &began), TurnLimit: -1})
		test(t, m, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(began)
		})
	})
}

// tab returns a client of a subject with its own tab.
func (m *mesh) tab(subject, tab string) *client.Peer {
	return m.peer(subject, func(o *client.Options) { o.Tab = tab })
}

func (m *mesh) held(subject string, k budget.Kind) int64 {
	return m.gateway.Accounts().Held(subject, k)
}

// wantExceeded checks that a call was not executed because of a budget.
func wantExceeded(t *testing.T, err error, what string) {
	t.Helper()
	if !errors.Is(err, lmz.ErrNotExecuted) || lmz.Exceeded(err) != what {
		t.Fatalf("got %v, want a refusal because of %s", err, what)
	}
}

func TestStepsOfChainsAreCharged(t *testing.T) {
	budgetMesh(t, gateway.Budget{Calls: gateway.Rate{PerSecond: 10, Burst: 20}}, func(t *testing.T, m *mesh, _ func() []string) {
		ann := m.tab("ann", "tab")
		defer closePeer(ann)
		nested := lmz.Ctn("echo", "x")
		for range 30 {
			nested = lmz.Ctn("echo", nested)
		}
		if got, err := lmz.Call[string](t.Context(), ann, lmz.Worker("ECHO"), nested); err != nil || got != "x" {
			t.Fatalf("31 steps: %q, %v", got, err)
		}
		_, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), "next")
		wantExceeded(t, err, "steps")
		wait, _ := lmz.RetryAfter(err)
		if wait < time.Second || wait > 2*time.Second {
			t.Errorf("31 steps of which 20 are the burst, at ten a second: told to come back after %v", wait)
		}
		time.Sleep(wait)
		if _, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), "then"); err != nil {
			t.Error(err)
		}
	})
}

func TestLargeCallsAreSeveralSteps(t *testing.T) {
	budgetMesh(t, gateway.Budget{Calls: gateway.Rate{PerSecond: 1, Burst: 20}}, func(t *testing.T, m *mesh, _ func() []string) {
		ann := m.tab("ann", "tab")
		defer closePeer(ann)
		large := strings.Repeat("x", 900_000) // 14 steps
		if _, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), large); err != nil {
			t.Fatal(err)
		}
		_, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), large)
		wantExceeded(t, err, "steps")
		if _, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), "small"); err != nil {
			t.Error(err)
		}
	})
}

func TestTurnTimeIsCharged(t *testing.T) {
	budgetMesh(t, gateway.Budget{Time: gateway.Rate{PerSecond: 0.5, Burst: 3}}, func(t *testing.T, m *mesh, _ func() []string) {
		ann, bob := m.tab("ann", "tab"), m.tab("bob", "tab")
		defer closePeer(ann)
		defer closePeer(bob)
		box := lmz.At("COSTLY", "box")
		if _, err := nap.Call(t.Context(), ann, box, 4*time.Second); err != nil {
			t.Fatal(err)
		}
		_, err := nap.Call(t.Context(), ann, box, 0)
		wantExceeded(t, err, "time")
		if _, err := nap.Call(t.Context(), bob, box, 0); err != nil {
			t.Errorf("another subject: %v", err)
		}
		wait, _ := lmz.RetryAfter(err)
		time.Sleep(wait)
		if _, err := nap.Call(t.Context(), ann, box, 0); err != nil {
			t.Errorf("when told to come back: %v", err)
		}
	})
}

func TestWorkStartedForASubjectIsCharged(t *testing.T) {
	budgetMesh(t, gateway.Budget{}, func(t *testing.T, m *mesh, _ func() []string) {
		ann := m.tab("ann", "tab")
		defer closePeer(ann)
		box := lmz.At("COSTLY", "box")
		used := func(what string, want time.Duration, start func()) {
			t.Helper()
			before := m.held("ann", budget.Time)
			start()
			time.Sleep(20 * time.Second)
			if got := time.Duration(m.held("ann", budget.Time) - before); got < want || got > want+time.Second/2 {
				t.Errorf("%s: ann is charged %v, want %v", what, got, want)
			}
		}
		used("an alarm", 3*time.Second, func() {
			if _, err := later.Call(t.Context(), ann, box, 3*time.Second); err != nil {
				t.Fatal(err)
			}
			if n := m.held("ann", budget.Alarms); n != 1 {
				t.Errorf("ann has %d alarms", n)
			}
		})
		if n := m.held("ann", budget.Alarms); n != 0 {
			t.Errorf("the alarm has run, and ann has %d", n)
		}
		used("a chain of the object's own", time.Second, func() {
			if _, err := chain.Call(t.Context(), ann, box, "other"); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestAlarmsOfWhoHasTakenTooMuchWait(t *testing.T) {
	budgetMesh(t, gateway.Budget{Time: gateway.Rate{PerSecond: 0.5, Burst: 1}}, func(t *testing.T, m *mesh, began func() []string) {
		mallory, ann := m.tab("mallory", "tab"), m.tab("ann", "tab")
		defer closePeer(mallory)
		defer closePeer(ann)
		box := lmz.At("COSTLY", "box")
		for range 30 {
			if _, err := later.Call(t.Context(), mallory, box, 2*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := later.Call(t.Context(), ann, box, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if n := len(began()); n < 3 || n > 6 || m.held("ann", budget.Alarms) != 0 {
			t.Errorf("after 10 s %d alarms of 2 s each have begun, at half a second a second; ann's, which was behind them, is left: %v",
				n, m.held("ann", budget.Alarms) != 0)
		}
		time.Sleep(3 * time.Minute)
		if n := len(began()); n != 31 || m.held("mallory", budget.Alarms) != 0 {
			t.Errorf("in the end %d of 31 have run", n)
		}
	})
}

func TestHonestCallAmongThousands(t *testing.T) {
	for name, target := range map[string]lmz.Address{"object": lmz.At("COSTLY", "box"), "worker": lmz.Worker("NAPPER")} {
		t.Run(name, func(t *testing.T) {
			budgetMesh(t, gateway.Budget{Time: gateway.Rate{PerSecond: 1, Burst: 1e6}}, func(t *testing.T, m *mesh, began func() []string) {
				var mu sync.Mutex
				var napped []string
				c := &costly{mu: &mu, began: &napped}
				m.gateway.HandleWorker("NAPPER", func(lmz.Caller) lmz.Handler {
					mux := new(lmz.Mux)
					nap.Expose(mux, lmz.Anyone, c.nap)
					return mux
				})
				list := began
				if name == "worker" {
					list = func() []string {
						mu.Lock()
						defer mu.Unlock()
						return slices.Clone(napped)
					}
				}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				var wg sync.WaitGroup
				for i := range 4 {
					mallory := m.tab("mallory", fmt.Sprint("tab", i))
					defer closePeer(mallory)
					for range 200 {
						wg.Go(func() { nap.Call(ctx, mallory, target, 100*time.Millisecond) })
					}
				}
				ann := m.tab("ann", "tab")
				defer closePeer(ann)
				time.Sleep(1050 * time.Millisecond) // in the middle of naps
				before := len(list())
				if _, err := nap.Call(t.Context(), ann, target, time.Millisecond); err != nil {
					t.Fatal(err)
				}
				turns := slices.Index(list()[before:], "ann.tab")
				if turns < 0 || turns > 3 {
					t.Errorf("%d calls of mallory's 800 began before ann's only one", turns)
				}
				stop()
				wg.Wait()
			})
		})
	}
}

func TestObjectsAndBytesAreCharged(t *testing.T) {
	budgetMesh(t, gateway.Budget{Objects: 3, Stored: 1 << 20}, func(t *testing.T, m *mesh, _ func() []string) {
		ann, bob := m.tab("ann", "tab"), m.tab("bob", "tab")
		defer closePeer(ann)
		defer closePeer(bob)
		put := func(p *client.Peer, instance, key string, n int) error {
			_, err := fill.Call(t.Context(), p, lmz.At("COSTLY", instance), key, n)
			return err
		}
		for i := range 3 {
			if err := put(ann, fmt.Sprint("box", i), "key", 10); err != nil {
				t.Fatal(err)
			}
		}
		wantExceeded(t, put(ann, "box3", "key", 10), "objects")
		if err := put(bob, "box3", "key", 10); err != nil {
			t.Errorf("another subject: %v", err)
		}
		if err := put(ann, "box3", "more", 500_000); err != nil {
			t.Errorf("an object that is there: %v", err)
		}
		wantExceeded(t, put(ann, "box3", "too much", 600_000), "stored")
		if ok := m.held("ann", budget.Stored); ok < 500_000 || ok > 700_000 {
			t.Errorf("ann is charged %d bytes", ok)
		}
		if bobs := m.held("bob", budget.Stored); bobs > 100_000 {
			t.Errorf("bob pays %d bytes for what ann stored in his object", bobs)
		}
		if _, err := clear.Call(t.Context(), ann, lmz.At("COSTLY", "box3"), "more"); err != nil {
			t.Fatal(err)
		}
		if err := put(ann, "box3", "too much", 600_000); err != nil {
			t.Errorf("after as much was deleted: %v", err)
		}
	})
}

func TestChargesOutliveTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		start := func() *mesh {
			m := startMeshWith(t, func(o *gateway.Options) { o.Dir, o.Budget = dir, gateway.Budget{Objects: 2} })
			m.gateway.HandleObject("COSTLY", object.Kind{New: newCostly(new(sync.Mutex), new([]string))})
			return m
		}
		m := start()
		ann := m.tab("ann", "tab")
		for i := range 2 {
			if _, err := fill.Call(t.Context(), ann, lmz.At("COSTLY", fmt.Sprint("box", i)), "key", 1); err != nil {
				t.Fatal(err)
			}
		}
		before := m.held("ann", budget.Stored)
		closePeer(ann)
		m.stop()
		m = start()
		defer m.stop()
		if n := m.held("ann", budget.Stored); n != before || n == 0 {
			t.Errorf("ann was charged %d bytes, and %d after a restart", before, n)
		}
		ann = m.tab("ann", "tab")
		defer closePeer(ann)
		_, err := fill.Call(t.Context(), ann, lmz.At("COSTLY", "box2"), "key", 1)
		wantExceeded(t, err, "objects")
	})
}

func TestBudgetOfOneSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Budget.Calls = gateway.Rate{PerSecond: 1, Burst: 1}
			o.BudgetOf = func(subject string) *gateway.Budget {
				if subject == "robot" {
					return &gateway.Budget{}
				}
				return nil
			}
		})
		defer m.stop()
		ann, robot := m.tab("ann", "tab"), m.tab("robot", "tab")
		defer closePeer(ann)
		defer closePeer(robot)
		for range 50 {
			if _, err := echo.Call(t.Context(), robot, lmz.Worker("ECHO"), "x"); err != nil {
				t.Fatal(err)
			}
		}
		echo.Call(t.Context(), ann, lmz.Worker("ECHO"), "x")
		_, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), "x")
		wantExceeded(t, err, "steps")
	})
}

func TestRemovalPaysBack(t *testing.T) {
	budgetMesh(t, gateway.Budget{}, func(t *testing.T, m *mesh, _ func() []string) {
		ann := m.tab("ann", "tab")
		defer closePeer(ann)
		at := lmz.At("COSTLY", "one")
		if _, err := later.Call(t.Context(), ann, at, time.Second); err != nil {
			t.Fatal(err)
		}
		kinds := []budget.Kind{budget.Objects, budget.Stored, budget.Alarms}
		for _, k := range kinds {
			if m.held("ann", k) == 0 {
				t.Errorf("ann pays for no %v", k)
			}
		}
		root := m.peer("root", func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) {
				return tokenWith(map[string]any{"sub": "root", "isAdmin": true}, time.Time{}), nil
			}
		})
		defer closePeer(root)
		if _, err := admin.RemoveObject.Call(t.Context(), root, lmz.Worker(admin.Binding), at); err != nil {
			t.Fatal(err)
		}
		for _, k := range kinds {
			if n := m.held("ann", k); n != 0 {
				t.Errorf("ann still pays for %d of %v", n, k)
			}
		}
	})
}

func TestWatchesAreCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) { o.Budget.Watches = 2 })
		defer m.stop()
		m.gateway.HandleObject("WATCHER", object.Kind{New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[string]("watch").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				call, _ := lmz.CallContextFrom(ctx)
				if err := o.Watch(ctx, call.Caller().Address, lmz.Ctn("gone")); err != nil {
					return "", err
				}
				return "watched", o.KV().Put(ctx, "after", true) // the turn continues
			})
			lmz.Method0[struct{}]("gone").Expose(mux, lmz.Anyone, func(context.Context) (struct{}, error) { return struct{}{}, nil })
			return mux
		}})
		ann := m.tab("ann", "tab")
		watch := func(p *client.Peer, instance string) error {
			_, err := lmz.Call[string](t.Context(), p, lmz.At("WATCHER", instance), lmz.Ctn("watch"))
			return err
		}
		for range 3 {
			if err := errors.Join(watch(ann, "one"), watch(ann, "two")); err != nil {
				t.Fatal(err)
			}
		}
		if err := watch(ann, "three"); !errors.Is(err, lmz.ErrQuotaExceeded) || lmz.Exceeded(err) != "watches" {
			t.Errorf("a third: %v", err)
		}
		bob := m.tab("bob", "tab")
		defer closePeer(bob)
		if err := watch(bob, "three"); err != nil {
			t.Errorf("another subject: %v", err)
		}
		closePeer(ann)
		time.Sleep(10 * time.Second)
		if n := m.held("ann", budget.Watches); n != 0 {
			t.Errorf("ann is gone, and charged for %d watches", n)
		}
	})
}

func TestBytesThatWaitAreCharged(t *testing.T) {
	const most = 8 << 20
	budgetMesh(t, gateway.Budget{Waiting: most}, func(t *testing.T, m *mesh, _ func() []string) {
		never := make(chan struct{})
		m.gateway.HandleWorker("STUCK", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				select {
				case <-never:
				case <-ctx.Done():
				}
				return nil, ctx.Err()
			})
		})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		var tabs []*client.Peer
		for i := range 10 {
			mallory := m.tab("mallory", fmt.Sprint("tab", i))
			tabs = append(tabs, mallory)
			for range 4 {
				wg.Go(func() {
					_, err := mallory.CallRaw(ctx, lmz.Worker("STUCK"), lmz.Ctn("x", strings.Repeat("x", 500_000)))
					if lmz.Exceeded(err) == "waiting" {
						mu.Lock()
						refused++
						mu.Unlock()
					}
				})
			}
		}
		time.Sleep(5 * time.Second)
		if n := m.held("mallory", budget.Waiting); n < most/2 || n > most {
			t.Errorf("%d bytes wait for mallory", n)
		}
		if n := m.held("mallory", budget.Sessions); n != 10 {
			t.Errorf("mallory has %d sessions", n)
		}
		ann := m.tab("ann", "tab")
		if _, err := echo.Call(t.Context(), ann, lmz.Worker("ECHO"), "x"); err != nil {
			t.Errorf("another subject: %v", err)
		}
		closePeer(ann)
		stop()
		wg.Wait()
		if want := 40 - most/500_000; refused < want || refused > want+2 {
			t.Errorf("%d of 40 calls were refused, want %d", refused, want)
		}
		for _, p := range tabs {
			closePeer(p)
		}
		time.Sleep(10 * time.Second)
		for _, k := range []budget.Kind{budget.Waiting, budget.Sessions} {
			if n := m.held("mallory", k); n != 0 {
				t.Errorf("%d of %v are still charged", n, k)
			}
		}
	})
}

func TestCallsOfAClientThatIsGoneEnd(t *testing.T) {
	budgetMesh(t, gateway.Budget{}, func(t *testing.T, m *mesh, _ func() []string) {
		ended := make(chan struct{})
		m.gateway.HandleWorker("STUCK", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				<-ctx.Done()
				close(ended)
				return nil, ctx.Err()
			})
		})
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		r.frame(cborCall(t, 1, lmz.Worker("STUCK"), lmz.Ctn("x"), map[string]any{}))
		synctest.Wait()
		r.conn.CloseNow()
		time.Sleep(6 * time.Second) // its grace period
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Error("the worker runs on, and nobody can learn what comes of it")
		}
	})
}

func TestWorkersThatDoNotEndHoldUpNoStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, nil)
		never := make(chan struct{})
		defer close(never)
		m.gateway.HandleWorker("STUCK", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				<-never
				return nil, nil
			})
		})
		ann := m.tab("ann", "tab")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { ann.CallRaw(ctx, lmz.Worker("STUCK"), lmz.Ctn("x")) })
		time.Sleep(time.Second)
		began := time.Now()
		err := m.gateway.Close()
		if err == nil || !strings.Contains(err.Error(), "STUCK is still running 1 calls") {
			t.Errorf("closed with %v", err)
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("the stop took %v of virtual time", took)
		}
		cancel()
		wg.Wait()
		closePeer(ann)
		m.server.Close()
		<-m.served
	})
}

func TestTimeOfWorkersIsADebt(t *testing.T) {
	budgetMesh(t, gateway.Budget{Time: gateway.Rate{PerSecond: 0.5, Burst: 3}}, func(t *testing.T, m *mesh, _ func() []string) {
		m.gateway.HandleWorker("NAPPER", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			nap.Expose(mux, lmz.Anyone, func(_ context.Context, d time.Duration) (struct{}, error) {
				time.Sleep(d)
				return struct{}{}, nil
			})
			return mux
		})
		ann := m.tab("ann", "tab")
		defer closePeer(ann)
		if _, err := nap.Call(t.Context(), ann, lmz.Worker("NAPPER"), 4*time.Second); err != nil {
			t.Fatal(err)
		}
		_, err := nap.Call(t.Context(), ann, lmz.Worker("NAPPER"), 0)
		wantExceeded(t, err, "time")
	})
}

func TestCallPresentedAgainByADebtor(t *testing.T) {
	budgetMesh(t, gateway.Budget{Calls: gateway.Rate{PerSecond: 0.01, Burst: 1}}, func(t *testing.T, m *mesh, _ func() []string) {
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		to, first := lmz.At("COUNTER", "a"), proto.CallID{Session: proto.SessionID{1}, Number: 1}
		r.ask(1, to, add.Ctn(1))
		if failed, total := r.answer(); failed != "" || total != int64(1) {
			t.Fatal(failed, total)
		}
		next := m.raw("ann.tab", token("ann", time.Time{}))
		defer next.conn.CloseNow()
		next.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{2}})
		if _, err := next.read(); err != nil {
			t.Fatal(err)
		}
		again := func(seq uint64, id proto.CallID) (lmz.Code, any) {
			f := cborCall(t, seq, to, add.Ctn(1), map[string]any{})
			f.Again = id
			next.frame(f)
			return next.answer()
		}
		if failed, total := again(1, first); failed != "" || total != int64(1) {
			t.Errorf("what became of a call that ran: %q, %v", failed, total)
		}
		if failed, why := again(2, proto.CallID{Session: proto.SessionID{1}, Number: 2}); failed != lmz.CodeGateway {
			t.Errorf("a call that did not run: %q, %v", failed, why)
		}
	})
}

func TestRatesBeyondAllMeasure(t *testing.T) {
	huge := gateway.Rate{PerSecond: 1e-6, Burst: math.MaxInt}
	budgetMesh(t, gateway.Budget{Calls: huge, Time: huge}, func(t *testing.T, m *mesh, _ func() []string) {
		ann := m.tab("ann", "tab")
		defer closePeer(ann)
		for range 2 {
			if _, err := nap.Call(t.Context(), ann, lmz.At("COSTLY", "box"), time.Second); err != nil {
				t.Error(err)
			}
		}
		if used := m.gateway.Accounts().Usage("", 1)[0]; used.Wait > 0 {
			t.Errorf("a subject that has used nearly nothing of a rate waits %v", used.Wait)
		}
	})
}

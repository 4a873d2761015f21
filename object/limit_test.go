package object

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// limited registers BOX as a kind with limits, whose instances expose what fill adds to
// their Mux.
func (w *world) limited(k Kind, fill func(o *Object, mux *lmz.Mux)) {
	k.New = func(o *Object) lmz.Handler {
		mux := new(lmz.Mux)
		fill(o, mux)
		return mux
	}
	w.registerKind("BOX", k)
}

func TestTurnThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		began := time.Now()
		w.limited(Kind{TurnLimit: 2 * time.Second}, func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method0[string]("loop").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				if err := o.KV().Put(ctx, "key", "written"); err != nil {
					return "", err
				}
				<-ctx.Done()
				return "", ctx.Err()
			})
		})
		_, err := lmz.Call[string](t.Context(), w, box, lmz.Ctn("loop"))
		var e *lmz.Error
		if !errors.As(err, &e) || e.Name != TurnLimitName || e.Code != lmz.CodeCallee || !strings.Contains(e.Message, `"loop"`) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the ctx ended after %v of virtual time", took)
		}
		if got := must[string](w, box, "get", "key"); got != "" {
			t.Errorf("%q was kept", got)
		}
	})
}

func TestWaitingInACallIsNoTurnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		w.mesh["SLOW"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			time.Sleep(10 * time.Second)
			return nil, nil
		})}
		w.limited(Kind{TurnLimit: time.Second}, func(o *Object, mux *lmz.Mux) {
			lmz.Method0[string]("wait").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				_, err := o.CallRaw(ctx, lmz.Worker("SLOW"), lmz.Ctn("x"))
				return "done", errors.Join(err, ctx.Err())
			})
		})
		if got := must[string](w, box, "wait"); got != "done" {
			t.Error(got)
		}
	})
}

func TestEndlessStatementIsInterrupted(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.limited(Kind{TurnLimit: 50 * time.Millisecond}, func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[int]("count").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			n, _, err := QueryOne[int](ctx, o.SQL(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`)
			return n, err
		})
	})
	_, err := lmz.Call[int](t.Context(), w, box, lmz.Ctn("count"))
	var e *lmz.Error
	if !errors.As(err, &e) || e.Name != TurnLimitName {
		t.Fatalf("got %v", err)
	}
	must[struct{}](w, box, "put", "key", "after") // the object continues, and its statements are not interrupted
	if got := must[string](w, box, "get", "key"); got != "after" {
		t.Error(got)
	}
}

func TestObjectThatIsFull(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		w.limited(Kind{MaxBytes: 1 << 20}, func(o *Object, mux *lmz.Mux) { exposeStorage(o, mux) })
		must[struct{}](w, box, "put", "key", strings.Repeat("x", 300_000))
		_, err := lmz.Call[string](t.Context(), w, box, lmz.Ctn("put", "more", strings.Repeat("x", 1_000_000)))
		if !errors.Is(err, lmz.ErrQuotaExceeded) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Fatalf("got %v", err)
		}
		if got := must[string](w, box, "get", "more"); got != "" {
			t.Errorf("%d bytes were kept", len(got))
		}
		must[struct{}](w, box, "put", "more", strings.Repeat("x", 300_000))
	})
}

func TestEndlessMigrationIsUndone(t *testing.T) {
	limit := sqldb.MigrationLimit
	sqldb.MigrationLimit = 50 * time.Millisecond
	defer func() { sqldb.MigrationLimit = limit }()
	dir := t.TempDir()
	endless := `CREATE TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT max(i) FROM n`
	w := newWorld(t, dir)
	w.limited(Kind{Schema: []string{endless}}, func(o *Object, mux *lmz.Mux) { exposeStorage(o, mux) })
	if _, err := lmz.Call[struct{}](t.Context(), w, box, lmz.Ctn("put", "key", "x")); !errors.Is(err, lmz.ErrNotExecuted) {
		t.Fatalf("got %v", err)
	}
	w.close()
	w = newWorld(t, dir)
	w.limited(Kind{Schema: []string{`CREATE TABLE n (i)`}}, func(o *Object, mux *lmz.Mux) { exposeStorage(o, mux) })
	must[struct{}](w, box, "put", "key", "x")
}

func TestOpenObjectsAreLimitedByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		w.rt.maxBytes = 4<<20 + 4*openCost
		w.limited(Kind{Idle: -1}, func(o *Object, mux *lmz.Mux) { exposeStorage(o, mux) })
		for i := range 10 {
			must[struct{}](w, lmz.At("BOX", fmt.Sprint(i)), "put", "key", strings.Repeat("x", 1<<20))
			synctest.Wait()
		}
		open := func() (n int, bytes int64) {
			w.rt.mu.Lock()
			defer w.rt.mu.Unlock()
			return len(w.rt.objects), w.rt.opens
		}
		if n, bytes := open(); n < 2 || n > 4 || bytes > 4<<20+4*openCost {
			t.Errorf("%d objects of 1 MiB are open, with %d bytes", n, bytes)
		}
		for i := range 10 { // reading reopens them, a few at a time
			must[string](w, lmz.At("BOX", fmt.Sprint(i)), "get", "key")
			synctest.Wait()
		}
		if n, bytes := open(); n < 2 || n > 4 || bytes > 4<<20+4*openCost {
			t.Errorf("after reading all, %d are open, with %d bytes", n, bytes)
		}
	})
}

func TestOpenObjectsAreLimitedForEachSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.TempDir())
		w.rt.maxEach = 5 * openCost
		w.limited(Kind{Idle: -1}, func(o *Object, mux *lmz.Mux) { exposeStorage(o, mux) })
		ctx := proto.WithPayer(t.Context(), "ann")
		touch := func(ctx context.Context, name string) {
			if _, err := lmz.Call[string](ctx, w, lmz.At("BOX", name), lmz.Ctn("get", "key")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		touch(ctx, "ann's")
		for i := range 50 {
			touch(proto.WithPayer(t.Context(), "mallory"), fmt.Sprint(i))
		}
		w.rt.mu.Lock()
		defer w.rt.mu.Unlock()
		if n := len(w.rt.objects); n != 6 {
			t.Errorf("%d objects are open, want five of who called fifty, and the other's", n)
		}
		if w.rt.objects[lmz.At("BOX", "ann's")] == nil {
			t.Error("what somebody else had opened was closed")
		}
		if n := len(w.rt.openers); n != 2 {
			t.Errorf("%d openers are remembered", n)
		}
	})
}

// flood is a handler with a large response.
type flood struct{ lmz.Mux }

func (*flood) OnRequest(w http.ResponseWriter, r *http.Request) {
	for range 6 {
		w.Write(make([]byte, 1<<20)) // it ignores the error
	}
}

func TestResponsesThatWaitAreCharged(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.rt.accounts = budget.New(func(string) *budget.Limits { return &budget.Limits{budget.Waiting: {Most: 4 << 20}} })
	w.registerKind("FLOOD", Kind{New: func(*Object) lmz.Handler { return new(flood) }})
	for subject, want := range map[string]int{"ann": http.StatusTooManyRequests, budget.System: http.StatusOK} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		answer := httptest.NewRecorder()
		w.rt.ServeHTTP(lmz.At("FLOOD", "one"), answer, r.WithContext(proto.WithPayer(t.Context(), subject)))
		if answer.Code != want || want != http.StatusOK && answer.Header().Get("Retry-After") == "" {
			t.Errorf("%q: status %d, want %d", subject, answer.Code, want)
		}
		if n := w.rt.accounts.Held(subject, budget.Waiting); n != 0 {
			t.Errorf("%q: %d bytes are still charged", subject, n)
		}
	}
}

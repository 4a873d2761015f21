package patterns_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/patterns"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTwoOneWayCalls(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject(patterns.ShopBinding, object.Kind{New: patterns.NewShop})
		m.HandleObject(patterns.KitchenBinding, object.Kind{New: patterns.NewKitchen})
		ann := m.Client("ann", nil, client.Options{})
		shop := lmz.At(patterns.ShopBinding, "corner")
		if _, err := patterns.Order.Call(t.Context(), ann, shop, "soup"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		served, err := patterns.Orders.Call(t.Context(), ann, shop)
		if err != nil || len(served) != 1 || served[0] != (patterns.Served{Dish: "soup", For: "ann"}) {
			t.Errorf("got %v, %v", served, err)
		}
		if _, err := patterns.Ready.Call(t.Context(), ann, shop, "nothing"); lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("a client played the kitchen: %v", err)
		}
	})
}

func TestAResultGoesPastTheCallerAndAWorkerIsCalledStraight(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject(patterns.LibraryBinding, object.Kind{New: patterns.NewLibrary})
		m.HandleWorker(patterns.CounterBinding, patterns.NewCounter)
		told := make(chan string, 1)
		mux := new(lmz.Mux)
		patterns.Counted.Expose(mux, lmz.Anyone, func(ctx context.Context, library string, words int) (struct{}, error) {
			c, _ := lmz.CallContextFrom(ctx)
			told <- fmt.Sprintf("%s has %d words, says %s", library, words, c.Caller())
			return struct{}{}, nil
		})
		ann := m.Client("ann", nil, client.Options{Handler: mux})
		if _, err := patterns.Give.Call(t.Context(), ann, lmz.At(patterns.LibraryBinding, "town"), "to be or not to be"); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != "town has 6 words, says COUNTER_WORKER" {
			t.Errorf("the client was told %q", got)
		}
		if n, err := patterns.Count.Call(t.Context(), ann, lmz.Worker(patterns.CounterBinding), "one two", ""); n != 2 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestACapability(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject(patterns.VaultBinding, object.Kind{New: patterns.NewVault})
		vault := lmz.At(patterns.VaultBinding, "v")
		ann := m.Client("ann", nil, client.Options{})
		root := m.Client("root", map[string]any{"isAdmin": true}, client.Options{})
		if _, err := patterns.Put.Call(t.Context(), ann, vault, "gold"); err != nil {
			t.Fatal(err)
		}
		_, err := ann.CallRaw(t.Context(), vault, patterns.ForceReset)
		var refused *patterns.NotAdmin
		if !errors.As(err, &refused) || refused.Subject != "ann" || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("ann: %v", err)
		}
		if _, err := root.CallRaw(t.Context(), vault, lmz.Ctn("forceReset")); lmz.CodeOf(err) != lmz.CodeAbsent {
			t.Errorf("past admin: %v", err)
		}
		if _, err := root.CallRaw(t.Context(), vault, lmz.Ctn("admin")); err == nil {
			t.Error("the capability left the vault")
		}
		if text, err := patterns.Look.Call(t.Context(), ann, vault); text != "gold" || err != nil {
			t.Errorf("before: %q, %v", text, err)
		}
		if was, err := lmz.Call[string](t.Context(), root, vault, patterns.ForceReset); was != "gold" || err != nil {
			t.Errorf("root: %q, %v", was, err)
		}
		if text, err := patterns.Look.Call(t.Context(), ann, vault); text != "" || err != nil {
			t.Errorf("after: %q, %v", text, err)
		}
	})
}

// A tower broadcasts to boxes, of which every tenth is broken.
const (
	news  lmz.Method1[string, struct{}]                    = "news"
	lost  lmz.Method2[[]lmz.Address, *lmz.Error, struct{}] = "lost"
	shout lmz.Method2[int, string, struct{}]               = "shout"
)

func TestABroadcastReachesAllAndOnlyErrorsComeBack(t *testing.T) {
	for _, boxes := range []int{0, 1, patterns.FlatLimit, patterns.FlatLimit + 1, 250} {
		t.Run(fmt.Sprint(boxes), func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
				var got, viaWorker, hops atomic.Int64
				var mu sync.Mutex
				failed := make(map[string]int)
				m.HandleWorker(patterns.FanOutBinding, patterns.NewFanOut)
				m.HandleObject("BOX", object.Kind{New: func(o *object.Object) lmz.Handler {
					mux := new(lmz.Mux)
					news.Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (struct{}, error) {
						c, _ := lmz.CallContextFrom(ctx)
						if hops.Store(max(hops.Load(), int64(len(c.Chain)))); c.Caller().Type == lmz.TypeWorker {
							viaWorker.Add(1)
						}
						if text != "hello" || c.Auth == nil || c.Auth.Subject != "ann" {
							t.Errorf("%s got %q for %v", o.Identity(), text, c.Auth)
						}
						if got.Add(1); o.Identity().Instance[len(o.Identity().Instance)-1] == '7' {
							return struct{}{}, lmz.Errorf("broken")
						}
						return struct{}{}, nil
					})
					return mux
				}})
				m.HandleObject("TOWER", object.Kind{New: func(o *object.Object) lmz.Handler {
					mux := new(lmz.Mux)
					shout.Expose(mux, lmz.Anyone, func(ctx context.Context, n int, text string) (struct{}, error) {
						targets := make([]lmz.Address, n)
						for i := range targets {
							targets[i] = lmz.At("BOX", fmt.Sprint("box", i))
						}
						return struct{}{}, patterns.Broadcast(ctx, o, targets, news.Ctn(text), string(lost))
					})
					lost.Expose(mux, patterns.FromFanOut, func(_ context.Context, to []lmz.Address, failure *lmz.Error) (struct{}, error) {
						mu.Lock()
						defer mu.Unlock()
						for _, a := range to {
							failed[a.Instance+" "+failure.Message]++
						}
						return struct{}{}, nil
					})
					return mux
				}})
				ann := m.Client("ann", nil, client.Options{Handler: lmz.HandlerFunc(func(_ context.Context, req *lmz.Request) (any, error) {
					t.Errorf("the client that began it was called: %s", req.Method)
					return nil, nil
				})})
				if _, err := shout.Call(t.Context(), ann, lmz.At("TOWER", "t"), boxes, "hello"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				tree := boxes > patterns.FlatLimit
				if got.Load() != int64(boxes) || (viaWorker.Load() == int64(boxes)) != (tree || boxes == 0) {
					t.Errorf("%d boxes were reached, %d by workers", got.Load(), viaWorker.Load())
				}
				if tree && hops.Load() < 4 { // client, tower, a worker, its worker
					t.Errorf("no tree: %d hops", hops.Load())
				}
				mu.Lock()
				defer mu.Unlock()
				broken := 0
				for i := range boxes {
					if i%10 == 7 {
						broken++
						if n := failed[fmt.Sprintf("box%d broken", i)]; n != 1 {
							t.Errorf("box%d was reported %d times", i, n)
						}
					}
				}
				if len(failed) != broken {
					t.Errorf("%d failed, want %d: %v", len(failed), broken, failed)
				}
			})
		})
	}
}

func TestAClientCannotUseTheTree(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleWorker(patterns.FanOutBinding, patterns.NewFanOut)
		ann := m.Client("ann", nil, client.Options{})
		if _, err := ann.CallRaw(t.Context(), lmz.Worker(patterns.FanOutBinding), lmz.Ctn("fanOut", map[string]any{})); lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("got %v", err)
		}
	})
}

// internet answers requests without sockets, so that it lives in virtual time.
type internet struct{ http.Handler }

func (i internet) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.ServeHTTP(answer, r)
	}()
	select {
	case <-done:
		return answer.Result(), nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

func TestAnObjectHasAWorkerFetchAndMaySleepMeanwhile(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		var made atomic.Int64
		web := http.NewServeMux()
		web.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(5 * time.Second):
				fmt.Fprint(w, "here I am")
			case <-r.Context().Done():
			}
		})
		web.HandleFunc("/stuck", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		m.HandleWorker(patterns.FetcherBinding, patterns.NewFetcher(&http.Client{Transport: internet{web}}, patterns.FeedBinding))
		m.HandleObject(patterns.FeedBinding, object.Kind{Idle: time.Second, New: func(o *object.Object) lmz.Handler {
			made.Add(1)
			return patterns.NewFeed(o)
		}})
		feed := lmz.At(patterns.FeedBinding, "f")
		ann := m.Client("ann", nil, client.Options{})
		start := time.Now()
		for _, path := range []string{"/slow", "/missing", "/stuck", "nonsense\x00"} {
			if _, err := patterns.Import.Call(t.Context(), ann, feed, "http://example.com"+path); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("the imports took %v", took)
		}
		time.Sleep(patterns.FetchTimeout + 5*time.Second)
		pages, err := patterns.Pages.Call(t.Context(), ann, feed)
		if err != nil || len(pages) != 4 {
			t.Fatalf("got %v, %v", pages, err)
		}
		if p := pages["http://example.com/slow"]; p.Status != 200 || p.Body != "here I am" {
			t.Errorf("slow: %+v", p)
		}
		if p := pages["http://example.com/missing"]; p.Status != 404 {
			t.Errorf("missing: %+v", p)
		}
		if p := pages["http://example.com/stuck"]; p.Failure != "FetchError: the fetch of http://example.com/stuck took too long" || p.Code != lmz.CodeCallee {
			t.Errorf("stuck: %+v", p)
		}
		if p := pages["http://example.comnonsense\x00"]; p.Failure == "" {
			t.Errorf("nonsense: %+v", p)
		}
		if n := made.Load(); n < 2 {
			t.Errorf("the object was made %d times: it did not sleep", n)
		}
		_, err = patterns.Fetch.Call(t.Context(), ann, lmz.Worker(patterns.FetcherBinding), lmz.HTTPRequest{URL: "http://example.com"})
		if lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("a client fetched: %v", err)
		}
	})
}

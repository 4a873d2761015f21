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

func TestResultPastTheCaller(t *testing.T) {
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

func TestCapability(t *testing.T) {
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

// join subscribes a box to a channel.
const join lmz.Method1[string, struct{}] = "join"

func TestBroadcast(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		const boxes = 250
		var mu sync.Mutex
		heard := make(map[string]int)
		hear := func(ctx context.Context, self lmz.Identity, channel, text string) (struct{}, error) {
			c, _ := lmz.CallContextFrom(ctx)
			if len(c.Chain) != 1 || c.Auth != nil || channel != "news" {
				t.Errorf("%s heard %q of %q in %+v", self, text, channel, c)
			}
			mu.Lock()
			defer mu.Unlock()
			heard[text]++
			if self.Instance == "broken" {
				return struct{}{}, lmz.Errorf("broken")
			}
			return struct{}{}, nil
		}
		m.HandleObject(patterns.ChannelBinding, object.Kind{New: patterns.NewChannel})
		m.HandleObject("BOX", object.Kind{New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			join.Expose(mux, lmz.Anyone, func(ctx context.Context, channel string) (struct{}, error) {
				return patterns.Follow.Call(ctx, o, lmz.At(patterns.ChannelBinding, channel))
			})
			if o.Identity().Instance != "deaf" {
				patterns.Hear.Expose(mux, lmz.Anyone, func(ctx context.Context, channel, text string) (struct{}, error) {
					return hear(ctx, o.Identity(), channel, text)
				})
			}
			return mux
		}})
		news := lmz.At(patterns.ChannelBinding, "news")
		ann := m.Client("ann", nil, client.Options{})
		for _, name := range []string{"bob", "eve"} {
			mux := new(lmz.Mux)
			p := m.Client(name, nil, client.Options{Handler: mux, OnBeforeCall: lmz.Anyone})
			patterns.Hear.Expose(mux, lmz.Anyone, func(ctx context.Context, channel, text string) (struct{}, error) {
				return hear(ctx, p.Identity(), channel, text)
			})
			if _, err := patterns.Follow.Call(t.Context(), p, news); err != nil {
				t.Fatal(err)
			}
			if name == "eve" {
				p.Close()
			}
		}
		for i := range boxes {
			if _, err := join.Call(t.Context(), ann, lmz.At("BOX", fmt.Sprint(i)), "news"); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"broken", "deaf"} {
			if _, err := join.Call(t.Context(), ann, lmz.At("BOX", name), "news"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute) // eve's session ends
		for i, want := range []int{boxes + 4, boxes + 2} {
			text := fmt.Sprint("post ", i)
			if n, err := patterns.Post.Call(t.Context(), ann, news, text); n != want || err != nil {
				t.Errorf("%s was sent to %d, want %d: %v", text, n, want, err)
			}
			time.Sleep(time.Minute)
			mu.Lock()
			if heard[text] != boxes+2 { // bob and the broken box, but not eve and the deaf one
				t.Errorf("%s was heard by %d", text, heard[text])
			}
			mu.Unlock()
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

func TestFetchByAWorker(t *testing.T) {
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

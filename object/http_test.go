package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
)

// serving is a handler that serves HTTP.
type serving struct {
	lmz.Mux
	serve http.HandlerFunc
}

func (s *serving) OnRequest(w http.ResponseWriter, r *http.Request) { s.serve(w, r) }

// registerServing registers BOX with an OnRequest.
func registerServing(w *world, serve func(o *Object, w http.ResponseWriter, r *http.Request)) {
	w.registerKind("BOX", Kind{New: func(o *Object) lmz.Handler {
		s := &serving{serve: func(w http.ResponseWriter, r *http.Request) { serve(o, w, r) }}
		exposeStorage(o, &s.Mux)
		return s
	}})
}

func (w *world) request(a lmz.Address, method, path, body string) *http.Response {
	recorder := httptest.NewRecorder()
	w.rt.ServeHTTP(a, recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	return recorder.Result()
}

func wantResponse(t *testing.T, r *http.Response, status int, text string) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status || !strings.Contains(string(body), text) {
		t.Errorf("got %d %q, %v, want %d and %q", r.StatusCode, body, err, status, text)
	}
}

// TestRequestsMeetNoOnBeforeCall checks that calls are refused but requests served: HTTP
// handlers do their own checks, as in the original.
func TestRequestsMeetNoOnBeforeCall(t *testing.T) {
	w := newMemoryWorld(t, new(MemoryDisk))
	w.registerKind("BOX", Kind{New: func(*Object) lmz.Handler {
		s := &serving{serve: func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "served") }}
		s.OnBeforeCall(lmz.NoOne)
		s.Expose("get", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil }))
		return s
	}})
	if _, err := w.CallRaw(t.Context(), box, lmz.Ctn("get")); lmz.CodeOf(err) != lmz.CodeGuard {
		t.Errorf("a call: %v", err)
	}
	wantResponse(t, w.request(box, "GET", "/", ""), 200, "served")
}

func TestAnObjectServesRequestsInTurns(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerServing(w, func(o *Object, rw http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = o.KV().Put(r.Context(), "key", string(body))
			}
			if err != nil {
				t.Error(err)
			}
			c, _ := lmz.CallContextFrom(r.Context())
			rw.Header().Set("X-Name", c.Self.Instance)
			switch r.URL.Path {
			case "/made":
				rw.WriteHeader(http.StatusCreated)
				rw.WriteHeader(http.StatusTeapot) // too late
			case "/bad":
				http.Error(rw, "bad", http.StatusBadRequest)
				return
			case "/failed":
				http.Error(rw, "failed", http.StatusInternalServerError)
				return
			case "/panic":
				panic("out of cheese")
			case "/long":
				if _, err := rw.Write(make([]byte, MaxResponseBody+1)); err == nil {
					t.Error("a response that is too long was taken")
				}
				return
			}
			fmt.Fprintf(rw, "%s %s %v", r.Method, r.URL.Path, len(c.Chain))
		})
		for i, test := range []struct {
			path, text string
			status     int
			kept       bool
		}{
			{"/", "PUT / 0", 200, true}, {"/made", "PUT /made", 201, true}, {"/bad", "bad", 400, true},
			{"/failed", "failed", 500, false}, {"/panic", "internal error", 500, false}, {"/long", "too long", 500, false},
		} {
			before, now := must[string](w, box, "get", "key"), fmt.Sprint("body ", i)
			r := w.request(box, "PUT", test.path, now)
			wantResponse(t, r, test.status, test.text)
			if !test.kept {
				now = before
			} else if got := r.Header.Get("X-Name"); got != box.Instance {
				t.Errorf("%s: got header %q", test.path, got)
			}
			if got := must[string](w, box, "get", "key"); got != now {
				t.Errorf("%s: got %q stored, want %q", test.path, got, now)
			}
		}
		if !strings.Contains(w.log.String(), "out of cheese") {
			t.Errorf("the log does not tell of the panic:\n%s", w.log)
		}
	})
}

func TestRequestsThatNoObjectServesSayWhy(t *testing.T) {
	w := newWorld(t, t.TempDir())
	registerServing(w, func(*Object, http.ResponseWriter, *http.Request) {})
	w.register("MUTE", exposeStorage)
	wantResponse(t, w.request(lmz.At("MUTE", "x"), "GET", "/", ""), 501, "no OnRequest")
	wantResponse(t, w.request(lmz.At("NOBODY", "x"), "GET", "/", ""), 404, "no objects are registered")
	wantResponse(t, w.request(lmz.Worker("BOX"), "GET", "/", ""), 404, "instance name")
	wantResponse(t, w.request(box, "PUT", "/", strings.Repeat("x", MaxRequestBody+1)), 413, "Too Large")
	wantResponse(t, w.request(box, "GET", "/", ""), 200, "")
	w.close()
	r := w.request(box, "GET", "/", "")
	wantResponse(t, r, 503, "closing")
	if r.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func TestAResponseLeavesWhenItsTurnIsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, slowDisk())
		registerServing(w, func(o *Object, rw http.ResponseWriter, r *http.Request) {
			fmt.Fprint(rw, "put")
			if err := o.KV().Put(r.Context(), "key", "value"); err != nil {
				t.Error(err)
			}
		})
		begin := time.Now()
		wantResponse(t, w.request(box, "PUT", "/", ""), 200, "put")
		if got := time.Since(begin); got != 100*time.Millisecond {
			t.Errorf("the response came after %v, want it after the commit", got)
		}
		w.close()
	})
}

func TestCallContextOfARequest(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["WORKER"] = worker{lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
		c, _ := lmz.CallContextFrom(ctx)
		return c.Auth.Subject, nil
	})}
	registerServing(w, func(o *Object, rw http.ResponseWriter, r *http.Request) {
		who, err := lmz.Call[string](r.Context(), o, lmz.Worker("WORKER"), lmz.Ctn("who"))
		if err = errors.Join(err, o.KV().Put(r.Context(), "key", "the turn is back")); err != nil {
			t.Error(err)
		}
		fmt.Fprint(rw, who)
	})
	ctx := node.WithCallContext(t.Context(), lmz.CallContext{Auth: &lmz.Auth{Subject: "ann"}})
	recorder := httptest.NewRecorder()
	w.rt.ServeHTTP(box, recorder, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	wantResponse(t, recorder.Result(), 200, "ann")
}

func TestARequestWhoseCommitFailsIsAnsweredSo(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	registerServing(w, func(o *Object, rw http.ResponseWriter, r *http.Request) {
		fmt.Fprint(rw, "done")
		if err := errors.Join(o.KV().Put(r.Context(), "key", "lost"), violate(r.Context(), o)); err != nil {
			t.Error(err)
		}
	})
	wantResponse(t, w.request(box, "GET", "/", ""), 503, "storage failed")
}

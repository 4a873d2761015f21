package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// mirror is an object that describes the request it got.
type mirror struct {
	*object.Object
	lmz.Mux
}

func newMirror(o *object.Object) lmz.Handler { return &mirror{Object: o} }

// OnRequest implements [object.Requester].
func (m *mirror) OnRequest(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	c, _ := lmz.CallContextFrom(r.Context())
	echoed, err := lmz.Call[string](r.Context(), m, lmz.Worker("PROBE"), lmz.Ctn("context"))
	fmt.Fprintf(w, "%s %s as %s, %s; calls on as %s %v\n", r.Method, r.URL.Path, c.Self.Address, describe(r.Context()), echoed, err)
	for name, values := range r.Header {
		fmt.Fprintf(w, "%s: %s\n", name, values)
	}
}

func TestRequestReachesObjectVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		m.gateway.HandleObject("MIRROR_DO", object.Kind{New: newMirror})
		m.gateway.HandleWorker("PROBE", probe)
		secret := token("ann", time.Time{})
		do := func(path, authorization string) (int, http.Header, string) {
			r := httptest.NewRequest("POST", "http://mesh"+path, strings.NewReader("body"))
			r.Header.Set("Origin", "http://mesh")
			r.Header.Set("Cookie", "refresh-token=secret")
			r.Header.Set("X-Lumenize-DO-Instance-Name-Or-Id", "forged")
			r.Header.Set("X-Lumenize-DO-Binding-Name", "forged")
			r.Header.Set("X-Partykit-Room", "forged")
			r.Header.Set("X-Mine", "kept")
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			return w.Code, w.Result().Header, w.Body.String()
		}
		status, h, body := do("/gateway/mirror-do/a%2Fb/deep/path", "bearer "+secret)
		want := `POST /gateway/mirror-do/a/b/deep/path as MIRROR_DO/a/b, ann {"sub":"ann"}; calls on as LumenizeDO MIRROR_DO/a/b > ann {"sub":"ann"} <nil>`
		if status != 200 || !strings.HasPrefix(body, want) || !strings.Contains(body, "X-Mine: [kept]") {
			t.Errorf("%d %s\nwant %s", status, body, want)
		}
		for _, inside := range []string{secret, "secret", "forged"} {
			if strings.Contains(body, inside) {
				t.Errorf("the object saw %q: %s", inside, body)
			}
		}
		if got := strings.Join(h["Vary"], ","); got != "Origin,Accept" {
			t.Errorf("Vary: %s", got)
		}
		for name, tt := range map[string]struct {
			path, authorization string
			status              int
		}{
			"nobody":           {"/gateway/mirror-do/a", "", 401},
			"another scheme":   {"/gateway/mirror-do/a", "Basic " + secret, 401},
			"a bad token":      {"/gateway/mirror-do/a", "Bearer x.y.z", 401},
			"two tokens":       {"/gateway/mirror-do/a", "Bearer " + secret + " x", 401},
			"no instance":      {"/gateway/mirror-do/", "Bearer " + secret, 400},
			"no such binding":  {"/gateway/no-do/a", "Bearer " + secret, 404},
			"a worker":         {"/gateway/probe/a", "Bearer " + secret, 404},
			"serves no HTTP":   {"/gateway/counter/a", "Bearer " + secret, 501},
			"a client's place": {"/gateway/LUMENIZE_CLIENT_GATEWAY/ann.t", "Bearer " + secret, 426},
			"a strange name":   {"/gateway/mirror-do/%ff", "Bearer " + secret, 404},
		} {
			if status, h, body := do(tt.path, tt.authorization); status != tt.status || status == 401 && h.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %d %v %s, want %d", name, status, h, body, tt.status)
			}
		}
	})
}

func TestBeforeRequestDecidesWhoseARequestIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Budget.Calls = gateway.Rate{PerSecond: 1, Burst: 1}
			o.BeforeRequest = func(r *http.Request, to lmz.Address) (*lmz.Auth, error) {
				switch who := r.Header.Get("X-Key"); {
				case to.Instance == "public":
					return nil, nil
				case who == "":
					return nil, &gateway.Refusal{Status: http.StatusTeapot, Message: "no key"}
				case who == "panic":
					panic("secret")
				default:
					return &lmz.Auth{Subject: who}, nil
				}
			}
		})
		defer m.stop()
		m.gateway.HandleObject("MIRROR_DO", object.Kind{New: newMirror})
		m.gateway.HandleWorker("PROBE", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[string]("context").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) { return describe(ctx), nil })
			return mux
		})
		for i, tt := range []struct {
			instance, key string
			status        int
			body          string
		}{
			{"public", "", 200, "Authorization: [mine]"},
			{"a", "", 418, "no key"},
			{"a", "panic", 403, ""},
			{"a", "ann", 200, "as MIRROR_DO/a, ann null"},
			{"a", "ann", 429, "Too many requests"},
			{"a", "bob", 200, "as MIRROR_DO/a, bob null"},
		} {
			r := httptest.NewRequest("GET", "http://mesh/gateway/mirror-do/"+tt.instance, nil)
			r.Header.Set("X-Key", tt.key)
			r.Header.Set("Authorization", "mine")
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%d: %d %s", i, w.Code, w.Body)
			}
			if (w.Code == 429) != (w.Result().Header.Get("Retry-After") == "1") {
				t.Errorf("%d: Retry-After %q", i, w.Result().Header.Get("Retry-After"))
			}
		}
	})
}

func TestAnonymousRequestHidesMeshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.BeforeRequest = func(*http.Request, lmz.Address) (*lmz.Auth, error) { return nil, nil }
		})
		defer m.stop()
		m.gateway.HandleObject("MIRROR_DO", object.Kind{New: newMirror})
		m.gateway.HandleWorker("PROBE", probe)
		for authorization, seen := range map[string]bool{
			"Bearer " + token("ann", time.Time{}): false,
			"bearer " + token("ann", time.Time{}): false,
			"Bearer of-another-service":           true,
			"Basic YTpi":                          true,
		} {
			r := httptest.NewRequest("GET", "http://mesh/gateway/mirror-do/a", nil)
			r.Header.Add("Cookie", "theme=dark; refresh-token=secret; basket=3")
			r.Header.Add("Cookie", "__Host-refresh-token=secret")
			r.Header.Set("Authorization", authorization)
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			if got := w.Body.String(); w.Code != 200 || strings.Contains(got, "secret") || !strings.Contains(got, "Cookie: [theme=dark; basket=3]") {
				t.Errorf("the object saw: %d %s", w.Code, got)
			}
			if got := w.Body.String(); strings.Contains(got, authorization) != seen {
				t.Errorf("%s: seen %v in %s", authorization, !seen, got)
			}
			if r.Header.Get("Authorization") != authorization {
				t.Error("the request itself was changed")
			}
		}
	})
}

func TestForbiddenBindingsHideFromRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lenient := false
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.Bindings = []string{"MIRROR_DO"}
			o.BeforeRequest = func(r *http.Request, to lmz.Address) (*lmz.Auth, error) {
				if lenient {
					return nil, nil
				}
				return &lmz.Auth{Subject: "ann"}, nil
			}
		})
		defer m.stop()
		m.gateway.HandleWorker("PROBE", probe)
		m.gateway.HandleObject("MIRROR_DO", object.Kind{New: newMirror})
		m.gateway.HandleObject("HIDDEN_DO", object.Kind{New: newMirror})
		m.gateway.HandleClients("OTHER_GATEWAY", gateway.ClientOptions{}) // which exposes all bindings
		get := func(path string) string {
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, httptest.NewRequest("GET", "http://mesh/gateway/"+path, nil))
			return fmt.Sprintln(w.Code, w.Result().Header, w.Body)
		}
		for _, lenient = range []bool{false, true} {
			if got := get("mirror-do/a"); !strings.HasPrefix(got, "200 ") {
				t.Errorf("a binding that is for clients: %s", got)
			}
			for _, spelling := range []string{"hidden-do/a", "HIDDEN_DO/a", "HIDDEN_DO"} {
				if got, none := get(spelling), get("no-do/a"); got != none {
					t.Errorf("%s: %s, and one that does not exist: %s", spelling, got, none)
				}
			}
		}
	})
}

func TestOneUserCannotFillTheMemoryWithBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		m.gateway.HandleObject("MIRROR_DO", object.Kind{New: newMirror})
		m.gateway.HandleWorker("PROBE", probe)
		do := func(who string, body io.Reader) *httptest.ResponseRecorder {
			r := httptest.NewRequest("POST", "http://mesh/gateway/mirror-do/a", body)
			r.Header.Set("Authorization", "Bearer "+token(who, time.Time{}))
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			return w
		}
		var ends []*io.PipeWriter
		var slow sync.WaitGroup
		for range 32 {
			body, end := io.Pipe()
			ends = append(ends, end)
			slow.Go(func() {
				if w := do("ann", body); w.Code != http.StatusOK {
					t.Errorf("a slow request: %d %s", w.Code, w.Body)
				}
			})
		}
		synctest.Wait()
		if w := do("ann", http.NoBody); w.Code != http.StatusTooManyRequests || w.Result().Header.Get("Retry-After") != "1" {
			t.Errorf("one more: %d %v", w.Code, w.Result().Header)
		}
		if w := do("bob", http.NoBody); w.Code != http.StatusOK {
			t.Errorf("somebody else: %d %s", w.Code, w.Body)
		}
		for _, end := range ends {
			end.Close()
		}
		slow.Wait()
		if w := do("ann", http.NoBody); w.Code != http.StatusOK {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	})
}

package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/lumenize/lmz/gateway"
)

func TestPagesOfOtherOriginsNeedLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Origins = []string{"https://app.example.com", "*.friends.example"}
			o.AllowOrigin = func(origin string, r *http.Request) bool {
				return origin == "https://asked.example" && r.Host == "mesh"
			}
		})
		defer m.stop()
		const path = "http://mesh/gateway/counter/a"
		for _, tt := range []struct {
			origin, method string
			preflight      bool
			status         int
			allowed        bool
		}{
			{"", "GET", false, 401, false},
			{"http://mesh", "POST", false, 401, true},
			{"https://app.example.com", "POST", false, 401, true},
			{"http://app.example.com", "POST", false, 403, false},
			{"https://app.example.com.evil.example", "POST", false, 403, false},
			{"http://x.friends.example", "GET", false, 401, true},
			{"https://asked.example", "GET", false, 401, true},
			{"https://evil.example", "GET", false, 403, false},
			{"null", "GET", false, 403, false},
			{"http://ann@mesh", "GET", false, 403, false},
			{"http://ann@mesh", "OPTIONS", true, 204, false},
			{"http://:x@mesh", "POST", false, 403, false},
			{"https://evil.example@app.example.com", "GET", false, 403, false},
			{"https://app.example.com/", "GET", false, 403, false},
			{"http://mesh?x", "GET", false, 403, false},
			{"http://mesh#x", "GET", false, 403, false},
			{"//mesh", "GET", false, 403, false},
			{"https://app.example.com", "OPTIONS", true, 204, true},
			{"https://evil.example", "OPTIONS", true, 204, false},
			{"https://evil.example", "OPTIONS", false, 403, false},
		} {
			r := httptest.NewRequest(tt.method, path, nil)
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.preflight {
				r.Header.Set("Access-Control-Request-Method", "PUT")
				r.Header.Set("Access-Control-Request-Headers", "authorization, x-mine")
			}
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			h := w.Result().Header
			if got := h.Get("Access-Control-Allow-Origin"); w.Code != tt.status || (got == tt.origin && got != "") != tt.allowed || !tt.allowed && got != "" {
				t.Errorf("%+v: %d, %v", tt, w.Code, h)
			}
			if tt.origin != "" && h.Get("Vary") != "Origin" {
				t.Errorf("%+v: a cache would give it to others: %v", tt, h)
			}
			if methods := h.Get("Access-Control-Allow-Methods"); (methods == "PUT") != (tt.preflight && tt.allowed) {
				t.Errorf("%+v: allows %q", tt, methods)
			}
			if headers := h.Get("Access-Control-Allow-Headers"); (headers == "authorization, x-mine") != (tt.preflight && tt.allowed) {
				t.Errorf("%+v: allows %q", tt, headers)
			}
		}
		two := httptest.NewRequest("GET", path, nil)
		two.Header["Origin"] = []string{"http://mesh", "https://evil.example"}
		refused := httptest.NewRecorder()
		if m.gateway.ServeHTTP(refused, two); refused.Code != 403 {
			t.Errorf("two origins: %d", refused.Code)
		}
		r := httptest.NewRequest("GET", "http://mesh/elsewhere", nil)
		r.Header.Set("Origin", "https://app.example.com")
		w := httptest.NewRecorder()
		m.gateway.ServeHTTP(w, r)
		if w.Code != 404 || w.Result().Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a path that leads nowhere: %d, %v", w.Code, w.Result().Header)
		}
	})
}

func TestAForeignPageCannotConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		for origin, want := range map[string]int{"http://mesh": 401, "https://evil.example": 403, "http://ann@mesh": 403} {
			r := httptest.NewRequest("GET", "http://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/ann.t", nil)
			r.Header.Set("Upgrade", "websocket")
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Sec-WebSocket-Protocol", "lmz")
			r.Header.Set("Origin", origin)
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s: %d, want %d", origin, w.Code, want)
			}
		}
	})
}

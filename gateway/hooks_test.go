package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
)

// probe is a worker that reports the context in which it was called, and makes further calls.
func probe(self lmz.Caller) lmz.Handler {
	mux := new(lmz.Mux)
	lmz.Method0[string]("context").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
		return describe(ctx), nil
	})
	lmz.Method2[string, string, string]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context, binding, instance string) (string, error) {
		return lmz.Call[string](ctx, self, lmz.At(binding, instance), lmz.Ctn("context"))
	})
	mux.Expose("admin", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		inner := new(lmz.Mux)
		lmz.Method0[string]("reset").Expose(inner, func(ctx context.Context, _ *lmz.Request) error {
			var role string
			c, _ := lmz.CallContextFrom(ctx)
			if v := c.State["role"]; v != nil {
				v.Decode(&role)
			}
			if role != "admin" {
				return lmz.Errorf("admins only")
			}
			return nil
		}, func(context.Context) (string, error) { return "reset", nil })
		return inner, nil
	}))
	return mux
}

// describe formats a call context.
func describe(ctx context.Context) string {
	c, _ := lmz.CallContextFrom(ctx)
	var b strings.Builder
	for _, hop := range c.Chain {
		fmt.Fprintf(&b, "%s %s > ", hop.Type, hop.Address)
	}
	if c.Auth != nil {
		claims, _ := json.Marshal(c.Auth.Claims)
		fmt.Fprintf(&b, "%s %s", c.Auth.Subject, claims)
	}
	for _, name := range []string{"state", "client"} {
		texts, state := map[string]any{}, c.State
		if name == "client" {
			state = c.ClientState
		}
		for key, value := range state {
			var v any
			value.Decode(&v)
			texts[key] = v
		}
		if len(texts) > 0 {
			data, _ := json.Marshal(texts)
			fmt.Fprintf(&b, " %s%s", name, data)
		}
	}
	return b.String()
}

// contextOf returns the context in which p calls a worker called PROBE.
func contextOf(t *testing.T, p lmz.Caller, binding string) string {
	t.Helper()
	got, err := lmz.Call[string](t.Context(), p, lmz.Worker(binding), lmz.Ctn("context"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBeforeAcceptClaimsAndTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.BeforeAccept = func(_ context.Context, c lmz.Address, auth *lmz.Auth) (map[string]any, error) {
				if auth.Subject == "eve" {
					return nil, &gateway.Refusal{Status: http.StatusPaymentRequired, Message: "pay first", RetryAfter: 1500 * time.Millisecond}
				}
				return map[string]any{"visit": asked.Add(1)}, nil
			}
		})
		defer m.stop()
		m.gateway.HandleWorker("PROBE", probe)
		p := m.peer("ann", func(o *client.Options) {
			o.Tab = "t"
			o.Token = func(context.Context, string) (string, error) {
				return tokenWith(map[string]any{"sub": "ann"}, time.Now().Add(time.Minute)), nil
			}
		})
		defer closePeer(p)
		if got := contextOf(t, p, "PROBE"); !strings.Contains(got, `"visit":1`) || !strings.Contains(got, `"sub":"ann"`) {
			t.Errorf("after connecting: %s", got)
		}
		time.Sleep(45 * time.Second) // virtual: the client replaces its token
		if got := contextOf(t, p, "PROBE"); !strings.Contains(got, `"visit":2`) {
			t.Errorf("after the next token: %s", got)
		}
		_, response, err := m.dial("eve.t", token("eve", time.Time{}))
		if err == nil || response.StatusCode != http.StatusPaymentRequired || response.Header.Get("Retry-After") != "2" {
			t.Errorf("eve: %v, %v", response, err)
		}
	})
}

func TestHooksThatFailOrPanicLetNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		how := "error"
		fail := func() error {
			if how == "panic" {
				panic("secret")
			}
			return errors.New("open /secret.db")
		}
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.BeforeAccept = func(context.Context, lmz.Address, *lmz.Auth) (map[string]any, error) { return nil, fail() }
		})
		defer m.stop()
		var in bool
		m.gateway.HandleClients("OTHER_GATEWAY", gateway.ClientOptions{
			BeforeCallToMesh: func(context.Context, *gateway.Call) error { return fail() },
			BeforeCallToClient: func(context.Context, *gateway.Call) error {
				in = true
				return fail()
			},
		})
		for _, how = range []string{"error", "panic"} {
			_, response, err := m.dial("ann.t", token("ann", time.Time{}))
			if err == nil || response.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %v, %v", how, response, err)
			}
			p := m.peer("ann", func(o *client.Options) { o.Binding = "OTHER_GATEWAY" })
			_, err = echo.Call(t.Context(), p, lmz.Worker("ECHO"), "x")
			if lmz.CodeOf(err) != lmz.CodeGuard || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: call to the mesh: %v", how, err)
			}
			if in {
				t.Error("the call went to a client")
			}
			closePeer(p)
		}
	})
}

func TestACallHookReadsTheCallAndSetsTrustedState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.BeforeCallToMesh = func(ctx context.Context, call *gateway.Call) error {
				c, _ := lmz.CallContextFrom(ctx)
				methods, err := call.Methods()
				if err != nil {
					return err
				}
				if strings.Join(methods, ".") == "echo.forbidden" && call.To == lmz.Worker("ECHO") {
					return &lmz.Error{Name: "PolicyError", Message: "not " + c.Origin().Instance, Fields: map[string]any{"rule": "7"}}
				}
				if c.Auth.Claims["admin"] == true {
					lmz.SetState(ctx, "role", "admin")
				}
				return nil
			}
		})
		defer m.stop()
		m.gateway.HandleWorker("PROBE", probe)
		ann := m.peer("ann", nil)
		defer closePeer(ann)
		root := m.peer("root", func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) {
				return tokenWith(map[string]any{"sub": "root", "admin": true}, time.Time{}), nil
			}
		})
		defer closePeer(root)

		_, err := ann.CallRaw(t.Context(), lmz.Worker("ECHO"), lmz.Ctn("echo", []any{lmz.Ctn("forbidden")}))
		var e *lmz.Error
		if !errors.As(err, &e) || e.Code != lmz.CodeGuard || e.Name != "PolicyError" || e.Message != "not ann.tab" || e.Fields["rule"] != "7" {
			t.Errorf("a refused call: %#v", err)
		}
		reset := lmz.Ctn("admin").Then("reset")
		if _, err := ann.CallRaw(t.Context(), lmz.Worker("PROBE"), reset); err == nil {
			t.Error("ann is no admin")
		}
		if got, err := lmz.Call[string](t.Context(), root, lmz.Worker("PROBE"), reset); err != nil || got != "reset" {
			t.Errorf("root: %q, %v", got, err)
		}
		if got := contextOf(t, root, "PROBE"); !strings.Contains(got, `state{"role":"admin"}`) {
			t.Errorf("the state that the hook has set: %s", got)
		}
	})
}

func TestGatewayBindingsHaveRulesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		m.gateway.HandleWorker("PROBE", probe)
		m.gateway.HandleClients("ADMIN_GATEWAY", gateway.ClientOptions{
			BeforeAccept: func(_ context.Context, _ lmz.Address, auth *lmz.Auth) (map[string]any, error) {
				if auth.Claims["admin"] != true {
					return nil, &gateway.Refusal{Message: "admins only"}
				}
				return nil, nil
			},
			BeforeCallToClient: func(ctx context.Context, call *gateway.Call) error {
				if c, _ := lmz.CallContextFrom(ctx); c.Auth != nil && c.Auth.Claims["admin"] != true {
					return lmz.Errorf("users do not call admins")
				}
				lmz.SetState(ctx, "seen", true)
				return nil
			},
			Bindings: []string{"PROBE"},
		})
		asAdmin := func(o *client.Options) {
			o.Binding = "ADMIN_GATEWAY"
			o.OnBeforeCall = lmz.Anyone
			mux := new(lmz.Mux)
			lmz.Method0[string]("context").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) { return describe(ctx), nil })
			o.Handler = mux
			o.Token = func(context.Context, string) (string, error) {
				return tokenWith(map[string]any{"sub": "root", "admin": true}, time.Time{}), nil
			}
		}
		root := m.peer("root", asAdmin)
		defer closePeer(root)
		ann := m.peer("ann", nil)
		defer closePeer(ann)
		same := m.peer("root", nil) // with the same name, at the other binding
		defer closePeer(same)

		if got := contextOf(t, root, "PROBE"); !strings.HasPrefix(got, "LumenizeClient ADMIN_GATEWAY/root.tab > root ") {
			t.Errorf("root's context: %s", got)
		}
		if got := contextOf(t, same, "PROBE"); !strings.HasPrefix(got, "LumenizeClient LUMENIZE_CLIENT_GATEWAY/root.tab > root ") {
			t.Errorf("the other's context: %s", got)
		}
		if _, err := echo.Call(t.Context(), root, lmz.Worker("ECHO"), "x"); lmz.CodeOf(err) != lmz.CodeAbsent {
			t.Errorf("a binding that is not for them: %v", err)
		}
		ask := func(p lmz.Caller) (string, error) {
			return lmz.Call[string](t.Context(), p, lmz.Worker("PROBE"), lmz.Ctn("ask", "ADMIN_GATEWAY", "root.tab"))
		}
		if _, err := ask(ann); lmz.CodeOf(err) != lmz.CodeCallee || !strings.Contains(err.Error(), "users do not call admins") {
			t.Errorf("ann by way of a worker: %v", err)
		}
		if got, err := ask(root); err != nil || !strings.Contains(got, `state{"seen":true}`) {
			t.Errorf("root by way of a worker: %s, %v", got, err)
		}
		_, response, err := websocket.Dial(t.Context(), "ws://mesh/gateway/admin-gateway/ann.tab", &websocket.DialOptions{
			HTTPClient: m.network.Client(), Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + token("ann", time.Time{})},
		})
		if err == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("ann at the admins' gateway: %v, %v", response, err)
		}
	})
}

func TestAnInstanceNameCannotCommandATerminal(t *testing.T) {
	for _, tab := range []string{"%1b%5b31m", "%c2%9b31m", "%e2%80%ae", "%e2%80%8b", "%c2%a0", "%0a", "%7f", "%20", "%ff"} {
		synctest.Test(t, func(t *testing.T) {
			m := startMesh(t)
			defer m.stop()
			r := httptest.NewRequest("GET", "http://mesh/gateway/"+lmz.DefaultGateway+"/ann.x"+tab, nil)
			r.Header.Set("Upgrade", "websocket")
			r.Header.Set("Sec-WebSocket-Protocol", "lmz, lmz.access-token."+token("ann", time.Time{}))
			w := httptest.NewRecorder()
			m.gateway.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "invalid instance name") {
				t.Errorf("%s: %d %s", tab, w.Code, w.Body)
			}
		})
	}
}

func TestAnInstanceNameFormatChecksItsClaims(t *testing.T) {
	check := gateway.InstanceName("{sub}.{tenant}.{tab}")
	ann := &lmz.Auth{Subject: "ann", Claims: map[string]any{"tenant": "acme", "number": 7}}
	for _, tt := range []struct {
		format, instance string
		auth             *lmz.Auth
		want             string
	}{
		{"", "ann.acme.t", ann, ""},
		{"", "ann.acme.t.with.dots", ann, ""},
		{"", "ann.other.t", ann, "identity mismatch"},
		{"", "bob.acme.t", ann, "identity mismatch"},
		{"", "ann.acme", ann, "invalid instance name format"},
		{"", "ann.acme.", ann, "invalid instance name format"},
		{"", "ann..t", ann, "invalid instance name format"},
		{"", "bob.acme.t", &lmz.Auth{Subject: "bob"}, "no claim tenant"},
		{"", "bob.acme.t", &lmz.Auth{Subject: "bob", Claims: map[string]any{"tenant": "acme.t"}}, "contains a dot"},
		{"{number}.{sub}", "7.ann", ann, "no claim number"},
		{"{tab}.{sub}", "t.ann", ann, ""},
		{"{tab}.{sub}", "t.x.ann", ann, "identity mismatch"},
	} {
		rule := check
		if tt.format != "" {
			rule = gateway.InstanceName(tt.format)
		}
		_, err := rule(t.Context(), lmz.At("G", tt.instance), tt.auth)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s as %v: %v, want %q", tt.instance, tt.auth, err, tt.want)
		}
	}
	for _, bad := range []string{"", "{tab}", "sub.{tab}", "{sub}.", "{sub}-{tab}.x"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("the format %q was taken", bad)
				}
			}()
			gateway.InstanceName(bad)
		}()
	}
}

func TestWhoComesTooOftenIsToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Budget.Connects = gateway.Rate{PerSecond: 0.5, Burst: 2}
			o.Budget.Calls = gateway.Rate{PerSecond: 10, Burst: 3}
		})
		defer m.stop()
		for i, want := range []int{101, 101, 429, 101} {
			if i == 3 {
				time.Sleep(2 * time.Second) // virtual
			}
			conn, response, err := m.dial("ann.t", token("ann", time.Time{}))
			if response.StatusCode != want || (want == 429) != (response.Header.Get("Retry-After") == "2") {
				t.Errorf("dial %d: %v, %v, want %d", i, response, err, want)
			}
			if err == nil {
				conn.CloseNow()
			}
		}
		var refused atomic.Int32
		begun := time.Now()
		ann := m.peer("ann", func(o *client.Options) {
			o.OnConnectionError = func(error) { refused.Add(1) }
		})
		defer closePeer(ann)
		if took := time.Since(begun); refused.Load() != 1 || took < 2*time.Second || took > 3*time.Second {
			t.Errorf("our own client came back after %v, at attempt %d", took, refused.Load()+1)
		}
		bob := m.peer("bob", nil) // others are unaffected
		defer closePeer(bob)
		for range 3 {
			if _, err := echo.Call(t.Context(), bob, lmz.Worker("ECHO"), "x"); err != nil {
				t.Fatal(err)
			}
		}
		_, err := echo.Call(t.Context(), bob, lmz.Worker("ECHO"), "x")
		wait, ok := lmz.RetryAfter(err)
		if !ok || wait != 100*time.Millisecond || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("one call too many: %v, %v, %v", err, wait, ok)
		}
		time.Sleep(wait)
		if _, err := echo.Call(t.Context(), bob, lmz.Worker("ECHO"), "x"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestAnyProviderCanSayWhoConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.BeforeConnect = func(r *http.Request, _ lmz.Address) (*lmz.Auth, error) {
				cookie, err := r.Cookie("session")
				switch {
				case err != nil:
					return nil, nil // leave it to the token
				case cookie.Value != "ann's":
					return nil, &gateway.Refusal{Status: http.StatusUnauthorized, Message: "sign in again"}
				}
				return &lmz.Auth{Subject: "ann", Claims: map[string]any{"by": "cookie"}, Expires: time.Now().Add(time.Minute)}, nil
			}
		})
		defer m.stop()
		m.gateway.HandleWorker("PROBE", probe)
		dial := func(cookie string) (*websocket.Conn, *http.Response, error) {
			return websocket.Dial(t.Context(), "ws://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/ann.t", &websocket.DialOptions{
				HTTPClient: m.network.Client(), Subprotocols: []string{proto.SubprotocolJSON},
				HTTPHeader: http.Header{"Cookie": {"session=" + cookie}},
			})
		}
		if _, response, err := dial("eve's"); err == nil || response.StatusCode != http.StatusUnauthorized {
			t.Errorf("a bad cookie: %v, %v", response, err)
		}
		conn, _, err := dial("ann's")
		if err != nil {
			t.Fatal(err)
		}
		r := &raw{t, conn}
		r.hear(statusNew)
		r.say(jsonCall("1", `"binding":"PROBE"`, "context", ``))
		if _, data, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(data), `{\"by\":\"cookie\"}`) {
			t.Errorf("heard %s, %v", data, err)
		}
		if code := r.closeCode(); code != proto.CloseTokenExpired {
			t.Errorf("closed with %d when the session expired", code)
		}
		p := m.peer("ann", nil)
		closePeer(p)
	})
}

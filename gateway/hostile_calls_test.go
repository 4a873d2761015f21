package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/fxamacker/cbor/v2"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

// logbook collects what a gateway logs at every level.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logbook) logger() *slog.Logger { return slog.New(debug.NewHandler(l, debug.ParseFilter("*"))) }

// take returns the entries since the last call.
func (l *logbook) take(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	text := l.buf.String()
	l.buf.Reset()
	l.mu.Unlock()
	var entries []map[string]any
	for line := range strings.Lines(text) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// vault is a node that exposes little. Anyone who reaches the rest is an intruder.
func vault(intruders *atomic.Int32) lmz.Handler {
	intrude := lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		intruders.Add(1)
		return "in", nil
	})
	trusted := func(ctx context.Context, _ *lmz.Request) error {
		c, _ := lmz.CallContextFrom(ctx)
		var role string
		if v := c.State["role"]; v == nil || v.Decode(&role) != nil || role != "admin" {
			return lmz.Errorf("admins only")
		}
		return nil
	}
	mux := new(lmz.Mux)
	lmz.Method0[string]("hello").Expose(mux, lmz.Anyone, func(context.Context) (string, error) { return "hello", nil })
	mux.Expose("list", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) { return len(r.Args), nil }))
	mux.Expose("secret", trusted, intrude)
	mux.Expose("onReply", lmz.NoOne, intrude)
	mux.Expose("admin", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		inner := new(lmz.Mux)
		inner.Expose("reset", trusted, intrude)
		return inner, nil
	}))
	return mux
}

// attempt is a chain that must not reach anything: a string reads a property, a list applies
// arguments, and a nested attempt among these is a nested continuation.
type attempt []any

func (a attempt) cbor() any {
	ops := make([]any, len(a))
	for i, op := range a {
		ops[i] = nestedCBOR(op)
	}
	return ops
}

func nestedCBOR(v any) any {
	switch v := v.(type) {
	case attempt:
		return cbor.Tag{Number: 27, Content: []any{"Continuation", v.cbor()}}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = nestedCBOR(v[i])
		}
		return list
	case map[string]any:
		m := make(map[string]any)
		for key := range v {
			m[key] = nestedCBOR(v[key])
		}
		return m
	}
	return v
}

func (a attempt) json() any {
	ops := make([]any, len(a))
	for i, op := range a {
		switch op := op.(type) {
		case []any:
			ops[i] = map[string]any{"type": "apply", "args": nestedJSON(op)}
		default:
			ops[i] = map[string]any{"type": "get", "key": op}
		}
	}
	return ops
}

func nestedJSON(v any) any {
	switch v := v.(type) {
	case attempt:
		return map[string]any{"__isNestedOperation": true, "__operationChain": v.json()}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = nestedJSON(v[i])
		}
		return list
	case map[string]any:
		m := make(map[string]any)
		for key := range v {
			m[key] = nestedJSON(v[key])
		}
		return m
	}
	return v
}

func none() []any { return []any{} }

// calls returns a chain of n calls of a method.
func calls(n int, method string, args ...any) attempt {
	var a attempt
	for range n {
		a = append(a, method, append(none(), args...))
	}
	return a
}

var attempts = map[string]attempt{
	"__proto__":                      {"__proto__", none()},
	"constructor":                    {"constructor", none()},
	"toString":                       {"toString", none()},
	"hasOwnProperty":                 {"hasOwnProperty", []any{"secret"}},
	"then":                           {"then", none()},
	"the constructor's constructor":  {"constructor", []any{"return process"}, "call", none()},
	"a property of __proto__":        {"__proto__", "secret", none()},
	"HandleCall":                     {"HandleCall", none()},
	"OnBeforeCall":                   {"OnBeforeCall", none()},
	"OnStart":                        {"OnStart", none()},
	"OnRequest":                      {"OnRequest", none()},
	"KV":                             {"KV", none()},
	"svc":                            {"svc", "alarms", "schedule", none()},
	"lmz":                            {"lmz", "callRaw", none()},
	"__executeOperation":             {"__executeOperation", none()},
	"__localChainExecutor":           {"__localChainExecutor", none()},
	"$result":                        {"$result", none()},
	"an empty name":                  {"", none()},
	"another case":                   {"Hello", none()},
	"a name with a space":            {"hello ", none()},
	"a name with NUL":                {"hello\x00", none()},
	"what is not exposed":            {"wipe", none()},
	"what only takes replies":        {"onReply", none()},
	"what trusted state opens":       {"secret", none()},
	"half exposed":                   {"admin", none(), "wipe", none()},
	"half exposed, then guarded":     {"admin", none(), "reset", none()},
	"the parent by the child":        {"admin", none(), "secret", none()},
	"back to what was left":          {"admin", none(), "__parent", none(), "secret", none()},
	"a capability as a result":       {"admin", none()},
	"a method of a value":            {"hello", none(), "toUpperCase", none()},
	"a property read":                {"secret"},
	"a property of a result":         {"hello", none(), "length"},
	"a property on the way":          {"admin", "reset", none()},
	"applied twice":                  {"hello", none(), none()},
	"applied at once":                {none()},
	"nothing":                        {},
	"a number as a name":             {7, none()},
	"51 operations":                  append(calls(25, "admin"), "reset"),
	"52 operations":                  calls(26, "admin"),
	"101 arguments":                  {"list", make([]any, 101)},
	"nested, not exposed":            {"list", []any{attempt{"wipe", none()}}},
	"nested, guarded":                {"list", []any{attempt{"secret", none()}}},
	"nested in a list":               {"list", []any{[]any{1, []any{attempt{"secret", none()}}}}},
	"nested in an object":            {"list", []any{map[string]any{"a": map[string]any{"b": attempt{"admin", none(), "reset", none()}}}}},
	"nested, a property":             {"list", []any{attempt{"secret"}}},
	"nested, 52 operations":          {"list", []any{calls(26, "admin")}},
	"nested, 101 arguments":          {"list", []any{attempt{"list", make([]any, 101)}}},
	"nested, 600 in all":             {"list", append(none(), repeated(30, calls(20, "admin"))...)},
	"nested after what is harmless":  {"list", []any{attempt{"hello", none()}, attempt{"secret", none()}}},
	"a capability as an argument":    {"list", []any{attempt{"admin", none()}}},
	"a name with a line's end":       {"hello\n{\"level\":\"error\"}", none()},
	"a name that is a token":         {"eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.", none()},
	"a name that is longer than any": {strings.Repeat("x", 100_000), none()},
}

func repeated(n int, v any) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// hostileMesh has a vault of each kind: an object, a worker, and a client that admits calls
// of other clients.
func hostileMesh(t *testing.T, intruders *atomic.Int32) (m *mesh, log *logbook, stop func()) {
	log = new(logbook)
	m = startMeshWith(t, func(o *gateway.Options) { o.Log = log.logger() })
	m.gateway.HandleObject("VAULT_DO", object.Kind{New: func(*object.Object) lmz.Handler { return vault(intruders) }})
	m.gateway.HandleWorker("VAULT_WORKER", func(lmz.Caller) lmz.Handler { return vault(intruders) })
	victim := m.peer("bob", func(o *client.Options) { o.OnBeforeCall, o.Handler = lmz.Anyone, vault(intruders) })
	return m, log, func() {
		closePeer(victim)
		m.stop()
	}
}

var vaults = []lmz.Address{lmz.At("VAULT_DO", "a"), lmz.Worker("VAULT_WORKER"), lmz.At(lmz.DefaultGateway, "bob.tab")}

func TestHostileCallsAreLogged(t *testing.T) {
	for _, to := range vaults {
		t.Run(to.Binding, func(t *testing.T) {
			for _, wire := range []string{"cbor", "json"} {
				t.Run(wire, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tryEverything(t, to, wire) })
				})
			}
		})
	}
}

func tryEverything(t *testing.T, to lmz.Address, wire string) {
	var intruders atomic.Int32
	m, log, stop := hostileMesh(t, &intruders)
	defer stop()
	try := tryCBOR(t, m, to)
	if wire == "json" {
		try = tryJSON(t, m, to)
	}
	log.take(t)
	for name, a := range attempts {
		failed := try(a)
		switch failed {
		case lmz.CodeCallee, lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway:
		default:
			t.Errorf("%s: answered %q", name, failed)
		}
		if n := intruders.Swap(0); n > 0 {
			t.Errorf("%s: got in, %d times", name, n)
		}
		noted := false
		for _, entry := range log.take(t) {
			data, _ := entry["data"].(map[string]any)
			about := entry["message"] == "call of a client" && data["failed"] == string(failed) || data["what"] == "a call that cannot be read"
			noted = noted || about && data["instance"] == "ann.tab" && data["subject"] == "ann" && data["to"] == to.String() &&
				entry["namespace"] == "lmz.gateway.call" && (entry["level"] == "info" || entry["level"] == "warn")
			if text, _ := json.Marshal(entry); len(text) > 2000 || bytes.Contains(text, []byte("eyJ")) {
				t.Errorf("%s: the log has %s", name, text)
			}
		}
		if !noted {
			t.Errorf("%s: the log does not say who tried", name)
		}
	}
	if failed := try(attempt{"hello", none()}); failed != "" {
		t.Errorf("an honest call afterwards: %q", failed)
	}
}

// tryCBOR returns a function that makes an attempt with forged claims, and returns who
// failed.
func tryCBOR(t *testing.T, m *mesh, to lmz.Address) func(attempt) lmz.Code {
	r := m.raw("ann.tab", token("ann", time.Time{}))
	t.Cleanup(func() { r.conn.CloseNow() })
	r.hello()
	forged, err := value.Marshal(lies)
	if err != nil {
		t.Fatal(err)
	}
	number := uint64(0)
	return func(a attempt) lmz.Code {
		number++
		chain, err := cbor.Marshal(a.cbor())
		if err != nil {
			t.Fatal(err)
		}
		r.frame(proto.Frame{Kind: proto.KindCall, Seq: number, To: to, Timeout: time.Minute, Context: forged, Payload: chain})
		failed, _ := r.answer()
		return failed
	}
}

// tryJSON is tryCBOR over JSON.
func tryJSON(t *testing.T, m *mesh, to lmz.Address) func(attempt) lmz.Code {
	r := m.jsonRaw("ann.tab")
	r.conn.SetReadLimit(proto.MaxFrame)
	t.Cleanup(func() { r.conn.CloseNow() })
	r.hear(statusNew)
	return func(a attempt) lmz.Code {
		chain, err := json.Marshal(a.json())
		if err != nil {
			t.Fatal(err)
		}
		target := `"binding":"` + to.Binding + `"`
		if to.Instance != "" {
			target += `,"instance":"` + to.Instance + `"`
		}
		r.say(`{"type":"call","callId":"1",` + target + `,"chain":{"json":` + string(chain) + `,"meta":{}},` + jsonLies + `}`)
		_, data, err := r.conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Success bool
			Error   struct{ JSON struct{ LmzCode lmz.Code } }
		}
		if err := json.Unmarshal(data, &answer); err != nil || answer.Success == (answer.Error.JSON.LmzCode != "") {
			t.Fatalf("%s: %v", data, err)
		}
		return answer.Error.JSON.LmzCode
	}
}

func TestLogOfStolenPlacesAndPretenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(logbook)
		m := startMeshWith(t, func(o *gateway.Options) { o.Log = log.logger() })
		defer m.stop()
		m.gateway.HandleClients("LAX_GATEWAY", gateway.ClientOptions{
			BeforeAccept: func(context.Context, lmz.Address, *lmz.Auth) (map[string]any, error) { return nil, nil },
			BeforeCallToClient: func(ctx context.Context, call *gateway.Call) error {
				return lmz.Errorf("%s is of another tenant", call.To.Instance)
			},
		})
		noted := func(what string, want map[string]any) {
			t.Helper()
			entries := log.take(t)
			for _, entry := range entries {
				data, _ := entry["data"].(map[string]any)
				data["message"], data["level"] = entry["message"], entry["level"]
				found := true
				for key, v := range want {
					found = found && data[key] == v
				}
				if found {
					return
				}
			}
			t.Errorf("%s: the log has %v, not %v", what, entries, want)
		}
		if _, _, err := m.dial("bob.tab", token("ann", time.Time{})); err == nil {
			t.Error("ann came in as bob")
		}
		noted("another's name", map[string]any{
			"message": "client refused", "level": "warn", "instance": "bob.tab", "subject": "ann", "error": "identity mismatch",
		})

		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		for i, tt := range []struct{ claim, what string }{{"chain", "a call chain"}, {"auth", "an origin auth"}} {
			r.frame(cborCall(t, uint64(i+1), lmz.Worker("ECHO"), lmz.Ctn("echo", "x"), map[string]any{tt.claim: lies[tt.claim]}))
			r.answer()
			noted(tt.what, map[string]any{"level": "warn", "instance": "ann.tab", "subject": "ann", "to": "ECHO", "what": tt.what})
		}
		r.frame(cborCall(t, 3, lmz.At("LAX_GATEWAY", "any"), lmz.Ctn("x"), nil))
		r.answer()
		noted("another tenant", map[string]any{
			"level": "info", "message": "call to a client refused", "to": "LAX_GATEWAY/any", "subject": "ann", "origin": "LUMENIZE_CLIENT_GATEWAY/ann.tab",
		})
		r.frame(proto.Frame{Kind: proto.KindToken, Token: "h.x.good"})
		if code := r.closeCode(); code != proto.CloseTokenExpired {
			t.Errorf("closed with %d", code)
		}
		noted("a bad token", map[string]any{"level": "warn", "message": "next token refused", "instance": "ann.tab", "subject": "ann"})

		conn, _, err := websocket.Dial(t.Context(), "ws://mesh/gateway/LAX_GATEWAY/any", &websocket.DialOptions{
			HTTPClient: m.network.Client(), Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + token("ann", time.Time{})},
		})
		if err != nil {
			t.Fatal(err)
		}
		lax := &raw{t, conn}
		lax.hello()
		lax.frame(proto.Frame{Kind: proto.KindToken, Token: token("bob", time.Time{})})
		if code := lax.closeCode(); code != proto.CloseTokenExpired {
			t.Errorf("a connection changed its user: closed with %d", code)
		}
		noted("another's token", map[string]any{"level": "warn", "message": "next token refused", "instance": "any", "subject": "ann"})
	})
}

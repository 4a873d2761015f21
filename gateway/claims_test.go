package gateway_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

// cborCall returns a call frame with an arbitrary call context.
func cborCall(t *testing.T, number uint64, to lmz.Address, c lmz.Continuation, callContext any) proto.Frame {
	t.Helper()
	chain, err := value.MarshalChain(c)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := value.Marshal(callContext)
	if err != nil {
		t.Fatal(err)
	}
	return proto.Frame{Kind: proto.KindCall, Seq: number, To: to, Timeout: time.Minute, Context: encoded, Payload: chain}
}

// answer reads the next answer and decodes it.
func (r *raw) answer() (lmz.Code, any) {
	r.t.Helper()
	for {
		f, err := r.read()
		if err != nil {
			r.t.Fatalf("waiting for an answer: %v", err)
		}
		if f.Kind != proto.KindAnswer {
			continue
		}
		var v any
		if err := value.Unmarshal(f.Payload, &v); err != nil {
			r.t.Fatal(err)
		}
		return f.Failed, v
	}
}

// lies is a call context in which a client claims another identity.
var lies = map[string]any{
	"chain":       []any{[]any{"LumenizeClient", "LUMENIZE_CLIENT_GATEWAY", "root.t"}, []any{"LumenizeDO", "COUNTER", "a"}},
	"auth":        map[string]any{"sub": "root", "claims": map[string]any{"admin": true}},
	"state":       map[string]any{"role": "admin"},
	"clientState": map[string]any{"role": "admin", "trace": []any{"x"}},
	"origin":      "root",
}

const jsonLies = `"callContext":{"callChain":[{"type":"LumenizeClient","bindingName":"LUMENIZE_CLIENT_GATEWAY","instanceName":"root.t"},` +
	`{"type":"LumenizeDO","bindingName":"COUNTER","instanceName":"a"}],"originAuth":{"sub":"root","claims":{"admin":true}},` +
	`"clientState":{"json":{"role":"admin"},"meta":{}},"origin":"root","state":{"json":{"role":"admin","trace":["x"]},"meta":{}}}`

const (
	annsContext  = `LumenizeClient LUMENIZE_CLIENT_GATEWAY/ann.tab > ann {"sub":"ann"} client{"role":"admin","trace":["x"]}`
	annsByWorker = `LumenizeClient LUMENIZE_CLIENT_GATEWAY/ann.tab > LumenizeWorker PROBE > ann {"sub":"ann"} client{"role":"admin","trace":["x"]}`
)

func TestClientClaimsAreDroppedOrMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		m.gateway.HandleWorker("PROBE", probe)
		victim := m.peer("bob", func(o *client.Options) {
			o.OnBeforeCall = lmz.Anyone
			o.Handler = probe(nil)
		})
		defer closePeer(victim)
		ways := []struct {
			to   lmz.Address
			ctn  lmz.Continuation
			args string
			want string
		}{
			{lmz.Worker("PROBE"), lmz.Ctn("context"), ``, annsContext},
			{lmz.Worker("PROBE"), lmz.Ctn("ask", "PROBE", ""), `"PROBE",""`, annsByWorker},
			{lmz.Worker("PROBE"), lmz.Ctn("ask", lmz.DefaultGateway, "bob.tab"), `"LUMENIZE_CLIENT_GATEWAY","bob.tab"`, annsByWorker},
			{lmz.At(lmz.DefaultGateway, "bob.tab"), lmz.Ctn("context"), ``, annsContext},
		}
		func() {
			r := m.raw("ann.tab", token("ann", time.Time{}))
			defer r.conn.CloseNow()
			r.hello()
			for i, way := range ways {
				r.frame(cborCall(t, uint64(i+1), way.to, way.ctn, lies))
				if failed, got := r.answer(); failed != "" || got != way.want {
					t.Errorf("%s: %q %v\nwant %s", way.to, failed, got, way.want)
				}
			}
			n := uint64(len(ways))
			r.frame(cborCall(t, n+1, lmz.Worker("PROBE"), lmz.Ctn("admin").Then("reset"), lies))
			if failed, got := r.answer(); failed != lmz.CodeCallee || !strings.Contains(got.(*lmz.Error).Message, "admins only") {
				t.Errorf("a guard that reads trusted state: %q %v", failed, got)
			}
			bad := cborCall(t, n+2, lmz.Worker("PROBE"), lmz.Ctn("context"), nil)
			bad.Context = []byte{0xbf, 0xff, 0x00}
			r.frame(bad)
			if failed, got := r.answer(); failed != "" || got != `LumenizeClient LUMENIZE_CLIENT_GATEWAY/ann.tab > ann {"sub":"ann"}` {
				t.Errorf("a context that cannot be read: %q %v", failed, got)
			}
		}()
		func() {
			r := m.jsonRaw("ann.tab")
			defer r.conn.CloseNow()
			r.hear(statusNew)
			for _, way := range ways {
				target := `"binding":"` + way.to.Binding + `"`
				if way.to.Instance != "" {
					target += `,"instance":"` + way.to.Instance + `"`
				}
				r.say(`{"type":"call","callId":"1",` + target + `,"chain":{"json":[{"type":"get","key":"` + way.ctn.Ops()[0].Method +
					`"},{"type":"apply","args":[` + way.args + `]}],"meta":{}},` + jsonLies + `}`)
				text := strings.ReplaceAll(way.want, `"`, `\"`)
				r.hear(`{"type":"call_response","callId":"1","success":true,"result":{"json":"` + text + `","meta":{}}}`)
			}
		}()
	})
}

func TestAJSONClientIsToldWhichStateIsAClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		m.gateway.HandleWorker("PROBE", func(self lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[string]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				c, _ := lmz.CallContextFrom(ctx)
				v, err := value.Parse([]byte{0x01})
				c.State = map[string]lmz.Value{"trusted": v, "both": v}
				return "", errorOf(err, self.Send(node.WithCallContext(ctx, c), lmz.At(lmz.DefaultGateway, "bob.tab"), lmz.Ctn("x")))
			})
			return mux
		})
		bob := m.jsonRaw("bob.tab")
		defer bob.conn.CloseNow()
		bob.hear(statusNew)
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		r.frame(cborCall(t, 1, lmz.Worker("PROBE"), lmz.Ctn("ask"), map[string]any{"clientState": map[string]any{"both": 2, "mine": 3}}))
		if failed, got := r.answer(); failed != "" {
			t.Fatal(failed, got)
		}
		kind, data, err := bob.conn.Read(t.Context())
		if err != nil || kind != websocket.MessageText || !strings.Contains(string(data),
			`"state":{"json":{"both":1,"mine":3,"trusted":1},"meta":{}},"lmzClientState":["mine"]}`) {
			t.Errorf("heard %s, %v", data, err)
		}
	})
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// relayer is an object that sends a call to a worker, keeps the context in which the reply
// runs, and calls its caller, a client.
func relayer(contexts chan<- string) func(*object.Object) lmz.Handler {
	return func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method0[struct{}]("start").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			lmz.SetState(ctx, "role", "object's")
			c, _ := lmz.CallContextFrom(ctx)
			return struct{}{}, errorOf(
				o.Send(ctx, lmz.Worker("PROBE"), lmz.Ctn("context"), lmz.Reply(lmz.Ctn("reply", lmz.Result))),
				o.Send(ctx, c.Caller().Address, lmz.Ctn("back")),
			)
		})
		lmz.Method1[string, struct{}]("reply").Expose(mux, lmz.NoOne, func(ctx context.Context, called string) (struct{}, error) {
			contexts <- "called: " + called
			contexts <- "reply: " + describe(ctx)
			return struct{}{}, nil
		})
		return mux
	}
}

func TestClientStateInRepliesAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		contexts := make(chan string, 10)
		m.gateway.HandleObject("RELAYER_DO", object.Kind{New: relayer(contexts)})
		m.gateway.HandleWorker("PROBE", probe)
		var ann *client.Peer
		ann = m.peer("ann", func(o *client.Options) {
			mux := new(lmz.Mux)
			lmz.Method0[struct{}]("back").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
				contexts <- "back: " + describe(ctx)
				got, err := lmz.Call[string](ctx, ann, lmz.Worker("PROBE"), lmz.Ctn("context"))
				contexts <- "on: " + got
				return struct{}{}, err
			})
			o.Handler = mux
		})
		defer closePeer(ann)
		ctx := lmz.WithState(t.Context(), "role", "ann's")
		if _, err := ann.CallRaw(ctx, lmz.At("RELAYER_DO", "a"), lmz.Ctn("start")); err != nil {
			t.Fatal(err)
		}
		const (
			isAnn = "LumenizeClient LUMENIZE_CLIENT_GATEWAY/ann.tab > "
			both  = `state{"role":"object's"} client{"role":"ann's"}`
		)
		want := map[string]bool{
			"called: " + isAnn + `LumenizeDO RELAYER_DO/a > ann {"sub":"ann"} ` + both: true,
			"reply: " + isAnn + `ann {"sub":"ann"} ` + both:                            true,
			"back: " + isAnn + `LumenizeDO RELAYER_DO/a > ann {"sub":"ann"} ` + both:   true,
			"on: " + isAnn + `ann {"sub":"ann"} client{"role":"object's"}`:             true,
		}
		for range len(want) {
			if got := <-contexts; !want[got] {
				t.Errorf("%s", got)
			}
		}
	})
}

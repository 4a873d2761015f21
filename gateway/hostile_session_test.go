package gateway_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
)

// dialAs connects as subject under an instance name, with one of the two protocols.
func (m *mesh) dialAs(subject, instance, protocol string) *raw {
	m.t.Helper()
	conn, _, err := websocket.Dial(m.t.Context(), "ws://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/"+instance, &websocket.DialOptions{
		HTTPClient: m.network.Client(), Subprotocols: []string{protocol, proto.TokenPrefix + token(subject, time.Time{})},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	conn.SetReadLimit(proto.MaxFrame)
	return &raw{m.t, conn}
}

func TestASessionIsOneSubjectsAlsoWhereAHookSharesItsName(t *testing.T) {
	forBoth := func(protocol string, hello func(r *raw, session, resume byte) (resumed bool)) {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMeshWith(t, func(o *gateway.Options) {
					o.Hooks.BeforeAccept = func(context.Context, lmz.Address, *lmz.Auth) (map[string]any, error) { return nil, nil }
				})
				defer m.stop()
				ann := m.dialAs("ann", "room", protocol)
				defer ann.conn.CloseNow()
				hello(ann, 1, 0)
				again := m.dialAs("ann", "room", protocol)
				defer again.conn.CloseNow()
				if !hello(again, 2, 1) {
					t.Error("ann does not go on with her session")
				}
				eve := m.dialAs("eve", "room", protocol)
				defer eve.conn.CloseNow()
				if hello(eve, 3, 1) {
					t.Error("eve goes on with ann's session")
				}
			})
		})
	}
	forBoth(proto.SubprotocolCBOR, func(r *raw, session, resume byte) bool {
		r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{session}, Resume: proto.SessionID{resume}})
		f, err := r.read()
		if err != nil || f.Kind != proto.KindWelcome {
			r.t.Fatalf("%+v, %v", f, err)
		}
		return f.Resumed
	})
	forBoth(proto.SubprotocolJSON, func(r *raw, _, _ byte) bool {
		_, data, err := r.conn.Read(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		return string(data) == statusResumed
	})
}

func TestAClientHasAThousandSendsUnderWayAndMoreAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		gate := make(chan struct{})
		var begun atomic.Int32
		m.gateway.Worker("SLOW", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				begun.Add(1)
				<-gate
				return nil, nil
			})
		})
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		send := func(from, to uint64) {
			for number := from; number <= to; number++ {
				f := cborCall(t, number, lmz.At("SLOW"), lmz.Ctn("x"), map[string]any{})
				f.NoReply = true
				r.frame(f)
			}
			synctest.Wait()
		}
		send(1, 1010)
		if got := m.gateway.Stats().BusySessions; begun.Load() != 1000 || got != 10 {
			t.Errorf("%d have begun, %d are counted as dropped", begun.Load(), got)
		}
		close(gate)
		synctest.Wait()
		send(1011, 1020)
		if begun.Load() != 1010 {
			t.Errorf("%d have begun after the others had ended", begun.Load())
		}
	})
}

func TestAClientCannotSayThatAnothersSessionHasEnded(t *testing.T) {
	gone := func(instance string) *lmz.Error { return lmz.NewClientDisconnected(instance, lmz.CodeGateway, "gone") }
	for name, tt := range map[string]struct {
		about string
		cbor  func(*raw, uint64, *lmz.Error)
		json  string
		ended bool
	}{
		"an error on cbor": {about: "bob.tab", cbor: func(r *raw, call uint64, e *lmz.Error) {
			a := proto.ErrorAnswer(e)
			r.frame(proto.Frame{Kind: proto.KindAnswer, Seq: 1, Call: call, Failed: a.Failed, Payload: a.Payload})
		}},
		"a result on cbor": {about: "bob.tab", cbor: func(r *raw, call uint64, e *lmz.Error) {
			r.frame(proto.Frame{Kind: proto.KindAnswer, Seq: 1, Call: call, Payload: proto.ErrorAnswer(e).Payload})
		}},
		"an error on json": {about: "bob.tab", json: `"success":false,"error":`},
		"a result on json": {about: "bob.tab", json: `"success":true,"result":`},
		"of itself":        {about: "eve.tab", json: `"success":false,"error":`},
		"what is true":     {about: "zoe.tab", json: `"success":false,"error":`, ended: true},
		"an unknown failed": {about: "bob.tab", cbor: func(r *raw, call uint64, e *lmz.Error) {
			r.frame(proto.Frame{Kind: proto.KindAnswer, Seq: 1, Call: call, Failed: "trust me", Payload: proto.ErrorAnswer(e).Payload})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				outcomes := make(chan error, 1)
				m.gateway.Worker("ASKS", func(self lmz.Caller) lmz.Handler {
					mux := new(lmz.Mux)
					lmz.Method0[struct{}]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
						return struct{}{}, self.Send(ctx, lmz.At(lmz.DefaultGateway, "eve.tab"), lmz.Ctn("x"), lmz.Reply(lmz.Ctn("told", lmz.Result)))
					})
					lmz.Method1[lmz.Value, struct{}]("told").Expose(mux, lmz.NoOne, func(_ context.Context, v lmz.Value) (struct{}, error) {
						_, err := lmz.ResultOf[any](v)
						outcomes <- err
						return struct{}{}, nil
					})
					return mux
				})
				defer m.stop()
				bob := m.peer("bob", nil)
				defer closePeer(bob)
				protocol := proto.SubprotocolCBOR
				if tt.json != "" {
					protocol = proto.SubprotocolJSON
				}
				eve := m.dialAs("eve", "eve.tab", protocol)
				defer eve.conn.CloseNow()
				if tt.json != "" {
					eve.hear(statusNew)
				} else {
					eve.hello()
				}
				if _, err := bob.CallRaw(t.Context(), lmz.At("ASKS"), lmz.Ctn("ask")); err != nil {
					t.Fatal(err)
				}
				if tt.json != "" {
					id := eve.incomingID()
					eve.say(`{"type":"incoming_call_response","callId":"` + id + `",` + tt.json + `{"json":{"$type":"error","name":"ClientDisconnectedError",` +
						`"message":"gone","clientInstanceName":"` + tt.about + `","lmzCode":"gateway"},"meta":{}}}`)
				} else {
					tt.cbor(eve, eve.incomingNumber(), gone(tt.about))
				}
				err := <-outcomes
				if _, ended := lmz.DisconnectedClient(err); ended != tt.ended {
					t.Errorf("the mesh was told %#v", err)
				}
				switch lmz.CodeOf(err) {
				case "", lmz.CodeCallee, lmz.CodeGateway:
				default:
					t.Errorf("who failed: %q", lmz.CodeOf(err))
				}
			})
		})
	}
}

// incomingID is the id of the next JSON call to the client.
func (r *raw) incomingID() string {
	r.t.Helper()
	var call struct{ CallID string }
	_, data, err := r.conn.Read(r.t.Context())
	if err == nil {
		err = json.Unmarshal(data, &call)
	}
	if err != nil {
		r.t.Fatalf("%s: %v", data, err)
	}
	return call.CallID
}

// incomingNumber is the number of the next call to the client.
func (r *raw) incomingNumber() uint64 {
	r.t.Helper()
	for {
		f, err := r.read()
		if err != nil {
			r.t.Fatal(err)
		}
		if f.Kind == proto.KindCall {
			return f.Seq
		}
	}
}

func TestAHelloWithoutAnAttemptIsNeverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		for _, attempt := range []uint64{4, 0} {
			r := m.raw("ann.tab", token("ann", time.Time{}))
			defer r.conn.CloseNow()
			r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1}, Resume: proto.SessionID{1}, Attempt: attempt})
			if f, err := r.read(); err != nil || f.Kind != proto.KindWelcome {
				t.Errorf("attempt %d: %+v, %v", attempt, f, err)
			}
		}
	})
}

func TestANameThatNobodyCanHaveIsNotRepeatedInTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		long := strings.Repeat("\xff", 500_000)
		for i, to := range []lmz.Address{
			lmz.At(lmz.DefaultGateway, "\xff\xfe"), lmz.At(lmz.DefaultGateway, long), lmz.At(long), lmz.At("\xff"),
			lmz.At("ECHO", long), lmz.At("COUNTER", long),
		} {
			r.ask(uint64(i+1), to, lmz.Ctn("x"))
			failed, v := r.answer()
			if e, ok := v.(*lmz.Error); failed != lmz.CodeAbsent || !ok || len(e.Message) > 200 {
				t.Errorf("%d: %q, %.200v", i, failed, v)
			}
		}
	})
}

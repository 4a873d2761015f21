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
	"github.com/lumenize/lmz/internal/node"
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

func TestSessionHasOneSubjectUnderSharedName(t *testing.T) {
	forBoth := func(protocol string, hello func(r *raw, session, resume byte) (resumed bool)) {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMeshWith(t, func(o *gateway.Options) {
					o.Clients.BeforeAccept = func(context.Context, lmz.Address, *lmz.Auth) (map[string]any, error) { return nil, nil }
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
		r.say("lmz:ping") // it has received the status
		r.hear("lmz:pong")
		return string(data) == statusResumed
	})
}

// TestAnotherSubjectFollowsForGood lets another subject take a shared name while its last
// process is offline: when that comes back it is told so, and does not take the name back.
func TestAnotherSubjectFollowsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.BeforeAccept = func(context.Context, lmz.Address, *lmz.Auth) (map[string]any, error) { return nil, nil }
		})
		defer m.stop()
		greet := func(subject string, session, resume byte) (*raw, error) {
			r := m.dialAs(subject, "room", proto.SubprotocolCBOR)
			r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{session}, Resume: proto.SessionID{resume}})
			_, err := r.read()
			return r, err
		}
		ann, err := greet("ann", 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		ann.conn.CloseNow()
		eve, err := greet("eve", 2, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer eve.conn.CloseNow()
		again, err := greet("ann", 3, 1)
		defer again.conn.CloseNow()
		if websocket.CloseStatus(err) != proto.CloseSuperseded {
			t.Errorf("who was followed by another subject comes back: %v", err)
		}
	})
}

func TestClientSendWindowOf1000(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		gate := make(chan struct{})
		var begun atomic.Int32
		m.gateway.HandleWorker("SLOW", func(lmz.Caller) lmz.Handler {
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
				f := cborCall(t, number, lmz.Worker("SLOW"), lmz.Ctn("x"), map[string]any{})
				f.NoReply = true
				r.frame(f)
			}
			synctest.Wait()
		}
		send(1, 1010)
		if got := m.gateway.Stats().BusySessions; begun.Load() != 16 || got != 10 {
			t.Errorf("%d have begun, want as many as one subject may at once; %d are counted as dropped", begun.Load(), got)
		}
		close(gate)
		synctest.Wait()
		send(1011, 1020)
		if begun.Load() != 1010 {
			t.Errorf("%d have begun after the others had ended", begun.Load())
		}
	})
}

func TestClientCannotEndAnothersSession(t *testing.T) {
	gone := func(instance string) *lmz.Error { return node.NewClientDisconnected(instance, lmz.CodeGateway, "gone") }
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
				m.gateway.HandleWorker("ASKS", func(self lmz.Caller) lmz.Handler {
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
				if _, err := bob.CallRaw(t.Context(), lmz.Worker("ASKS"), lmz.Ctn("ask")); err != nil {
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

// incomingID returns the id of the next JSON call to the client.
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

// incomingNumber returns the number of the next call to the client.
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

func TestImpossibleNameIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		long := strings.Repeat("\xff", 500_000)
		for i, to := range []lmz.Address{
			lmz.At(lmz.DefaultGateway, "\xff\xfe"), lmz.At(lmz.DefaultGateway, long), lmz.Worker(long), lmz.Worker("\xff"),
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

func TestAReplayWithOtherArgumentsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		to, first := lmz.At("COUNTER", "a"), proto.CallID{Session: proto.SessionID{1}, Number: 1}
		adds := func(seq uint64, n int, again proto.CallID) proto.Frame {
			f := cborCall(t, seq, to, add.Ctn(n), map[string]any{})
			f.Again = again
			return f
		}
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		r.frame(adds(1, 1, proto.CallID{}))
		if failed, total := r.answer(); failed != "" || total != int64(1) {
			t.Fatal(failed, total)
		}
		r.frame(adds(1, 100, proto.CallID{})) // the same number
		r.frame(adds(2, 0, proto.CallID{}))
		if failed, total := r.answer(); failed != "" || total != int64(1) {
			t.Errorf("after a number that was used: %q %v", failed, total)
		}
		next := m.raw("ann.tab", token("ann", time.Time{}))
		defer next.conn.CloseNow()
		next.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{2}})
		next.frame(adds(1, 100, first)) // presented again in the next session
		if failed, total := next.answer(); failed != "" || total != int64(1) {
			t.Errorf("presented again: %q %v", failed, total)
		}
		eve := m.raw("eve.tab", token("eve", time.Time{}))
		defer eve.conn.CloseNow()
		eve.hello()
		eve.frame(adds(1, 100, first))
		if failed, v := eve.answer(); failed != lmz.CodeGateway || !strings.Contains(v.(*lmz.Error).Message, "not the caller's") {
			t.Errorf("another's call: %q %v", failed, v)
		}
		next.frame(adds(2, 0, proto.CallID{}))
		if failed, total := next.answer(); failed != "" || total != int64(1) {
			t.Errorf("at the end: %q %v", failed, total)
		}
	})
}

func TestResumeThatAcknowledgesTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		r.ask(1, lmz.Worker("ECHO"), echo.Ctn("hi"))
		r.answer()
		r.conn.CloseNow()
		resume := func(ack uint64) *raw {
			r := m.raw("ann.tab", token("ann", time.Time{}))
			r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{2}, Resume: proto.SessionID{1}, Ack: ack})
			return r
		}
		for _, ack := range []uint64{2, 1<<64 - 1} {
			hostile := resume(ack)
			if code := hostile.closeCode(); code != proto.CloseProtocol {
				t.Errorf("ack %d: closed with %d", ack, code)
			}
			hostile.conn.CloseNow()
		}
		honest := resume(0)
		defer honest.conn.CloseNow()
		if f, err := honest.read(); err != nil || !f.Resumed {
			t.Fatalf("%+v, %v", f, err)
		}
		if failed, v := honest.answer(); failed != "" || v != "hi" {
			t.Errorf("the answer again: %q %v", failed, v)
		}
	})
}

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
	"github.com/lumenize/lmz/internal/proto"
)

// These tests check the outcome of a call of the mesh to a client, in both of the protocols
// that clients speak (PROTOCOL.md, "What is promised", 1 and 4).

// callee is a client of either protocol: how it connects, and how it answers one call of get
// with "here".
type callee struct {
	name   string
	dial   func(m *mesh, expires time.Time) *raw
	answer func(r *raw)
	fresh  func(r *raw) bool // reads the greeting, and reports whether it asks to subscribe
	ping   func(r *raw)
}

var callees = []callee{
	{
		"CBOR",
		func(m *mesh, expires time.Time) *raw { return m.raw("ann.tab", token("ann", expires)) },
		func(r *raw) {
			for {
				f, err := r.read()
				if err != nil {
					r.t.Errorf("reading a call: %v", err)
					return
				}
				if f.Kind == proto.KindCall {
					a := proto.NewAnswer("here", nil)
					r.frame(proto.Frame{Kind: proto.KindAnswer, Seq: 1, Ack: f.Seq, Call: f.Seq, Payload: a.Payload})
					return
				}
			}
		},
		func(r *raw) bool { return !r.greet(proto.SessionID{1}).Resumed },
		func(r *raw) { r.frame(proto.Frame{Kind: proto.KindPing}) },
	},
	{
		"JSON",
		func(m *mesh, expires time.Time) *raw { return m.jsonRawWith("ann.tab", token("ann", expires)) },
		func(r *raw) {
			_, data, err := r.conn.Read(r.t.Context())
			_, id, ok := strings.Cut(string(data), `"callId":"`)
			id, _, _ = strings.Cut(id, `"`)
			if err != nil || !ok || !strings.Contains(string(data), `"type":"incoming_call"`) {
				r.t.Errorf("reading a call: %s %v", data, err)
				return
			}
			r.say(`{"type":"incoming_call_response","callId":"` + id + `","success":true,"result":{"json":"here","meta":{}}}`)
		},
		func(r *raw) bool {
			_, data, err := r.conn.Read(r.t.Context())
			if err != nil {
				r.t.Fatal(err)
			}
			r.say("null") // meaningless, but shows that it has received the status
			return string(data) == statusNew
		},
		func(r *raw) { r.say("lmz:ping") },
	},
}

// greet says hello with the session shared by the raw clients of these tests, and resumes it
// if it is alive.
func (r *raw) greet(id proto.SessionID) proto.Frame {
	r.t.Helper()
	r.frame(proto.Frame{Kind: proto.KindHello, Session: id, Resume: id})
	f, err := r.read()
	if err != nil || f.Kind != proto.KindWelcome {
		r.t.Fatalf("after a hello: %+v, %v", f, err)
	}
	return f
}

func forBoth(t *testing.T, f func(t *testing.T, m *mesh, c callee, bob *client.Peer)) {
	for _, c := range callees {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				m.gateway.HandleWorker("RELAY", patientRelay)
				defer m.stop()
				bob := m.peer("bob", nil)
				defer closePeer(bob)
				f(t, m, c, bob)
			})
		})
	}
}

// patientRelay is a worker that calls get on a client and reports how that ended: the
// gateway's own error, which a client's would hide.
func patientRelay(self lmz.Caller) lmz.Handler {
	mux := new(lmz.Mux)
	lmz.Method1[time.Duration, []string]("relay").Expose(mux, lmz.Anyone, func(ctx context.Context, patience time.Duration) ([]string, error) {
		ctx, cancel := context.WithTimeout(lmz.NewChain(ctx), patience)
		defer cancel()
		got, err := lmz.Call[string](ctx, self, lmz.At(lmz.DefaultGateway, "ann.tab"), lmz.Ctn("get"))
		ended, _ := lmz.DisconnectedClient(err)
		return []string{got, string(lmz.CodeOf(err)), ended}, nil
	})
	return mux
}

// relayed is the outcome of a call: the result, who failed, and the client whose session has
// ended, if that is the reason.
type relayed struct{ got, failed, ended string }

func relayTo(t *testing.T, bob *client.Peer, patience time.Duration) <-chan relayed {
	done := make(chan relayed, 1)
	go func() {
		r, err := lmz.Call[[]string](t.Context(), bob, lmz.Worker("RELAY"), lmz.Ctn("relay", patience))
		if err != nil || len(r) != 3 {
			t.Errorf("the relay failed: %v %v", r, err)
			r = make([]string, 3)
		}
		done <- relayed{r[0], r[1], r[2]}
	}()
	synctest.Wait()
	return done
}

func TestCallsWaitForNextToken(t *testing.T) {
	forBoth(t, func(t *testing.T, m *mesh, c callee, bob *client.Peer) {
		first := c.dial(m, time.Now().Add(10*time.Second))
		if !c.fresh(first) {
			t.Fatal("the first connection is not told to subscribe")
		}
		if code := first.closeCode(); code != proto.CloseTokenExpired {
			t.Fatalf("closed with %d", code)
		}
		call := relayTo(t, bob, 20*time.Second)
		time.Sleep(3 * time.Second) // virtual: within the grace period
		second := c.dial(m, time.Time{})
		defer second.conn.CloseNow()
		if c.fresh(second) {
			t.Error("the session has ended with the token")
		}
		c.answer(second)
		if got := <-call; got != (relayed{got: "here"}) {
			t.Errorf("the call: %+v", got)
		}
	})
}

// TestAnExpiredTokenIsNoticedWithoutATimer stops the timers, so that they miss the expiry.
func TestAnExpiredTokenIsNoticedWithoutATimer(t *testing.T) {
	for name, message := range map[string]func(t *testing.T, r *raw, c callee, bob *client.Peer){
		"by a message of the client": func(_ *testing.T, r *raw, c callee, _ *client.Peer) { c.ping(r) },
		"by a call to the client": func(t *testing.T, _ *raw, _ callee, bob *client.Peer) {
			if got := <-relayTo(t, bob, time.Second); got != (relayed{failed: string(lmz.CodeGateway)}) {
				t.Errorf("the call was not kept back: %+v", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			forBoth(t, func(t *testing.T, m *mesh, c callee, bob *client.Peer) {
				r := c.dial(m, time.Now().Add(11*time.Second)) // between two checks of the clock
				c.fresh(r)
				synctest.Wait()
				m.gateway.StopExpiry()
				time.Sleep(12 * time.Second) // virtual
				message(t, r, c, bob)
				if code := r.closeCode(); code != proto.CloseTokenExpired {
					t.Errorf("closed with %d", code)
				}
			})
		})
	}
}

func TestLateAnswerLeavesUnknownOutcome(t *testing.T) {
	forBoth(t, func(t *testing.T, m *mesh, c callee, bob *client.Peer) {
		r := c.dial(m, time.Time{})
		defer r.conn.CloseNow()
		c.fresh(r)
		start := time.Now()
		if got := <-relayTo(t, bob, 2*time.Second); got != (relayed{failed: string(lmz.CodeUnknown)}) || time.Since(start) > 3*time.Second {
			t.Errorf("the call: %+v after %v", got, time.Since(start))
		}
	})
}

func TestClientDisconnectedErrorMeansSessionEnd(t *testing.T) {
	forBoth(t, func(t *testing.T, m *mesh, c callee, bob *client.Peer) {
		if got := <-relayTo(t, bob, time.Second); got != (relayed{failed: string(lmz.CodeGateway), ended: "ann.tab"}) {
			t.Errorf("a call to a client that was never there: %+v", got)
		}
		r := c.dial(m, time.Time{})
		c.fresh(r)
		r.conn.CloseNow()
		synctest.Wait()
		start := time.Now()
		impatient, patient := relayTo(t, bob, time.Second), relayTo(t, bob, 20*time.Second)
		if got := <-impatient; got != (relayed{failed: string(lmz.CodeGateway)}) {
			t.Errorf("a call that did not wait for the end of the grace period: %+v", got)
		}
		got := <-patient
		if got != (relayed{failed: string(lmz.CodeGateway), ended: "ann.tab"}) || time.Since(start).Round(time.Second) != 5*time.Second {
			t.Errorf("a call that waited: %+v after %v", got, time.Since(start))
		}
		back := c.dial(m, time.Time{})
		defer back.conn.CloseNow()
		if !c.fresh(back) {
			t.Error("the client is not told that its session has ended")
		}
	})
}

func TestJSONClientLivesByPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		alive := m.jsonRaw("bob.tab")
		defer alive.conn.CloseNow()
		alive.hear(statusNew)
		closed := make(chan websocket.StatusCode, 1)
		go func() { closed <- alive.closeCode() }() // a reader answers pings, and sends nothing else
		dead := m.wire(proto.SubprotocolJSON)
		defer dead.conn.Close()
		silent := make(chan int, 1)
		go func() { silent <- dead.end() }() // reads, but answers nothing
		synctest.Wait()

		time.Sleep(29 * time.Second) // virtual: nobody has asked yet
		if s := m.gateway.Stats(); s.Sessions != 2 || s.Connections != 2 {
			t.Errorf("too soon: %+v", s)
		}
		time.Sleep(22 * time.Second) // virtual: 1 s later it is asked, has 10 s to answer, 5 s to close, 5 s of grace
		if s := m.gateway.Stats(); s.Sessions != 1 || s.Connections != 1 {
			t.Errorf("too late: %+v", s)
		}
		select {
		case code := <-silent:
			if code != proto.CloseTimeout {
				t.Errorf("a client that answers no ping was closed with %d", code)
			}
		default:
			t.Error("a client that answers no ping is not closed")
		}
		time.Sleep(time.Hour) // virtual
		select {
		case code := <-closed:
			t.Errorf("a client that answers pings was closed with %d", code)
		default:
		}
	})
}

func TestJSONCallAtCallLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		gate := make(chan struct{})
		m.gateway.HandleWorker("HEEDS", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				<-ctx.Done()
				return nil, lmz.Errorf("stopped")
			})
		})
		m.gateway.HandleWorker("DEAF", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				<-gate
				return "late", nil
			})
		})
		defer m.stop()
		defer close(gate)
		r := m.jsonRaw("ann.tab")
		defer r.conn.CloseNow()
		r.hear(statusNew)
		start := time.Now()
		r.say(jsonCall("1", `"binding":"HEEDS"`, "x", ``))
		r.say(jsonCall("2", `"binding":"DEAF"`, "x", ``))
		for _, want := range []struct {
			id, code string
			after    time.Duration
		}{{"1", "callee", 5 * time.Minute}, {"2", "unknown", 5*time.Minute + time.Second}} {
			_, data, err := r.conn.Read(t.Context())
			got := string(data)
			if took := time.Since(start).Round(time.Second); err != nil || took != want.after ||
				!strings.Contains(got, `"callId":"`+want.id+`","success":false`) || !strings.Contains(got, `"lmzCode":"`+want.code) {
				t.Errorf("after %v: %s %v", took, got, err)
			}
		}
	})
}

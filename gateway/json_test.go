package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
)

// Tests with clients of the original: the subprotocol lmz, JSON text frames (PROTOCOL.md,
// "The subprotocol lmz").

// jsonRaw connects as the original's client does.
func (m *mesh) jsonRaw(instance string) *raw {
	m.t.Helper()
	subject, _, _ := strings.Cut(instance, ".")
	return m.jsonRawWith(instance, token(subject, time.Time{}))
}

func (m *mesh) jsonRawWith(instance, token string) *raw {
	m.t.Helper()
	conn, _, err := websocket.Dial(m.t.Context(), "ws://mesh/gateway/lumenize-client-gateway/"+instance, &websocket.DialOptions{
		HTTPClient:   m.network.Client(),
		Subprotocols: []string{proto.SubprotocolJSON, proto.TokenPrefix + token},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if got := conn.Subprotocol(); got != proto.SubprotocolJSON {
		m.t.Fatalf("the gateway chose %q", got)
	}
	return &raw{m.t, conn}
}

func (r *raw) say(text string) { r.write(websocket.MessageText, []byte(text)) }

// hear reads one message and compares it with want.
func (r *raw) hear(want string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	kind, data, err := r.conn.Read(ctx)
	if err != nil || kind != websocket.MessageText || string(data) != want {
		r.t.Fatalf("heard %v %s %v\nwant %s", kind, data, err, want)
	}
}

// hearNew reads the request to subscribe and sends something, as a client then does: from now
// on it counts as notified.
func (r *raw) hearNew() {
	r.t.Helper()
	r.hear(statusNew)
	r.say("lmz:ping")
	r.hear("lmz:pong")
}

const (
	statusNew     = `{"type":"connection_status","subscriptionRequired":true}`
	statusResumed = `{"type":"connection_status","subscriptionRequired":false}`
)

// jsonCall returns a call message of the original's client.
func jsonCall(id, target, method, args string) string {
	return `{"type":"call","callId":"` + id + `",` + target + `,"chain":{"json":[{"type":"get","key":"` + method +
		`"},{"type":"apply","args":[` + args + `]}],"meta":{}},"callContext":{"callChain":[{"type":"LumenizeDO","bindingName":"FORGED"}],"state":{"json":{},"meta":{}}}}`
}

const (
	toCounter = `"binding":"COUNTER","instance":"a"`
	toEcho    = `"binding":"ECHO"`
)

func TestTheOriginalsClientCallsAndIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.jsonRaw("ann.tab")
		defer r.conn.CloseNow()
		r.hear(statusNew)
		r.say(jsonCall("1", toEcho, "echo", `"hi"`))
		r.hear(`{"type":"call_response","callId":"1","success":true,"result":{"json":"hi","meta":{}}}`)
		r.say(jsonCall("2", toCounter, "subscribe", ``))
		r.hear(`{"type":"call_response","callId":"2","success":true,"result":{"json":{"$type":"undefined"},"meta":{}}}`)
		r.say("lmz:ping")
		r.hear("lmz:pong")

		other := m.peer("bob", nil)
		defer closePeer(other)
		if _, err := add.Call(t.Context(), other, lmz.At("COUNTER", "a"), 5); err != nil {
			t.Fatal(err)
		}
		_, data, err := r.conn.Read(t.Context())
		if err != nil || !strings.Contains(string(data), `"type":"incoming_call"`) ||
			!strings.Contains(string(data), `"chain":{"json":[{"type":"get","key":"notify"},{"type":"apply","args":[5]}],"meta":{}}`) ||
			!strings.Contains(string(data), `"callChain":[{"type":"LumenizeDO","bindingName":"COUNTER","instanceName":"a"}]`) {
			t.Errorf("heard %s, %v", data, err)
		}
	})
}

func TestOriginalsClientGetsEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.jsonRaw("ann.tab")
		defer r.conn.CloseNow()
		r.hear(statusNew)
		for _, ignored := range []string{"", "null", "[]", "7", "{", `{"type":"no such type"}`, `{"type":"call_response","callId":"x"}`} {
			r.say(ignored)
		}
		for id, tt := range map[string]struct{ message, code string }{
			"a": {jsonCall("a", `"binding":"NOBODY","instance":"x"`, "echo", ``), "absent"},
			"b": {jsonCall("b", toCounter, "unexposed", ``), "absent"},
			"c": {`{"type":"call","callId":"c",` + toCounter + `}`, "gateway"},
			"d": {`{"type":"call","callId":"d",` + toCounter + `,"chain":{"json":[{"type":"get","key":"add"}],"meta":{}}}`, ""},
			"e": {`{"type":"call","callId":"e",` + toCounter + `,"chain":null}`, ""},
			"f": {jsonCall("f", toCounter, "add", `{"$type":"bigint","value":"x"}`), ""},
		} {
			r.say(tt.message)
			_, data, err := r.conn.Read(t.Context())
			got := string(data)
			if err != nil || !strings.Contains(got, `"callId":"`+id+`","success":false,"error":`) ||
				!strings.Contains(got, `"lmzCode":"`+tt.code) {
				t.Errorf("%s: heard %s, %v", tt.message, got, err)
			}
		}
	})
}

func TestABinaryFrameOnAJSONLinkIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.jsonRaw("ann.tab")
		defer r.conn.CloseNow()
		r.hear(statusNew)
		for _, frame := range []string{"", "\x82\x01", jsonCall("1", toEcho, "echo", `"a"`)} {
			r.write(websocket.MessageBinary, []byte(frame))
		}
		r.say(jsonCall("2", toEcho, "echo", `"b"`))
		r.hear(`{"type":"call_response","callId":"2","success":true,"result":{"json":"b","meta":{}}}`)
		if got := m.gateway.Stats().UnknownFrames; got != 3 {
			t.Errorf("%d frames counted, want 3", got)
		}
	})
}

func TestOriginalsSubscriptionsWithinGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		m.jsonRaw("ann.tab").hearNew()
		m.network.Cut()
		time.Sleep(3 * time.Second) // virtual
		m.network.Heal()
		second := m.jsonRaw("ann.tab")
		second.hear(statusResumed)
		third := m.jsonRaw("ann.tab")
		third.hear(statusResumed) // the original's rule, even if another connection is open
		if code := second.closeCode(); code != proto.CloseSuperseded {
			t.Errorf("the older socket was closed with %d", code)
		}
		m.network.Cut()
		time.Sleep(8 * time.Second) // virtual
		m.network.Heal()
		last := m.jsonRaw("ann.tab")
		defer last.conn.CloseNow()
		last.hear(statusNew)
	})
}

func TestAStatusThatNobodyHeardIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		for range 3 {
			m.jsonRaw("ann.tab").conn.CloseNow() // the status is written, but not read
			time.Sleep(time.Second)              // virtual; the grace period is not over
		}
		heard := m.jsonRaw("ann.tab")
		heard.hearNew()
		heard.conn.CloseNow()
		time.Sleep(time.Second)
		last := m.jsonRaw("ann.tab")
		defer last.conn.CloseNow()
		last.hear(statusResumed)
	})
}

func TestOriginalsLateRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		current := m.jsonRaw("ann.tab")
		defer current.conn.CloseNow()
		current.hearNew()
		abandoned := m.jsonRaw("ann.tab") // nothing reads it
		time.Sleep(3 * time.Second)
		abandoned.conn.CloseNow()
		time.Sleep(time.Second)
		silent := m.jsonRaw("ann.tab")
		time.Sleep(3 * time.Second)
		current.say("lmz:ping")
		current.hear("lmz:pong")
		silent.hear(statusResumed) // it reads, so it answers the ping
		if code := current.closeCode(); code != proto.CloseSuperseded {
			t.Errorf("the older socket was closed with %d", code)
		}
		silent.conn.CloseNow()
	})
}

func TestUnwrittenAnswerOnNewerSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		gate := make(chan struct{})
		m.gateway.HandleWorker("SLOW", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			mux.Expose("wait", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				<-gate
				return "done", nil
			}))
			return mux
		})
		defer m.stop()
		first := m.jsonRaw("ann.tab")
		first.hear(statusNew)
		first.say(jsonCall("1", `"binding":"SLOW"`, "wait", ``))
		synctest.Wait()
		m.network.Cut()
		synctest.Wait()
		close(gate)
		synctest.Wait()
		m.network.Heal()
		second := m.jsonRaw("ann.tab")
		defer second.conn.CloseNow()
		second.hear(statusResumed)
		second.hear(`{"type":"call_response","callId":"1","success":true,"result":{"json":"done","meta":{}}}`)
	})
}

// onlyJSON returns a client of a server that knows only the original's protocol.
func (m *mesh) onlyJSON(o *client.Options) {
	dial := client.DialWith(m.network.Client())
	o.Dial = func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
		return dial(ctx, url, protocols[1:])
	}
}

func TestOurClientSpeaksTheOriginalsProtocol(t *testing.T) {
	for _, tt := range []struct {
		cut  time.Duration
		want int32
	}{{3 * time.Second, 1}, {8 * time.Second, 2}} {
		t.Run(tt.cut.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				p := m.subscriber("ann", m.onlyJSON)
				defer closePeer(p.Peer)
				if got, err := add.Call(t.Context(), p, lmz.At("COUNTER", "a"), 1); err != nil || got != 1 {
					t.Errorf("add: %d, %v", got, err)
				}
				_, err := p.CallRaw(t.Context(), lmz.At("COUNTER", "a"), lmz.Ctn("unexposed"))
				if lmz.CodeOf(err) != lmz.CodeAbsent {
					t.Errorf("who failed is not told: %v", err)
				}
				m.network.Cut()
				synctest.Wait()
				offline := make(chan error, 1)
				go func() {
					_, err := add.Call(t.Context(), p, lmz.At("COUNTER", "a"), 1)
					offline <- err
				}()
				time.Sleep(tt.cut) // virtual
				m.network.Heal()
				if err := <-offline; err != nil {
					t.Errorf("a call that was never sent: %v", err)
				}
				synctest.Wait()
				if p.subscriptions.Load() != tt.want || p.notified.Load() != 2 {
					t.Errorf("subscribed %d times, want %d; notified of %d", p.subscriptions.Load(), tt.want, p.notified.Load())
				}
			})
		})
	}
}

func TestCallToOriginalWhenLinkIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		gate := make(chan struct{})
		m.gateway.HandleWorker("SLOW", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				<-gate
				return nil, nil
			})
		})
		defer m.stop()
		defer close(gate)
		p := m.peer("ann", m.onlyJSON)
		defer closePeer(p)
		done := make(chan error, 1)
		go func() {
			_, err := p.CallRaw(t.Context(), lmz.Worker("SLOW"), lmz.Ctn("x"))
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		m.network.Cut()
		if err := <-done; !errors.Is(err, lmz.ErrOutcomeUnknown) || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		m.network.Heal()
	})
}

// TestJSONAnswerOnALaterSocket cuts the connection of a client between a call and its answer.
func TestJSONAnswerOnALaterSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		m.gateway.HandleWorker("RELAY", patientRelay)
		defer m.stop()
		bob := m.peer("bob", nil)
		defer closePeer(bob)
		first := m.jsonRaw("ann.tab")
		first.hearNew()
		call := relayTo(t, bob, 20*time.Second)
		_, data, err := first.conn.Read(t.Context())
		_, id, _ := strings.Cut(string(data), `"callId":"`)
		id, _, ok := strings.Cut(id, `"`)
		if err != nil || !ok {
			t.Fatalf("heard %s, %v", data, err)
		}
		first.conn.CloseNow()
		time.Sleep(3 * time.Second) // virtual: within the grace period
		second := m.jsonRaw("ann.tab")
		defer second.conn.CloseNow()
		second.hear(statusResumed)
		second.say(`{"type":"incoming_call_response","callId":"` + id + `","success":true,"result":{"json":"late","meta":{}}}`)
		if got := <-call; got != (relayed{got: "late"}) {
			t.Errorf("the call: %+v", got)
		}
	})
}

package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// raw is a client that sends arbitrary frames.
type raw struct {
	t    *testing.T
	conn *websocket.Conn
}

func (m *mesh) raw(instance, token string) *raw {
	m.t.Helper()
	conn, response, err := m.dial(instance, token)
	if err != nil {
		m.t.Fatalf("dial: %v %v", response, err)
	}
	conn.SetReadLimit(proto.MaxFrame)
	return &raw{m.t, conn}
}

func (m *mesh) dial(instance, token string) (*websocket.Conn, *http.Response, error) {
	protocols := []string{proto.SubprotocolCBOR, proto.SubprotocolJSON}
	if token != "" {
		protocols = append(protocols, proto.TokenPrefix+token)
	}
	return websocket.Dial(m.t.Context(), "ws://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/"+instance,
		&websocket.DialOptions{HTTPClient: m.network.Client(), Subprotocols: protocols})
}

func (r *raw) write(kind websocket.MessageType, data []byte) {
	r.t.Helper()
	if err := r.conn.Write(r.t.Context(), kind, data); err != nil {
		r.t.Logf("write: %v", err) // the gateway may have hung up already
	}
}

func (r *raw) frame(f proto.Frame) { r.write(websocket.MessageBinary, f.Append(nil)) }

func (r *raw) read() (proto.Frame, error) {
	_, data, err := r.conn.Read(r.t.Context())
	if err != nil {
		return proto.Frame{}, err
	}
	return proto.ParseFrame(data)
}

// closeCode reads until the gateway hangs up.
func (r *raw) closeCode() websocket.StatusCode {
	for {
		if _, err := r.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func (r *raw) hello() {
	r.t.Helper()
	r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1}})
	if f, err := r.read(); err != nil || f.Kind != proto.KindWelcome {
		r.t.Fatalf("after a hello: %+v, %v", f, err)
	}
}

func TestHostileFramesEndTheirConnection(t *testing.T) {
	call := proto.Frame{Kind: proto.KindCall, To: lmz.At("COUNTER", "a"), Timeout: time.Minute, Context: []byte{0xa0}}
	for name, tt := range map[string]struct {
		greet bool
		send  func(*raw)
		want  websocket.StatusCode
	}{
		"a text message":   {true, func(r *raw) { r.write(websocket.MessageText, []byte("{}")) }, proto.CloseBroken},
		"broken CBOR":      {true, func(r *raw) { r.write(websocket.MessageBinary, []byte{0x9b, 0xff, 1}) }, proto.CloseProtocol},
		"an empty message": {true, func(r *raw) { r.write(websocket.MessageBinary, nil) }, proto.CloseProtocol},
		"too large": {true, func(r *raw) {
			r.write(websocket.MessageBinary, bytes.Repeat([]byte{0x80}, proto.MaxFrame+1))
		}, proto.CloseTooBig},
		"no hello first":  {false, func(r *raw) { r.frame(proto.Frame{Kind: proto.KindPing}) }, proto.CloseProtocol},
		"no hello at all": {false, func(*raw) {}, proto.CloseTimeout},
		"a skipped number": {true, func(r *raw) {
			f := call
			f.Seq = 7
			r.frame(f)
		}, proto.CloseProtocol},
		"an ack of nothing": {true, func(r *raw) { r.frame(proto.Frame{Kind: proto.KindAck, Ack: 9}) }, proto.CloseProtocol},
		"silence":           {true, func(*raw) {}, proto.CloseTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				good := m.peer("bob", nil)
				defer closePeer(good)
				r := m.raw("ann.tab", token("ann", time.Time{}))
				if tt.greet {
					r.hello()
				}
				tt.send(r)
				if got := r.closeCode(); got != tt.want {
					t.Errorf("closed with %d, want %d", got, tt.want)
				}
				if _, err := add.Call(t.Context(), good, lmz.At("COUNTER", "a"), 1); err != nil {
					t.Errorf("another client: %v", err)
				}
			})
		})
	}
}

func TestHostileCallsGetErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		chain := func(c lmz.Continuation) []byte {
			data, err := value.MarshalChain(c)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		for i, tt := range []struct {
			to    lmz.Address
			chain []byte
			want  lmz.Code
		}{
			{lmz.At("COUNTER", "a"), nil, lmz.CodeCallee},
			{lmz.At("COUNTER", "a"), []byte{0xff}, lmz.CodeCallee},
			{lmz.At("COUNTER", "a"), []byte{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, lmz.CodeCallee},
			{lmz.At("COUNTER", "a"), []byte{0x81, 0x65, 't', 'o', 't', 'a', 'l'}, lmz.CodeCallee},
			{lmz.At("COUNTER", "a"), chain(lmz.Ctn("KV")), lmz.CodeAbsent},
			{lmz.At("COUNTER", "a"), chain(lmz.Ctn("HandleCall")), lmz.CodeAbsent},
			{lmz.At("COUNTER", "a"), chain(lmz.Ctn("__proto__")), lmz.CodeAbsent},
			{lmz.Worker("COUNTER"), chain(lmz.Ctn("add", 1)), lmz.CodeAbsent},
			{lmz.At("COUNTER", strings.Repeat("x", 2000)), chain(lmz.Ctn("add", 1)), lmz.CodeAbsent},
			{lmz.At("COUNTER", "\xff"), chain(lmz.Ctn("add", 1)), lmz.CodeAbsent},
			{lmz.At("COUNTER", "../../etc/passwd"), chain(lmz.Ctn("add", 1)), ""},
			{lmz.At("COUNTER", "a/b 😀\x00"), chain(lmz.Ctn("add", 1)), ""},
			{lmz.At("ECHO", "instance"), chain(lmz.Ctn("echo", "x")), lmz.CodeAbsent},
			{lmz.At("NOBODY", "a"), chain(lmz.Ctn("x")), lmz.CodeAbsent},
			{lmz.Worker(""), chain(lmz.Ctn("x")), lmz.CodeAbsent},
			{lmz.At(lmz.DefaultGateway, "nobody.tab"), chain(lmz.Ctn("x")), lmz.CodeGateway},
			{lmz.Worker("ECHO"), chain(lmz.Ctn("echo", 5)), lmz.CodeCallee},
		} {
			r.frame(proto.Frame{
				Kind: proto.KindCall, Seq: uint64(i + 1), To: tt.to, Timeout: time.Minute,
				Context: []byte("a lie about who calls"), Payload: tt.chain,
			})
			f, err := r.read()
			for err == nil && f.Kind != proto.KindAnswer {
				f, err = r.read()
			}
			if err != nil || f.Failed != tt.want || f.Call != uint64(i+1) {
				t.Errorf("%s %q: got %q for call %d, %v; want %q", tt.to, tt.chain, f.Failed, f.Call, err, tt.want)
			}
		}
		r.write(websocket.MessageBinary, []byte{0x81, 0x18, 0x63}) // a kind from a later version
		r.frame(proto.Frame{Kind: proto.KindPing})
		for {
			f, err := r.read()
			if err != nil {
				t.Fatalf("after an unknown kind: %v", err)
			}
			if f.Kind == proto.KindPong {
				break
			}
		}
	})
}

func TestWhoMayNotComeInIsRefusedWithItsStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		good := token("ann", time.Time{})
		for name, tt := range map[string]struct {
			instance, token string
			status          int
		}{
			"no token":              {"ann.tab", "", 401},
			"a bad token":           {"ann.tab", strings.TrimSuffix(good, "good") + "bad", 401},
			"another user's name":   {"bob.tab", good, 403},
			"no tab":                {"ann", good, 403},
			"an empty tab":          {"ann.", good, 403},
			"a long name":           {"ann." + strings.Repeat("x", 300), good, 403},
			"a name with a newline": {"ann.a%0ab", good, 403},
			"a longer path":         {"ann.tab/x", good, 403},
		} {
			conn, response, err := m.dial(tt.instance, tt.token)
			if err == nil {
				conn.CloseNow()
				t.Errorf("%s: came in", name)
			} else if response == nil || response.StatusCode != tt.status {
				t.Errorf("%s: %v, %v; want %d", name, response, err, tt.status)
			}
		}
		request, _ := http.NewRequestWithContext(t.Context(), "GET", "http://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/ann.tab", nil)
		response, err := m.network.Client().Do(request)
		if err != nil || response.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("no upgrade: %v, %v", response, err)
		}
	})
}

func TestCallNeverReachesAnotherUsersClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		victim := m.peer("bob", nil)
		defer closePeer(victim)
		attacker := m.peer("ann", nil)
		defer closePeer(attacker)
		_, err := attacker.CallRaw(t.Context(), victim.Identity().Address, lmz.Ctn("handleContentUpdate"))
		if lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("a client called another: %v", err)
		}
		ctx := node.WithCallContext(context.Background(), lmz.CallContext{
			Chain: []lmz.Identity{victim.Identity()}, Auth: &lmz.Auth{Subject: "bob"},
		})
		_, err = attacker.CallRaw(ctx, victim.Identity().Address, lmz.Ctn("handleContentUpdate"))
		var e *lmz.Error
		if !errors.As(err, &e) || e.Code != lmz.CodeGuard {
			t.Errorf("a client called another with a forged context: %v", err)
		}
	})
}

package gateway_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

// startCounting starts a gateway on a real socket.
func startCounting(t *testing.T, grace time.Duration) (*gateway.Gateway, *httptest.Server) {
	t.Helper()
	g, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: verify, Log: slog.New(slog.DiscardHandler), Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	g.HandleObject("COUNTER", object.Kind{New: newCounter})
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, server
}

// TestBytesOfARememberedClient measures the memory kept for each client that has gone, by how
// it left. With a connection it would be more than 13,000 bytes, and with its messages even
// more.
func TestBytesOfARememberedClient(t *testing.T) {
	const grace, most = 10 * time.Millisecond, 1000
	clients := 500
	if os.Getenv("LMZ_SOAK") != "" {
		clients = 4000
	}
	g, server := startCounting(t, grace)
	names := 0
	dial := func(protocol string) *raw {
		t.Helper()
		names++
		user := fmt.Sprintf("ann%d", names%20)
		url := fmt.Sprintf("%s/gateway/LUMENIZE_CLIENT_GATEWAY/%s.tab%d?%s", server.URL, user, names, strings.Repeat("x", 4000))
		conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http"), &websocket.DialOptions{
			Subprotocols: []string{protocol, proto.TokenPrefix + token(user, time.Now().Add(time.Hour))},
		})
		if err != nil {
			t.Fatal(err)
		}
		return &raw{t, conn}
	}
	gone := func() {
		t.Helper()
		poll.Until(t, "all sessions have ended", func() bool {
			s := g.Stats()
			return s.Connections+s.Sessions == 0
		})
	}
	for kind, come := range map[string]func(){
		"CBOR that says goodbye": func() {
			r := dial(proto.SubprotocolCBOR)
			r.hello()
			r.ask(1, lmz.At("COUNTER", "a"), lmz.Ctn("add", 1))
			r.answer()
			r.conn.Close(websocket.StatusNormalClosure, "")
		},
		"CBOR that is lost": func() {
			r := dial(proto.SubprotocolCBOR)
			r.hello()
			r.ask(1, lmz.At("COUNTER", "a"), lmz.Ctn("add", 1))
			r.answer()
			r.conn.CloseNow()
		},
		"CBOR with a call under way": func() {
			r := dial(proto.SubprotocolCBOR)
			r.hello()
			r.ask(1, lmz.At("COUNTER", "a"), lmz.Ctn("add", 1))
			r.conn.CloseNow()
		},
		"JSON": func() {
			r := dial(proto.SubprotocolJSON)
			r.hear(`{"type":"connection_status","subscriptionRequired":true}`)
			r.conn.CloseNow()
		},
	} {
		t.Run(kind, func(t *testing.T) {
			for range 50 {
				come()
			}
			gone()
			before := heap()
			for range clients {
				come()
			}
			gone()
			if each := (int64(heap()) - int64(before)) / int64(clients); each > most {
				t.Errorf("%d bytes are kept of each client that has gone, want at most %d", each, most)
			} else {
				t.Logf("%d bytes are kept of each", each)
			}
		})
	}
}

// TestMemoryAfterManyConnects connects 200 clients again and again, each time as a new
// process.
func TestMemoryAfterManyConnects(t *testing.T) {
	const clients, grace, most = 200, 10 * time.Millisecond, 8 << 20
	connects := 10 * clients
	if os.Getenv("LMZ_SOAK") != "" {
		connects = 165_000
	}
	g, server := startCounting(t, grace)
	come := func(n int) {
		user := fmt.Sprintf("ann%d", n%clients)
		url := fmt.Sprintf("%s/gateway/LUMENIZE_CLIENT_GATEWAY/%s.tab", server.URL, user)
		conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http"), &websocket.DialOptions{
			Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + token(user, time.Now().Add(time.Hour))},
		})
		if err != nil {
			t.Error(err)
			return
		}
		r := &raw{t, conn}
		session := proto.SessionID{1}
		binary.BigEndian.PutUint64(session[8:], uint64(n))
		r.frame(proto.Frame{Kind: proto.KindHello, Session: session})
		r.read()
		r.ask(1, lmz.At("COUNTER", user), lmz.Ctn("add", 1))
		r.answer()
		conn.CloseNow()
	}
	all := func(from, to int) {
		var work sync.WaitGroup
		const at = 4 // at a time
		for i := range at {
			work.Go(func() {
				for n := from + i; n < to; n += at {
					come(n)
				}
			})
		}
		work.Wait()
		poll.Until(t, "all sessions have ended", func() bool {
			s := g.Stats()
			return s.Connections+s.Sessions == 0
		})
	}
	all(0, clients)
	before := heap()
	all(clients, clients+connects)
	kept := int64(heap()) - int64(before)
	t.Logf("%d bytes are kept after %d connects of %d clients", kept, connects, clients)
	if kept > most {
		t.Errorf("%d bytes are kept, want at most %d", kept, most)
	}
}

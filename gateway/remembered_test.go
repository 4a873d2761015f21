package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

// TestBytesOfARememberedClient counts what is kept of each client that has gone, by how it
// went. With a connection it would be more than 13,000 bytes, with what it said even more.
func TestBytesOfARememberedClient(t *testing.T) {
	const grace, most = 10 * time.Millisecond, 1000
	clients := 500
	if os.Getenv("LMZ_SOAK") != "" {
		clients = 4000
	}
	g, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: verify, Log: slog.New(slog.DiscardHandler), Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.Object("COUNTER", object.Kind{New: newCounter})
	server := httptest.NewServer(g)
	defer server.Close()
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
		for s := g.Stats(); s.Connections+s.Sessions > 0; s = g.Stats() {
			time.Sleep(grace)
		}
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

package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

const (
	join lmz.Method0[struct{}]         = "join"
	say  lmz.Method1[string, struct{}] = "say"
	hear lmz.Method1[string, struct{}] = "hear"
)

// newRoom returns an object that repeats what it is told to everyone in it.
func newRoom(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	here := make(map[string]bool)
	join.Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
		c, _ := lmz.CallContextFrom(ctx)
		here[c.Caller().Instance] = true
		return struct{}{}, nil
	})
	say.Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (struct{}, error) {
		for who := range here {
			if err := o.Send(lmz.NewChain(ctx), lmz.At(lmz.DefaultGateway, who), hear.Ctn(text)); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return mux
}

// TestClientsThatNeverReadDisturbNobody stops a tenth of the clients in a room from reading,
// on real sockets, and then says 6 MB in it, more than a session may keep. The others hear
// everything, and the gateway frees what it kept for the tenth.
func TestClientsThatNeverReadDisturbNobody(t *testing.T) {
	const said, size = 100, 60_000
	good, bad := 27, 3
	if os.Getenv("LMZ_SOAK") != "" {
		good, bad = 900, 100
	}
	g, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: verify, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	g.HandleObject("ROOM", object.Kind{New: newRoom})
	server := httptest.NewServer(g)
	defer server.Close()
	defer g.Close()
	room := lmz.At("ROOM", "r")

	for i := range bad {
		defer neverReads(t, server.URL, fmt.Sprintf("bad%d", i)).CloseNow()
	}
	var heard atomic.Int64
	var peers []*client.Peer
	for i := range good {
		subject := fmt.Sprintf("good%d", i)
		mux := new(lmz.Mux)
		hear.Expose(mux, lmz.Anyone, func(context.Context, string) (struct{}, error) {
			heard.Add(1)
			return struct{}{}, nil
		})
		p, err := client.New(client.Options{URL: server.URL, Handler: mux, Token: func(context.Context, string) (string, error) {
			return token(subject, time.Time{}), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer closePeer(p)
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := join.Call(t.Context(), p, room); err != nil {
			t.Fatal(err)
		}
		peers = append(peers, p)
	}
	before := heap() // includes the clients, which run in this process
	text := strings.Repeat("x", size)
	var said6MB sync.WaitGroup
	said6MB.Go(func() {
		for range said {
			if _, err := say.Call(t.Context(), peers[0], room, text); err != nil {
				t.Errorf("say: %v", err)
				return
			}
		}
	})
	said6MB.Wait()
	poll.UntilNil(t, func() error {
		if got := heard.Load(); got < int64(good*said) {
			return fmt.Errorf("the good clients heard %d of %d", got, good*said)
		}
		return nil
	})
	if got := heard.Load(); got != int64(good*said) {
		t.Errorf("the good clients heard %d, want %d", got, good*said)
	}
	for i := range bad { // a client that missed something learns it: its session ends
		to := lmz.At(lmz.DefaultGateway, fmt.Sprintf("bad%d.tab", i))
		poll.Until(t, fmt.Sprintf("the session of bad%d has ended", i), func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := peers[0].CallRaw(ctx, to, lmz.Ctn("hear", "?"))
			_, ended := lmz.DisconnectedClient(err)
			return ended
		})
	}
	// If their sessions had not ended, 6 MB would be kept for each of the bad clients.
	limit := before + 30<<20
	inUse := heap()
	poll.UntilNil(t, func() error { // the last acknowledgements arrive late
		if inUse = heap(); inUse > limit {
			return fmt.Errorf("%d MB are in use", inUse>>20)
		}
		return nil
	})
	t.Logf("%d MB are in use, %d MB were before", inUse>>20, before>>20)
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// neverReads joins the room and then stops reading.
func neverReads(t *testing.T, url, subject string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"/gateway/LUMENIZE_CLIENT_GATEWAY/"+subject+".tab",
		&websocket.DialOptions{Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + token(subject, time.Time{})}})
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t, conn}
	r.hello()
	chain, err := value.MarshalChain(join.Ctn())
	if err != nil {
		t.Fatal(err)
	}
	r.frame(proto.Frame{Kind: proto.KindCall, Seq: 1, To: lmz.At("ROOM", "r"), Timeout: time.Minute, Context: []byte{0xa0}, Payload: chain})
	for {
		f, err := r.read()
		if err != nil {
			t.Fatal(err)
		}
		if f.Kind == proto.KindAnswer {
			return conn
		}
	}
}

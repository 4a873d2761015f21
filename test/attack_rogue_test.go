package test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// loot counts the outcomes of an attack.
type loot struct {
	mu  sync.Mutex
	got map[string]int
}

var digits = regexp.MustCompile(`[0-9]+`)

func (l *loot) add(what string) {
	what = digits.ReplaceAllString(what, "#")
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.got) < 100 {
		l.got[what]++
	}
}

// String lists the outcomes, the most frequent first.
func (l *loot) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := slices.SortedFunc(maps.Keys(l.got), func(a, b string) int { return l.got[b] - l.got[a] })
	var parts []string
	for _, kind := range kinds[:min(5, len(kinds))] {
		parts = append(parts, fmt.Sprintf("%d× %s", l.got[kind], kind))
	}
	return strings.Join(parts, "; ")
}

// manners are how a tab behaves toward the gateway.
type manners struct {
	deaf     bool          // answers no calls
	ackEvery time.Duration // 0: as honest clients do
	perSec   int           // bytes read per second; 0: unlimited
}

// rogue is a connection of an attacker, who sends handmade frames.
type rogue struct {
	conn  *websocket.Conn
	at    lmz.Address
	loot  *loot
	deaf  bool
	ended chan struct{} // closed when the connection has ended

	mu       sync.Mutex // held while a frame is written, so that sequence numbers stay in order
	seq, ack uint64
	waiting  map[uint64]chan proto.Frame
}

// dialRogue connects as a client of the token's subject.
func dialRogue(ctx context.Context, server, subject, token, name string, l *loot, m manners) (*rogue, error) {
	dialer := new(net.Dialer)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		if err == nil && m.perSec > 0 {
			c = slowLine(c, m.perSec)
		}
		return c, err
	}}
	instance := subject + "." + name
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(server, "http")+"/gateway/"+lmz.DefaultGateway+"/"+instance,
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + token}})
	if err != nil {
		if response != nil {
			l.add("connect " + response.Status)
		}
		return nil, err
	}
	conn.SetReadLimit(proto.MaxFrame)
	t := &rogue{
		conn: conn, at: lmz.At(lmz.DefaultGateway, instance), loot: l, deaf: m.deaf,
		ended: make(chan struct{}), waiting: make(map[uint64]chan proto.Frame),
	}
	session := proto.SessionID{1}
	copy(session[1:], fmt.Sprint(time.Now().UnixNano()))
	t.write(proto.Frame{Kind: proto.KindHello, Session: session})
	go t.read()
	every := m.ackEvery
	if every == 0 {
		every = 100 * time.Millisecond
	}
	go t.keepAlive(every)
	return t, nil
}

// slowConn limits the read rate to that of its line.
type slowConn struct {
	net.Conn
	perSec int
}

func slowLine(c net.Conn, perSec int) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetReadBuffer(64 << 10) // so that data queues up at the gateway
	}
	return &slowConn{c, perSec}
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), 16<<10)])
	pause(context.Background(), time.Duration(n)*time.Second/time.Duration(c.perSec))
	return n, err
}

func (t *rogue) write(f proto.Frame) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return t.conn.Write(ctx, websocket.MessageBinary, f.Append(nil))
}

// read reads until the connection ends.
func (t *rogue) read() {
	defer close(t.ended)
	for {
		_, data, err := t.conn.Read(context.Background())
		if err != nil {
			t.loot.add(fmt.Sprintf("closed with code %s", codeWords[websocket.CloseStatus(err)]))
			return
		}
		f, err := proto.ParseFrame(data)
		if err != nil || !f.Kind.Numbered() {
			continue
		}
		t.mu.Lock()
		t.ack = max(t.ack, f.Seq)
		if f.Kind == proto.KindCall && !f.NoReply && !t.deaf {
			t.seq++
			t.write(proto.Frame{Kind: proto.KindAnswer, Seq: t.seq, Ack: t.ack, Call: f.Seq, Payload: []byte{0xf7}})
		}
		answered := t.waiting[f.Call]
		if f.Kind == proto.KindAnswer {
			delete(t.waiting, f.Call)
		}
		t.mu.Unlock()
		if f.Kind == proto.KindAnswer {
			t.loot.add(outcomeOf(f))
			if answered != nil {
				answered <- f
			}
		}
	}
}

// codeWords names close codes in letters, because loot has no digits.
var codeWords = map[websocket.StatusCode]string{
	-1: "none", 1000: "normal", 1001: "going away", 1002: "protocol", 1006: "abnormal", 1009: "too big", 4401: "token", 4408: "timeout",
	4409: "superseded", 4410: "broken", 4413: "overflow",
}

// outcomeOf returns a short name for an answer.
func outcomeOf(f proto.Frame) string {
	if f.Failed == "" {
		return "ok"
	}
	var v any
	value.Unmarshal(f.Payload, &v)
	if e, ok := v.(*lmz.Error); ok {
		return fmt.Sprintf("%s %s %.60s", f.Failed, e.Name, e.Message)
	}
	return string(f.Failed)
}

func (t *rogue) keepAlive(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	acked := uint64(0)
	for n := 0; ; n++ {
		select {
		case <-t.ended:
			return
		case <-ticker.C:
		}
		t.mu.Lock()
		if t.ack > acked {
			acked = t.ack
			t.write(proto.Frame{Kind: proto.KindAck, Ack: acked})
		}
		if n%100 == 99 {
			t.write(proto.Frame{Kind: proto.KindPing})
		}
		t.mu.Unlock()
	}
}

// encoded returns a chain as it is sent.
func encoded(c lmz.Continuation) []byte {
	chain, err := value.MarshalChain(c)
	if err != nil {
		panic(err)
	}
	return chain
}

// send sends a call without waiting for its answer, which the loot counts.
func (t *rogue) send(to lmz.Address, chain []byte) error { return t.frame(to, chain, false, nil) }

// frame sends a call. Its answer goes to the channel, if there is one.
func (t *rogue) frame(to lmz.Address, chain []byte, noReply bool, answer chan proto.Frame) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	if answer != nil {
		t.waiting[t.seq] = answer
	}
	return t.write(proto.Frame{
		Kind: proto.KindCall, Seq: t.seq, Ack: t.ack, To: to, Timeout: 5 * time.Minute, NoReply: noReply,
		Context: []byte{0xa0}, Payload: chain,
	})
}

// call sends a call and waits for its answer, or for the end of the connection.
func (t *rogue) call(ctx context.Context, to lmz.Address, c lmz.Continuation) (any, error) {
	answer := make(chan proto.Frame, 1)
	if err := t.frame(to, encoded(c), false, answer); err != nil {
		return nil, err
	}
	select {
	case f := <-answer:
		var v any
		if err := value.Unmarshal(f.Payload, &v); err != nil {
			return nil, err
		}
		if f.Failed != "" {
			return nil, fmt.Errorf("%s: %v", f.Failed, v)
		}
		return v, nil
	case <-t.ended:
		return nil, fmt.Errorf("the connection ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close says goodbye, so that the session ends at once.
func (t *rogue) close() { t.conn.Close(websocket.StatusNormalClosure, "") }

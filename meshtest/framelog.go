package meshtest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
)

// maxLines is how many lines a frame log keeps.
const maxLines = 1000

// frameLog records the events on the network for a test that fails.
type frameLog struct {
	start time.Time

	mu      sync.Mutex // guards the following fields
	lines   []string   // a ring
	dropped int
}

func newFrameLog() *frameLog { return &frameLog{start: time.Now()} }

func (l *frameLog) add(line string) {
	l.addAt(time.Since(l.start), func() string { return line })
}

// Write implements io.Writer for the gateway's own log.
func (l *frameLog) Write(b []byte) (int, error) {
	l.add("gateway: " + strings.TrimSpace(string(b)))
	return len(b), nil
}

func (l *frameLog) addAt(at time.Duration, line func() string) {
	text := fmt.Sprintf("%12s %s", at, line())
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < maxLines {
		l.lines = append(l.lines, text)
		return
	}
	l.lines[l.dropped%maxLines] = text
	l.dropped++
}

// String returns the lines, oldest first.
func (l *frameLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	if l.dropped > 0 {
		fmt.Fprintf(&b, "(%d lines before)\n", l.dropped)
	}
	for i := range l.lines {
		b.WriteString(l.lines[(l.dropped+i)%len(l.lines)] + "\n")
	}
	return b.String()
}

// loggedTransport is a client's socket that logs its frames.
type loggedTransport struct {
	client.Transport
	client string
	log    *frameLog
	late   time.Duration // by which the first written frame is delayed
}

// Subprotocol returns the negotiated subprotocol.
func (t *loggedTransport) Subprotocol() string {
	s, _ := t.Transport.(interface{ Subprotocol() string })
	if s == nil {
		return proto.SubprotocolCBOR
	}
	return s.Subprotocol()
}

// Read implements [client.Transport].
func (t *loggedTransport) Read() ([]byte, error) {
	message, err := t.Transport.Read()
	if err != nil {
		t.log.add(t.client + " <- " + err.Error())
	} else {
		t.log.add(t.client + " <- " + describe(message))
	}
	return message, err
}

// Write implements [client.Transport].
func (t *loggedTransport) Write(message []byte) error {
	if t.late > 0 {
		time.Sleep(t.late)
		t.late = 0
	}
	t.log.add(t.client + " -> " + describe(message))
	return t.Transport.Write(message)
}

// Close implements [client.Transport].
func (t *loggedTransport) Close(code int, reason string) error {
	t.log.add(fmt.Sprintf("%s -> close %d %s", t.client, code, reason))
	return t.Transport.Close(code, reason)
}

// describe describes a message in a few words.
func describe(message []byte) string {
	if len(message) > 0 && (message[0] == '{' || message[0] == 'l') {
		return string(message[:min(len(message), 200)])
	}
	f, err := proto.ParseFrame(message)
	if err != nil {
		return fmt.Sprintf("broken frame %x", message[:min(len(message), 40)])
	}
	switch f.Kind {
	case proto.KindCall:
		again := ""
		if f.Again != (proto.CallID{}) {
			again = fmt.Sprintf(" again, was %s/%d", short(f.Again.Session), f.Again.Number)
		}
		return fmt.Sprintf("call %d to %s within %v, ack %d%s", f.Seq, f.To, f.Timeout, f.Ack, again)
	case proto.KindAnswer:
		return fmt.Sprintf("answer %d to call %d %q, ack %d", f.Seq, f.Call, f.Failed, f.Ack)
	case proto.KindCancel:
		return fmt.Sprintf("cancel %d of call %d, ack %d", f.Seq, f.Call, f.Ack)
	case proto.KindMissed:
		return fmt.Sprintf("missed %d: %d calls of %s, ack %d", f.Seq, f.Count, f.From, f.Ack)
	case proto.KindHello:
		return fmt.Sprintf("hello, session %s, resume %s, ack %d", short(f.Session), short(f.Resume), f.Ack)
	case proto.KindWelcome:
		return fmt.Sprintf("welcome, resumed %v, ack %d", f.Resumed, f.Ack)
	case proto.KindAck:
		return fmt.Sprintf("ack %d", f.Ack)
	case proto.KindPing:
		return "ping"
	case proto.KindPong:
		return "pong"
	}
	return fmt.Sprintf("frame of kind %d", f.Kind)
}

func short(id proto.SessionID) string {
	if id == (proto.SessionID{}) {
		return "none"
	}
	return fmt.Sprintf("%x", id[:3])
}

package client_test

import (
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
	"github.com/lumenize/lmz/internal/value"
)

// pipe is one direction of a socket in memory.
type pipe struct {
	messages chan []byte
	closed   chan struct{}
	dead     atomic.Bool // writes vanish
	once     sync.Once
	err      error
}

func newPipe() *pipe { return &pipe{messages: make(chan []byte, 1000), closed: make(chan struct{})} }

func (p *pipe) close(err error) {
	p.once.Do(func() {
		p.err = err
		close(p.closed)
	})
}

// socket is one end of a socket in memory.
type socket struct{ in, out *pipe }

func (s *socket) Read() ([]byte, error) {
	select {
	case m := <-s.in.messages: // messages that arrived before a close are read first
		return m, nil
	default:
	}
	select {
	case m := <-s.in.messages:
		return m, nil
	case <-s.in.closed:
		return nil, s.in.err
	}
}

func (s *socket) Write(message []byte) error {
	if s.out.dead.Load() {
		return nil
	}
	select {
	case <-s.out.closed:
		return errors.New("closed")
	case s.out.messages <- message:
		return nil
	}
}

func (s *socket) Close(code int, reason string) error {
	if s.out.dead.Load() { // the other end does not notice
		s.in.close(errors.New("closed here"))
		return nil
	}
	s.out.close(&client.CloseError{Code: code, Reason: reason})
	s.in.close(errors.New("closed here"))
	return nil
}

// loop is the gateway's side of one client: the real state machines, over sockets in memory,
// with a function in place of the mesh. It also runs where a gateway cannot, in GOOS=js.
type loop struct {
	t      *testing.T
	handle func(proto.Frame) (proto.Answer, bool) // false means never answered

	mu      sync.Mutex // guards the following fields
	down    bool
	dials   int
	seat    session.Seat
	session *session.Session
	link    *link.Link
	socket  *socket
	number  uint64
	settled map[uint64]chan proto.Answer
	work    sync.WaitGroup
}

func newLoop(t *testing.T, handle func(proto.Frame) (proto.Answer, bool)) *loop {
	return &loop{t: t, handle: handle, settled: make(map[uint64]chan proto.Answer)}
}

func (g *loop) dial(context.Context, string, []string) (client.Transport, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dials++
	if g.down {
		return nil, &client.DialError{Err: errors.New("the network is down")}
	}
	up, back := newPipe(), newPipe()
	g.number++
	l := link.New(g.number, &socket{in: up, out: back})
	near := &socket{in: back, out: up}
	g.socket = near
	g.work.Go(func() { l.Run(g.receive, g.lost) })
	return near, nil
}

func (g *loop) receive(l *link.Link, message []byte) {
	f, err := proto.ParseFrame(message)
	if err != nil {
		g.t.Errorf("the client sent %x: %v", message, err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case f.Kind == proto.KindHello && g.seat.Superseded(f):
		l.Close(proto.CloseSuperseded, "")
	case f.Kind == proto.KindHello && g.seat.Late(f):
		l.Close(proto.CloseBroken, "")
	case f.Kind == proto.KindHello:
		for _, e := range g.seat.Hello(l.Number, f) {
			g.doSeat(e, l)
		}
	case g.link != l:
	case f.Kind == proto.KindPing:
		l.Send((&proto.Frame{Kind: proto.KindPong}).Append(nil))
	default:
		g.do(g.session.Receive(f))
	}
}

func (g *loop) doSeat(e session.SeatEffect, l *link.Link) {
	switch e := e.(type) {
	case session.CloseLink:
		g.link.Close(e.Code, e.Reason)
	case session.BeginSession:
		g.session = session.New(e.ID, session.Limits{}, time.Now)
	case session.EndSession:
		g.do(g.session.End(e.Reason))
	case session.Welcome:
		g.link = l
		welcome := proto.Frame{Kind: proto.KindWelcome, Resumed: e.Resumed, Ack: g.session.Received(), Heartbeat: 30 * time.Second}
		l.Send(welcome.Append(nil))
		g.do(g.session.Resume(e.PeerReceived, proto.AllFeatures))
	case session.StartGrace:
		time.AfterFunc(5*time.Second, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			for _, e := range g.seat.GraceOver(e.Number) {
				g.doSeat(e, nil)
			}
		})
	}
}

func (g *loop) do(effects []session.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case session.Write:
			if g.link != nil {
				g.link.Send(e.Frame)
			}
		case session.Run:
			number, frame, s := e.Number, e.Frame, g.session
			answer, ok := g.handle(frame)
			if ok {
				g.work.Go(func() {
					g.mu.Lock()
					defer g.mu.Unlock()
					g.do(s.Answer(number, answer))
				})
			}
		case session.Settle:
			g.settled[e.Key] <- e.Answer
		case session.Break:
			g.t.Errorf("the client broke the protocol: %s", e.Reason)
		}
	}
}

// answerLater answers a call with "x" when release is closed. g.mu is held.
func (g *loop) answerLater(release <-chan struct{}, number uint64) {
	s := g.session
	g.work.Go(func() {
		<-release
		g.mu.Lock()
		defer g.mu.Unlock()
		g.do(s.Answer(number, proto.NewAnswer("x", nil)))
	})
}

func (g *loop) lost(l *link.Link, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.link == l {
		g.link = nil
		g.session.Unlink()
	}
	var closed *client.CloseError
	goodbye := errors.As(err, &closed) && closed.Code == proto.CloseNormal
	for _, e := range g.seat.Lost(l.Number, goodbye) {
		g.doSeat(e, nil)
	}
}

// cut breaks the socket and makes dials fail, until heal.
func (g *loop) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = true
	if g.link != nil {
		g.link.Close(proto.CloseGoingAway, "cut")
	}
}

func (g *loop) heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = false
}

// call calls the client with from as origin and caller, and returns its answer.
func (g *loop) call(key uint64, from lmz.Identity, c lmz.Continuation) chan proto.Answer {
	chain, err := value.MarshalChain(c)
	if err != nil {
		g.t.Fatal(err)
	}
	callContext, err := proto.MarshalContext(lmz.CallContext{Chain: []lmz.Identity{from}})
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	answer := make(chan proto.Answer, 1)
	g.settled[key] = answer
	g.do(g.session.Call(key, proto.Frame{Timeout: time.Minute, Context: callContext, Payload: chain}, false))
	return answer
}

// annsToken is an access token of ann that never expires.
var annsToken = "h." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"ann"}`)) + ".s"

// peer returns a client of g; edit changes its options first.
func (g *loop) peer(edit func(*client.Options)) *client.Peer {
	g.t.Helper()
	o := client.Options{
		URL: "http://loop", Tab: "tab", Dial: g.dial,
		Token: func(context.Context, string) (string, error) {
			return annsToken, nil
		},
	}
	if edit != nil {
		edit(&o)
	}
	p, err := client.New(o)
	if err != nil {
		g.t.Fatal(err)
	}
	return p
}

func (g *loop) connected(edit func(*client.Options)) *client.Peer {
	g.t.Helper()
	p := g.peer(edit)
	if err := p.Connect(g.t.Context()); err != nil {
		g.t.Fatalf("connect: %v", err)
	}
	return p
}

// end closes p and waits until all goroutines of the test have ended.
func (g *loop) end(p *client.Peer) {
	p.Close()
	p.Wait()
	g.work.Wait()
}

package gateway

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
)

// client is a client as its neighbours see it: an address with a session, over
// whichever connection it has now. It feeds the two state machines and does what
// they say.
type client struct {
	gateway     *Gateway
	front       *front
	self        lmz.Identity
	connections int // of this address that may still greet; guarded by gateway.mu

	// order is held while what arrived is carried on, so that calls are delivered in
	// the order in which they were made, also when one connection takes over from
	// another. It is taken before mu.
	order sync.Mutex

	mu      sync.Mutex // guards the following fields
	seat    session.Seat
	session *session.Session // nil when the seat is free
	json    *session.JSON    // the dialect of a session over JSON, or nil
	back    []proto.Frame    // what it has to tell the session
	auth    *lmz.Auth        // of the current connection
	link    *link.Link       // the current connection's, or nil
	expired func() bool      // reports whether the token of that has expired
	nextKey uint64
	calls   map[uint64]*outgoing
	running map[uint64]context.CancelFunc // the client's calls by number
	kept    map[uint64]keptAnswer         // its calls to objects, until it has their answers
	sends   int                           // its calls without an answer that are under way
	ended   []func()                      // wait for the end of the session
	toldOf  []func()                      // those of a session that has just ended
}

// keptAnswer is a call whose outcome its object keeps.
type keptAnswer struct {
	object lmz.Address
	id     proto.CallID
}

// outgoing is a call to the client.
type outgoing struct {
	done func(proto.Answer)
	stop func() bool // stops watching the caller's ctx
}

// Bounds of a session at the gateway (PROTOCOL.md, "Limits"). Beyond them
// the session ends with CloseOverflow.
const (
	maxInFlight     = 256
	maxWaiting      = 1000 // calls that wait, and frames that are not acknowledged
	maxSends        = 1000 // calls without an answer that are under way; more are dropped
	maxWaitingBytes = 4 << 20
)

// seat returns the client with this instance name, new if nobody has it yet, or nil
// when the gateway closes.
func (g *Gateway) seat(f *front, instance string) *client {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	address := lmz.At(f.binding, instance)
	c := g.clients[address]
	if c == nil {
		c = &client{
			gateway: g,
			front:   f,
			self:    lmz.Identity{Type: lmz.TypeClient, Address: address},
			calls:   make(map[uint64]*outgoing),
			running: make(map[uint64]context.CancelFunc),
			kept:    make(map[uint64]keptAnswer),
		}
		g.clients[address] = c
	}
	c.connections++
	return c
}

// leave says that a connection which asked for the seat has ended.
func (g *Gateway) leave(c *client) {
	g.mu.Lock()
	c.connections--
	g.mu.Unlock()
	g.retire(c)
}

// maxRetired is how many clients without connection and session are remembered, each
// with some hundred bytes: so that one which comes back learns whether it was superseded.
const maxRetired = 4096

// retire puts a client without connection and session last among those that are
// remembered, and forgets the first.
func (g *Gateway) retire(c *client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.idle(c) {
		return
	}
	again := func(other *client) bool { return other == c } // it was here before
	g.retired = append(slices.DeleteFunc(g.retired, again), c)
	if len(g.retired) <= maxRetired {
		return
	}
	first := g.retired[0]
	g.retired = slices.Delete(g.retired, 0, 1)
	if g.idle(first) {
		delete(g.clients, first.self.Address)
	}
}

// idle reports whether a client that is remembered has neither a connection nor a
// session. g.mu is held.
func (g *Gateway) idle(c *client) bool {
	return c.connections == 0 && !c.hasSession() && g.clients[c.self.Address] == c
}

// hasSession reports whether the client is connected or in its grace period.
func (c *client) hasSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seat.Taken()
}

// step does one event under the lock, and what follows from it: frames are written
// at once, everything that may call another node comes after, without the lock.
func (c *client) step(event func() []session.Effect) {
	for _, f := range c.stepLocked(event) {
		f()
	}
}

// stepLocked does one event under the lock, which it gives back also if that panics.
func (c *client) stepLocked(event func() []session.Effect) (later []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.apply(event())
}

// apply does the effects of the session and returns what must wait until c.mu, which
// is held, is not.
func (c *client) apply(effects []session.Effect) (later []func()) {
	for _, e := range effects {
		switch e.Do {
		case session.Write:
			c.write(e.Bytes)
		case session.Settle:
			if call := c.calls[e.Key]; call != nil {
				delete(c.calls, e.Key)
				answer := e.Answer
				later = append(later, func() { call.stop(); call.done(answer) })
			}
		case session.Run:
			later = append(later, c.run(e.Number, e.Frame))
		case session.Stop:
			if cancel := c.running[e.Number]; cancel != nil {
				delete(c.running, e.Number)
				later = append(later, cancel)
			}
		case session.AckLater:
			time.AfterFunc(session.AckDelay, c.ackTimeout)
		case session.StallLater:
			time.AfterFunc(session.StallTimeout, c.stallTimeout)
		case session.Acknowledged:
			if k, ok := c.kept[e.Number]; ok {
				delete(c.kept, e.Number)
				later = append(later, func() { c.gateway.objects.Acknowledged(k.object, k.id) })
			}
		case session.Break:
			c.closeLink(proto.CloseProtocol, e.Reason)
		case session.Refused:
			c.gateway.counts.busySessions.Add(1)
		case session.Overflow:
			later = append(later, func() { c.overflow(e.Reason) })
		}
	}
	later = append(later, c.toldOf...)
	c.toldOf = nil
	if len(c.back) > 0 && c.session != nil {
		f := c.back[0]
		c.back = c.back[1:]
		later = append(later, c.apply(c.session.Receive(f))...)
	}
	return later
}

// write hands a frame to the current connection. c.mu is held.
func (c *client) write(b []byte) {
	if c.link == nil {
		return
	}
	if c.json != nil {
		var back *proto.Frame
		if b, back = c.json.Encode(b); back != nil {
			c.back = append(c.back, *back)
		}
	}
	if b == nil {
		return
	}
	if c.link.Send(b); c.link.Congested() {
		c.gateway.counts.stuckSockets.Add(1)
		c.gateway.log.session.Warn("connection closed", "client", c.self.Instance, "reason", "it does not take what is sent")
		c.abandonLink(proto.CloseOverflow, "too much waits for the client")
	}
}

func (c *client) ackTimeout() {
	c.step(func() []session.Effect {
		if c.session == nil {
			return nil
		}
		return c.session.AckTimeout()
	})
}

func (c *client) stallTimeout() {
	c.step(func() []session.Effect {
		if c.session == nil {
			return nil
		}
		return c.session.StallTimeout()
	})
}

// closeLink closes the current connection, which counts no more. c.mu is held.
func (c *client) closeLink(code int, reason string) {
	if c.json != nil { // what is not written yet goes out on the next one
		c.abandonLink(code, reason)
		return
	}
	if c.link != nil {
		c.link.Close(code, reason)
		c.unlink()
	}
}

// abandonLink is closeLink, but nothing is written any more. c.mu is held.
func (c *client) abandonLink(code int, reason string) {
	if c.link == nil {
		return
	}
	written := c.link.Abandon(code, reason)
	if c.json != nil {
		c.json.Wrote(written)
	}
	c.unlink()
}

// unlink forgets the current connection. c.mu is held.
func (c *client) unlink() {
	c.link = nil
	if c.session != nil {
		c.session.Unlink()
	}
}

// overflow ends a session that lets too much wait.
func (c *client) overflow(reason string) {
	c.gateway.counts.overflows.Add(1)
	c.gateway.log.session.Warn("session ended", "client", c.self.Instance, "reason", reason)
	c.step(func() []session.Effect {
		c.abandonLink(proto.CloseOverflow, reason) // it does not read what would be flushed
		return c.doSeat(c.seat.End(reason))
	})
}

// hello greets a connection. One that speaks JSON goes on with the session that has
// the seat if that speaks JSON too (PROTOCOL.md, "The subprotocol lmz").
func (c *client) hello(from *connection, f proto.Frame) {
	l, json := from.link, from.json
	c.order.Lock() // what the connection before it brought is carried on first
	defer c.order.Unlock()
	c.step(func() []session.Effect {
		switch speaksJSON := c.session != nil && c.json != nil; {
		case json && speaksJSON:
			f.Resume = c.session.ID
		case json || speaksJSON: // the other's session cannot go on
			f.Resume = proto.SessionID{}
		}
		if c.auth != nil && c.auth.Subject != from.auth.Subject { // a hook lets several users have one name
			f.Resume = proto.SessionID{}
		}
		if c.seat.Late(f) {
			l.Close(proto.CloseBroken, "a newer connection of this client is here")
			return nil
		}
		if c.seat.Superseded(f) {
			l.Close(proto.CloseSuperseded, "another client has had this address since")
			return nil
		}
		effects := c.seat.Hello(l.Number, f)
		var out []session.Effect
		for _, e := range effects {
			switch e.Do {
			case session.BeginSession:
				c.json, c.back = nil, nil
				if json {
					c.json = session.NewJSON(proto.GoMessages{}, newSessionID(), true, c.gateway.options.CallLimit)
				}
			case session.Welcome:
				c.link, c.auth, c.expired = l, from.auth, from.expired
			}
			out = append(out, c.doSeat([]session.SeatEffect{e})...)
		}
		return out
	})
}

func newSessionID() (id proto.SessionID) {
	rand.Read(id[:]) // never fails (crypto/rand)
	return id
}

// doSeat does the effects of the seat and returns those of the session. c.mu is
// held.
func (c *client) doSeat(effects []session.SeatEffect) (out []session.Effect) {
	for _, e := range effects {
		switch e.Do {
		case session.CloseLink:
			c.closeLink(e.Code, e.Reason)
		case session.EndSession:
			out = append(out, c.endSession(e.Reason, e.Goodbye)...)
		case session.BeginSession:
			c.session = session.New(e.ID, session.Limits{
				Calls: maxInFlight, Running: maxInFlight, Waiting: maxWaiting, Frames: maxWaiting, Bytes: maxWaitingBytes,
				NeverRefuse: true, Forget: true,
			}, time.Now)
		case session.Welcome:
			out = append(out, c.welcome(e)...)
			c.gateway.log.session.Info("client connected", "client", c.self.Instance, "resumed", e.Resumed)
		case session.StartGrace:
			number := e.Grace
			time.AfterFunc(c.gateway.options.Grace, func() { c.graceOver(number) })
		}
	}
	return out
}

// welcome greets the current connection and goes on with the session. c.mu is held.
func (c *client) welcome(e session.SeatEffect) []session.Effect {
	if c.json != nil {
		c.json.Linked()
		c.link.Send(c.json.Status(!e.Resumed))
		return c.session.Resume(c.json.Written())
	}
	welcome := proto.Frame{
		Kind: proto.KindWelcome, Resumed: e.Resumed, Ack: c.session.Received(),
		Grace: c.gateway.options.Grace, Heartbeat: c.gateway.options.Heartbeat,
	}
	c.link.Send(welcome.Append(nil))
	return c.session.Resume(e.PeerReceived)
}

// endSession ends the session: calls to the client fail with the error that names it.
// Its own calls go on, because it may ask for their outcome in its next session,
// unless it said goodbye. c.mu is held.
func (c *client) endSession(reason string, goodbye bool) []session.Effect {
	if c.session == nil {
		return nil
	}
	effects := c.session.End(reason)
	for i, e := range effects {
		if e.Do == session.Settle {
			effects[i].Answer = c.disconnected(e.Answer.Failed, reason)
		}
	}
	if !goodbye {
		clear(c.running)
	}
	clear(c.kept)
	c.session, c.json, c.back, c.auth = nil, nil, nil, nil
	c.toldOf, c.ended = append(c.toldOf, c.ended...), nil
	c.gateway.log.session.Info("session ended", "client", c.self.Instance, "reason", reason)
	return effects
}

func (c *client) disconnected(code lmz.Code, message string) proto.Answer {
	return proto.ErrorAnswer(lmz.NewClientDisconnected(c.self.Instance, code, message))
}

func (c *client) graceOver(number uint64) {
	c.order.Lock() // callers learn that the session has ended before the next one speaks
	defer c.order.Unlock()
	c.step(func() []session.Effect { return c.doSeat(c.seat.GraceOver(number)) })
	c.gateway.retire(c)
}

// renew says that the client has another token on its current connection.
func (c *client) renew(l *link.Link, auth *lmz.Auth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == l {
		c.auth = auth
	}
}

// advise tells the client on its current connection when to come back.
func (c *client) advise(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && c.json == nil {
		c.link.Send((&proto.Frame{Kind: proto.KindAway, After: after}).Append(nil))
	}
}

// lost is told that a connection has ended.
func (c *client) lost(l *link.Link, goodbye bool) {
	c.order.Lock() // as in graceOver
	c.step(func() []session.Effect {
		if c.link == l {
			if c.json != nil {
				c.json.Wrote(l.Written())
			}
			c.unlink()
		}
		return c.doSeat(c.seat.Lost(l.Number, goodbye))
	})
	c.order.Unlock()
	c.gateway.leave(c)
}

// goAway ends the session because the gateway stops.
func (c *client) goAway() {
	const reason = "the gateway is shutting down"
	c.step(func() []session.Effect {
		c.closeLink(proto.CloseGoingAway, reason)
		return c.doSeat(c.seat.End(reason))
	})
}

// receive takes a frame of the current connection.
func (c *client) receive(l *link.Link, f proto.Frame) {
	if f.Kind == proto.KindAnswer {
		a := c.gateway.checked(proto.Answer{Failed: f.Failed, Payload: f.Payload})
		f.Failed, f.Payload = a.Failed, a.Payload
	}
	c.order.Lock()
	defer c.order.Unlock()
	c.step(func() []session.Effect {
		if c.link != l || c.session == nil { // a connection that was given up
			return nil
		}
		return c.session.Receive(f)
	})
}

// receiveJSON takes a message of the current connection.
func (c *client) receiveJSON(l *link.Link, message []byte) {
	m := session.ParseJSON(proto.GoMessages{}, message) // not under the lock: others wait for that
	m.SetAnswer(c.gateway.checked(m.Answer()))
	c.order.Lock()
	defer c.order.Unlock()
	c.step(func() []session.Effect {
		if c.link != l || c.session == nil {
			return nil
		}
		c.json.Wrote(l.Written())
		f, _, refusal := c.json.Decode(m)
		if refusal != nil {
			c.suspect(slog.LevelWarn, m.To(), "a call that cannot be read")
			l.Send(refusal)
		}
		switch {
		case f.Kind == proto.KindPing:
			c.write((&proto.Frame{Kind: proto.KindPong}).Append(nil))
		case f.Kind.Numbered():
			return c.session.Receive(f)
		case f.Kind == 0 && refusal == nil:
			c.gateway.counts.unknownFrames.Add(1)
		}
		return nil
	})
}

// run prepares a call of the client. It builds the call context from the connection;
// all that it takes from the client is state, which is marked as such. c.mu is held.
func (c *client) run(number uint64, f proto.Frame) func() {
	if f.NoReply && c.sends == maxSends {
		c.gateway.counts.busySessions.Add(1)
		return func() {} // nobody waits to hear of it
	}
	ctx, cancel := context.WithTimeout(c.gateway.ctx, min(f.Timeout, c.gateway.options.CallLimit))
	call := &proto.Call{
		ID: proto.CallID{Session: c.session.ID, Number: number}, To: f.To, Chain: f.Payload, NoReply: f.NoReply,
		Context: lmz.CallContext{Chain: []lmz.Identity{c.self}, Auth: c.auth, ClientState: c.claimed(f)},
	}
	switch {
	case c.json != nil: // it never asks again, so nothing is kept
		call.ID = proto.CallID{}
	case f.Again != proto.CallID{}:
		call.ID, call.Again = f.Again, true
	}
	if !f.NoReply {
		c.running[number] = cancel
		if c.json == nil && c.gateway.isObject(f.To.Binding) {
			c.kept[number] = keptAnswer{f.To, call.ID}
		}
	}
	answer := c.answerer(number, cancel)
	if f.NoReply {
		answer = c.countSend(answer)
	}
	return func() { c.toMesh(ctx, call, answer) }
}

// countSend counts a call without an answer until it has ended. c.mu is held.
func (c *client) countSend(done func(proto.Answer)) func(proto.Answer) {
	c.sends++
	return func(a proto.Answer) {
		c.mu.Lock()
		c.sends--
		c.mu.Unlock()
		done(a)
	}
}

// limitSlack is what a method gets beyond its deadline to say itself that it was over.
const limitSlack = time.Second

// answerer returns what takes the answer to a call of the client, and whose ctx cancel
// ends. A JSON client has no deadline at which it would go on without an answer, so at
// the end of the call limit it gets one in any case. c.mu is held.
func (c *client) answerer(number uint64, cancel func()) func(proto.Answer) {
	current := c.session
	answer := func(a proto.Answer) {
		cancel()
		c.step(func() []session.Effect {
			if c.session != current { // its session has ended: nobody waits
				return nil
			}
			delete(c.running, number)
			return c.session.Answer(number, a)
		})
	}
	if c.json == nil {
		return answer
	}
	timer := time.AfterFunc(c.gateway.options.CallLimit+limitSlack, func() {
		answer(proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeUnknown, Message: "the method did not finish in time, and may still"}))
	})
	return func(a proto.Answer) {
		timer.Stop()
		answer(a)
	}
}

// toMesh carries a call of the client on, if nothing is against it.
func (c *client) toMesh(ctx context.Context, call *proto.Call, done func(proto.Answer)) {
	done = c.logOutcome(call, done)
	if wait := c.gateway.calls.take(call.Context.Auth.Subject, time.Now()); wait > 0 {
		done(proto.ErrorAnswer(lmz.NewRateLimited(wait)))
		return
	}
	if refused := c.front.beforeMesh(ctx, call); refused != nil {
		done(*refused)
		return
	}
	c.gateway.Deliver(ctx, call, done)
}

// deliver carries a call of the mesh to a client.
func (f *front) deliver(ctx context.Context, call *proto.Call, done func(proto.Answer)) {
	g := f.gateway
	f.logCall(call)
	if refused := f.ask(ctx, f.hooks.BeforeCallToClient, call); refused != nil {
		f.logRefused(call)
		done(*refused)
		return
	}
	g.mu.Lock()
	c := g.clients[call.To]
	g.mu.Unlock()
	callContext, err := proto.MarshalContext(call.Context)
	if err != nil {
		failed(done, lmz.CodeGateway, "the call context cannot be sent")
		return
	}
	if c == nil || !c.deliver(ctx, call, callContext, done) {
		done(proto.ErrorAnswer(lmz.NewClientDisconnected(call.To.Instance, lmz.CodeGateway, "Client is not connected")))
	}
}

// deliver hands a call to the client's session, and reports whether there is one.
func (c *client) deliver(ctx context.Context, call *proto.Call, callContext []byte, done func(proto.Answer)) bool {
	taken := false
	c.step(func() []session.Effect {
		if c.session == nil {
			return nil
		}
		if c.link != nil && c.expired() { // the call waits for the next connection
			c.closeLink(proto.CloseTokenExpired, "Token expired")
		}
		taken = true
		c.nextKey++
		key := c.nextKey
		if !call.NoReply {
			c.calls[key] = &outgoing{done: done, stop: context.AfterFunc(ctx, func() { c.giveUp(key, ctx) })}
		}
		return c.session.Call(key, proto.Frame{
			To: call.To, Timeout: proto.Timeout(ctx), NoReply: call.NoReply, Context: callContext, Payload: call.Chain,
		}, false)
	})
	if taken && call.NoReply {
		done(proto.Answer{})
	}
	return taken
}

// giveUp cancels a call because its caller gave up or its deadline passed.
func (c *client) giveUp(key uint64, ctx context.Context) {
	why := "the call was given up"
	if ctx.Err() == context.DeadlineExceeded {
		why = "the deadline passed"
	}
	c.step(func() []session.Effect {
		if c.session == nil || c.calls[key] == nil {
			return nil
		}
		return c.session.Cancel(key, why)
	})
}

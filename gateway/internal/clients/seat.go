package clients

import (
	"crypto/rand"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
)

// hello greets a connection. A client that does not name its session continues the current
// one of the seat, if that uses the same dialect (PROTOCOL.md, "The subprotocol lmz").
func (c *client) hello(from *connection, f proto.Frame) {
	l, traits := from.link, from.dialect.Traits()
	c.order.Lock() // messages of the previous connection are processed first
	defer c.order.Unlock()
	c.step(func() []session.Effect {
		if from.isOver() {
			return nil
		}
		superseded := c.seat.Superseded(f) // before Resume is cleared below
		switch {
		case c.session == nil:
		case c.wire.Dialect() != from.dialect:
			f.Resume = proto.SessionID{}
		case !traits.Hello:
			f.Resume = c.session.ID
		}
		if c.auth != nil && c.auth.Subject != from.auth.Subject { // a hook may let several users share a name
			f.Resume = proto.SessionID{}
		}
		if c.seat.Late(f) {
			l.Close(proto.CloseBroken, "a newer connection of this client is here")
			return nil
		}
		if superseded {
			l.Close(proto.CloseSuperseded, "another client has had this address since")
			return nil
		}
		effects := c.seat.Hello(l.Number, f)
		var out []session.Effect
		for _, e := range effects {
			switch e.(type) {
			case session.BeginSession:
				c.wire = from.dialect.Translator(newSessionID())
			case session.Welcome:
				c.link, c.from, c.auth, c.features = l, from, authority.Seen(from.identity()), f.Features
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

// doSeat carries out the effects of the seat and returns those of the session. c.mu is held.
func (c *client) doSeat(effects []session.SeatEffect) (out []session.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case session.CloseLink:
			c.closeLink(e.Code, e.Reason)
		case session.EndSession:
			out = append(out, c.endSession(e.Reason, e.Goodbye)...)
		case session.BeginSession:
			if c.running == nil {
				c.calls, c.running, c.kept = make(map[uint64]*outgoing), make(map[uint64]runningCall), make(map[uint64]keptAnswer)
			}
			c.session = session.New(e.ID, session.Limits{
				Calls: maxInFlight, Running: maxInFlight, RunningBytes: maxRequestBytes,
				Waiting: maxWaiting, Frames: maxWaiting, Bytes: maxWaitingBytes,
				Policy: session.ForClients(), Forget: true,
			}, time.Now)
		case session.Welcome:
			e.Resumed = e.Resumed && c.wire.Greeted() // otherwise the welcome that asked it to subscribe may be lost
			out = append(out, c.welcome(e)...)
			c.clients.log.Session.Info("client connected", "client", c.self.Instance, "resumed", e.Resumed)
		case session.StartGrace:
			time.AfterFunc(c.clients.options.Grace, func() { c.graceOver(e.Number) })
		}
	}
	return out
}

// welcome greets the current connection and resumes the session. c.mu is held.
func (c *client) welcome(e session.Welcome) []session.Effect {
	welcome := proto.Frame{
		Kind: proto.KindWelcome, Resumed: e.Resumed, Ack: c.session.Received(),
		Grace: c.clients.options.Grace, Heartbeat: c.clients.options.Heartbeat,
		Features: proto.AllFeatures,
		To:       c.self.Address, After: c.from.left(),
	}
	c.wire.Begin(c.link)
	c.wire.Send(welcome.Append(nil))
	return c.session.Resume(c.wire.Received(e.PeerReceived), c.features)
}

// isGreeted reports whether the client is known to have received a welcome in its session.
func (c *client) isGreeted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session == nil || c.wire.Greeted()
}

// setGreeted records that the client has received the welcome over a connection.
func (c *client) setGreeted(l *link.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == l && c.session != nil {
		c.wire.SetGreeted()
	}
}

// endSession ends the session: calls to the client fail with the error that names it. Unless
// it said goodbye, its own calls continue, because it may ask for their outcome in its next
// session. c.mu is held.
func (c *client) endSession(reason string, goodbye bool) []session.Effect {
	if c.session == nil {
		return nil
	}
	effects := c.session.End(reason)
	for i, e := range effects {
		if settle, ok := e.(session.Settle); ok {
			settle.Answer = c.disconnected(settle.Answer.Failed, reason)
			effects[i] = settle
		}
	}
	if !goodbye {
		for number, call := range c.running {
			if !call.kept { // nobody can learn its outcome
				c.toldOf = append(c.toldOf, call.cancel)
			}
			delete(c.running, number)
		}
	}
	clear(c.kept)
	c.session, c.wire, c.auth, c.from = nil, nil, nil, nil
	c.toldOf, c.ended = append(c.toldOf, c.ended...), nil
	c.clients.log.Session.Info("session ended", "client", c.self.Instance, "reason", reason)
	return effects
}

func (c *client) disconnected(code lmz.Code, message string) proto.Answer {
	return proto.ErrorAnswer(node.NewClientDisconnected(c.self.Instance, code, message))
}

func (c *client) graceOver(number uint64) {
	c.order.Lock() // callers learn that the session has ended before the next one sends anything
	defer c.order.Unlock()
	c.step(func() []session.Effect { return c.doSeat(c.seat.GraceOver(number)) })
	c.clients.retire(c)
}

// advise tells the client on its current connection when to reconnect.
func (c *client) advise(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		c.wire.Send((&proto.Frame{Kind: proto.KindAway, After: after}).Append(nil))
	}
}

// lost handles the end of a connection.
func (c *client) lost(l *link.Link, goodbye bool) {
	c.order.Lock() // as in graceOver
	c.step(func() []session.Effect {
		if c.link == l {
			c.unlink()
		}
		return c.doSeat(c.seat.Lost(l.Number, goodbye))
	})
	c.order.Unlock()
	c.clients.leave(c)
}

// goAway ends the session because the gateway is stopping.
func (c *client) goAway() {
	const reason = "the gateway is shutting down"
	c.step(func() []session.Effect {
		c.closeLink(proto.CloseGoingAway, reason)
		return c.doSeat(c.seat.End(reason))
	})
}

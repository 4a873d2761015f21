package clients

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
)

// client is a client as its neighbours see it: an address with a session, over
// whichever connection it has now. It feeds the two state machines and does what
// they say.
type client struct {
	clients     *Clients
	rules       Rules
	self        lmz.Identity
	connections int // of this address that may still greet; guarded by gateway.mu

	// order is held while what arrived is carried on, so that calls are delivered in
	// the order in which they were made, also when one connection takes over from
	// another. It is taken before mu.
	order sync.Mutex

	mu        sync.Mutex // guards the following fields
	seat      session.Seat
	session   *session.Session   // nil when the seat is free
	wire      dialect.Translator // of the session's frames; nil when the seat is free
	auth      *lmz.Auth          // of the current connection, as nodes see it
	from      *connection        // the current one or, in the grace period, the last
	link      *link.Link         // the current connection's, or nil
	features  proto.Features     // what the client on the current connection understands
	nextKey   uint64
	calls     map[uint64]*outgoing
	running   map[uint64]runningCall // the session's calls by number
	kept      map[uint64]keptAnswer  // its calls to objects, until it has their answers
	sends     int                    // its calls without an answer that are under way
	sendBytes int                    // of those
	charged   charged                // to the budget of the client's subject
	ended     []func()               // wait for the end of the session
	toldOf    []func()               // those of a session that has just ended, and what it called if that ends too
}

// keptAnswer is a call whose outcome its object keeps.
type keptAnswer struct {
	object lmz.Address
	id     proto.CallID
}

// runningCall is a call of the client that has no answer yet, or wants none and has not ended.
type runningCall struct {
	cancel context.CancelFunc
	kept   bool // it goes on after the session: its outcome is kept for the client's next one, or nobody asks for it
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
	maxRequestBytes = 16 << 20 // of its calls that wait for an answer; more are refused
)

// seat returns the client with this instance name, new if nobody has it yet, or nil
// when the gateway closes.
func (g *Clients) seat(r Rules, instance string) *client {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	address := lmz.At(r.Binding(), instance)
	c := g.clients[address]
	if c == nil {
		c = &client{
			clients: g,
			rules:   r,
			self:    lmz.Identity{Type: lmz.TypeClient, Address: address},
		}
		g.clients[address] = c
	}
	c.connections++
	return c
}

// leave says that a connection which asked for the seat has ended.
func (g *Clients) leave(c *client) {
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
func (g *Clients) retire(c *client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.idle(c) {
		return
	}
	again := func(other *client) bool { return other == c } // it was here before
	g.retired = append(slices.DeleteFunc(g.retired, again), c)
	c.shed()
	if len(g.retired) <= maxRetired {
		return
	}
	first := g.retired[0]
	g.retired = slices.Delete(g.retired, 0, 1)
	if g.idle(first) {
		delete(g.clients, first.self.Address)
	}
}

// shed lets go of what only a session needs. What is remembered of a client that has gone
// must not grow with what it did: no map that was large once, and no closure over its
// connection, which has buffers of 8 KiB.
func (c *client) shed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil && len(c.calls)+len(c.running)+len(c.kept) == 0 {
		c.calls, c.running, c.kept = nil, nil, nil
	}
}

// idle reports whether a client that is remembered has neither a connection nor a
// session. g.mu is held.
func (g *Clients) idle(c *client) bool {
	return c.connections == 0 && !c.hasSession() && g.clients[c.self.Address] == c
}

// hasSession reports whether the client is connected or in its grace period.
func (c *client) hasSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seat.Taken()
}

// held returns how many bytes are kept for the client: frames and calls that wait for it,
// and its calls that have not ended. It takes no time.
func (c *client) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return c.sendBytes
	}
	return c.session.Held() + c.session.Requests() + c.sendBytes
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
	later = c.apply(event())
	if over := c.charge(); over != nil {
		later = append(later, over)
	}
	return later
}

// apply does the effects of the session and returns what must wait until c.mu, which
// is held, is not.
func (c *client) apply(effects []session.Effect) (later []func()) {
	for _, e := range effects {
		switch e := e.(type) {
		case session.Write:
			c.write(e.Frame)
		case session.Settle:
			if call := c.calls[e.Key]; call != nil {
				delete(c.calls, e.Key)
				later = append(later, func() { call.stop(); call.done(e.Answer) })
			}
		case session.Run:
			later = append(later, c.run(e.Number, e.Frame))
		case session.Stop:
			if call, ok := c.running[e.Number]; ok {
				delete(c.running, e.Number)
				later = append(later, call.cancel)
			}
		case session.AckLater:
			time.AfterFunc(session.AckDelay, c.ackTimeout)
		case session.StallLater:
			time.AfterFunc(session.StallTimeout, c.stallTimeout)
		case session.Acknowledged:
			if k, ok := c.kept[e.Number]; ok {
				delete(c.kept, e.Number)
				later = append(later, func() { c.clients.mesh.Acknowledged(k.object, k.id) })
			}
		case session.Break:
			c.closeLink(proto.CloseProtocol, e.Reason)
		case session.Refused:
			c.clients.Counts.BusySessions.Add(1)
		case session.Dropped:
			c.clients.Counts.DroppedCalls.Add(e.Count)
			c.clients.log.Session.Info("calls dropped", "client", c.self.Instance, "caller", e.From.String(),
				"calls", e.Count, "reason", "the client takes them too slowly")
		case session.Overflow:
			later = append(later, func() { c.overflow(e.Reason) })
		}
	}
	if c.session != nil {
		c.session.Recycle(effects)
	}
	later = append(later, c.toldOf...)
	c.toldOf = nil
	if c.session == nil {
		return later
	}
	if f, ok := c.wire.Back(); ok {
		later = append(later, c.apply(c.session.Receive(f))...)
	}
	return later
}

// write sends an encoded frame over the current connection. c.mu is held.
func (c *client) write(frame []byte) {
	if c.link == nil {
		return
	}
	if c.wire.Send(frame); c.link.Congested() {
		c.clients.Counts.StuckSockets.Add(1)
		c.clients.log.Session.Warn("connection closed", "client", c.self.Instance, "reason", "it does not take what is sent")
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
	if c.link != nil {
		c.wire.Close(code, reason)
		c.unlink()
	}
}

// abandonLink is closeLink, but nothing is written any more. c.mu is held.
func (c *client) abandonLink(code int, reason string) {
	if c.link != nil {
		c.wire.Abandon(code, reason)
		c.unlink()
	}
}

// unlink forgets the current connection. c.mu is held.
func (c *client) unlink() {
	c.link = nil
	if c.session != nil {
		c.wire.Ended()
		c.session.Unlink()
	}
}

// overflow ends a session that lets too much wait.
func (c *client) overflow(reason string) {
	c.clients.Counts.Overflows.Add(1)
	c.clients.log.Session.Warn("session ended", "client", c.self.Instance, "reason", reason)
	c.step(func() []session.Effect {
		c.abandonLink(proto.CloseOverflow, reason) // it does not read what would be flushed
		return c.doSeat(c.seat.End(reason))
	})
}

// renew says who the client is now on its current connection. With giveUp nothing goes on
// that it has called before: as who it was then it might do what it may not do any more.
func (c *client) renew(l *link.Link, auth *lmz.Auth, giveUp bool) {
	c.mu.Lock()
	var calls []runningCall
	if c.link == l {
		c.auth = authority.Seen(auth)
		if giveUp {
			calls = slices.Collect(maps.Values(c.running))
		}
	}
	c.mu.Unlock()
	for _, call := range calls {
		call.cancel() // it is answered as given up
	}
}

// revoke ends the session that the client has on a connection, and what it called there.
func (c *client) revoke(l *link.Link, reason string) {
	c.step(func() []session.Effect {
		if c.link != l {
			return nil
		}
		c.abandonLink(proto.CloseTokenExpired, reason)
		for _, call := range c.running {
			c.toldOf = append(c.toldOf, call.cancel)
		}
		return c.doSeat(c.seat.End(reason))
	})
}

// receive takes a message of the current connection.
func (c *client) receive(l *link.Link, in dialect.Incoming) {
	if f := &in.Frame; f.Kind == proto.KindAnswer {
		a := c.clients.checked(proto.Answer{Failed: f.Failed, Payload: f.Payload})
		f.Failed, f.Payload = a.Failed, a.Payload
	}
	c.order.Lock()
	defer c.order.Unlock()
	c.step(func() []session.Effect {
		if c.link != l || c.session == nil { // a connection that was given up
			return nil
		}
		if in.Err != nil {
			c.suspect(slog.LevelWarn, in.Frame.To, "a call that cannot be read")
		}
		f, refused := c.wire.Take(in)
		switch {
		case refused:
		case f.Kind == proto.KindPing:
			c.write((&proto.Frame{Kind: proto.KindPong}).Append(nil))
		case f.Kind == proto.KindAck, f.Kind.Numbered():
			return c.session.Receive(f)
		default:
			c.clients.Counts.UnknownFrames.Add(1)
		}
		return nil
	})
}

// tell sends the client a frame that belongs to the connection with this link, not to the session.
func (c *client) tell(l *link.Link, f *proto.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && c.link == l {
		c.wire.Send(f.Append(nil))
	}
}

// limitSlack is what a method gets beyond its deadline to say itself that it was over.
const limitSlack = time.Second

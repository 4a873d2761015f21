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

// client is an address with a session, over whichever connection it has now. It feeds the two
// state machines and carries out their effects.
type client struct {
	clients     *Clients
	rules       Rules
	self        lmz.Identity
	connections int // of this address that may still greet; guarded by Clients.mu

	// order is held while received messages are processed, so that calls are delivered in the
	// order in which they were made, even when one connection takes over from another. It is
	// locked before mu.
	order sync.Mutex

	mu        sync.Mutex // guards the following fields
	seat      session.Seat
	session   *session.Session   // nil when the seat is free
	wire      dialect.Translator // of the session's frames; nil when the seat is free
	auth      *lmz.Auth          // of the current connection, as nodes see it
	from      *connection        // the current connection or, in the grace period, the last
	link      *link.Link         // the current connection's, or nil
	features  proto.Features     // what the client on the current connection understands
	nextKey   uint64
	calls     map[uint64]*outgoing
	running   map[uint64]runningCall // the session's calls by number
	kept      map[uint64]keptAnswer  // its calls to objects, until it has their answers
	sends     int                    // its one-way calls in progress
	sendBytes int                    // of those
	charged   charged                // to the budget of the client's subject
	ended     []func()               // run when the session ends
	toldOf    []func()               // ended of a session that is over, and the cancels of its calls
}

// keptAnswer is a call whose outcome its object keeps.
type keptAnswer struct {
	object lmz.Address
	id     proto.CallID
}

// runningCall is a call of the client without an answer so far, or a one-way call in
// progress.
type runningCall struct {
	cancel context.CancelFunc
	kept   bool // continues after the session: its outcome is kept for the next one, or not wanted
}

// outgoing is a call to the client.
type outgoing struct {
	done func(proto.Answer)
	stop func() bool // stops watching the caller's ctx
}

// Bounds of a session at the gateway (PROTOCOL.md, "Limits"). Beyond them the session ends
// with CloseOverflow.
const (
	maxInFlight     = 256
	maxWaiting      = 1000 // waiting calls, and unacknowledged frames
	maxSends        = 1000 // one-way calls in progress; more are dropped
	maxWaitingBytes = 4 << 20
	maxRequestBytes = 16 << 20 // of its calls that wait for an answer; more are refused
)

// seat returns the client with this instance name, creating it if necessary, or nil when the
// gateway is closing.
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

// leave reports that a connection that asked for the seat has ended.
func (g *Clients) leave(c *client) {
	g.mu.Lock()
	c.connections--
	g.mu.Unlock()
	g.retire(c)
}

// maxRetired is how many clients without connection and session are remembered, at a few
// hundred bytes each, so that one that comes back learns whether it was superseded.
const maxRetired = 4096

// retire remembers a client without connection and session as the newest, and forgets the
// oldest if there are too many.
func (g *Clients) retire(c *client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.idle(c) {
		return
	}
	again := func(other *client) bool { return other == c } // already retired once
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

// shed frees what only a session needs. The memory for a client that has gone must not depend
// on what it did: no map that was once large, and no closure that references its connection,
// which has buffers of 8 KiB.
func (c *client) shed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil && len(c.calls)+len(c.running)+len(c.kept) == 0 {
		c.calls, c.running, c.kept = nil, nil, nil
	}
}

// idle reports whether a remembered client has neither a connection nor a session. g.mu is
// held.
func (g *Clients) idle(c *client) bool {
	return c.connections == 0 && !c.hasSession() && g.clients[c.self.Address] == c
}

// hasSession reports whether the client is connected or in its grace period.
func (c *client) hasSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seat.Taken()
}

// held returns how many bytes are held for the client: frames and calls that wait for it, and
// its calls in progress. It is cheap.
func (c *client) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return c.sendBytes
	}
	return c.session.Held() + c.session.Requests() + c.sendBytes
}

// step handles one event and carries out its effects: frames are written under the lock, and
// everything that may call another node runs afterwards, without it.
func (c *client) step(event func() []session.Effect) {
	for _, f := range c.stepLocked(event) {
		f()
	}
}

// stepLocked handles one event under the lock, which it releases even if event panics.
func (c *client) stepLocked(event func() []session.Effect) (later []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	later = c.apply(event())
	if over := c.charge(); over != nil {
		later = append(later, over)
	}
	return later
}

// apply carries out the effects of the session and returns what must wait until c.mu, which
// is held, is released.
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

// closeLink closes the current connection and forgets it. c.mu is held.
func (c *client) closeLink(code int, reason string) {
	if c.link != nil {
		c.wire.Close(code, reason)
		c.unlink()
	}
}

// abandonLink is closeLink without flushing. c.mu is held.
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

// overflow ends a session for which too much waits.
func (c *client) overflow(reason string) {
	c.clients.Counts.Overflows.Add(1)
	c.clients.log.Session.Warn("session ended", "client", c.self.Instance, "reason", reason)
	c.step(func() []session.Effect {
		c.abandonLink(proto.CloseOverflow, reason) // it would not read what is flushed
		return c.doSeat(c.seat.End(reason))
	})
}

// renew updates the identity of the client on its current connection. With giveUp it cancels
// the calls made so far: under the old identity they might do what is no longer allowed.
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
		call.cancel() // it is answered as cancelled
	}
}

// revoke ends the session that the client has on a connection, and the calls made in it.
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

// receive handles a message of the current connection.
func (c *client) receive(l *link.Link, in dialect.Incoming) {
	if f := &in.Frame; f.Kind == proto.KindAnswer {
		a := c.clients.checked(proto.Answer{Failed: f.Failed, Payload: f.Payload})
		f.Failed, f.Payload = a.Failed, a.Payload
	}
	c.order.Lock()
	defer c.order.Unlock()
	c.step(func() []session.Effect {
		if c.link != l || c.session == nil { // an abandoned connection
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

// tell sends the client a frame that belongs to the connection l, not to the session.
func (c *client) tell(l *link.Link, f *proto.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && c.link == l {
		c.wire.Send(f.Append(nil))
	}
}

// limitSlack is the time a method gets beyond its deadline to report itself that it ran out
// of time.
const limitSlack = time.Second

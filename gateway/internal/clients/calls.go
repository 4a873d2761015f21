package clients

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
)

// run prepares a call of the client. It builds the call context from the connection; from the
// client it takes only state, which is marked as such. c.mu is held.
func (c *client) run(number uint64, f proto.Frame) func() {
	if f.NoReply && (c.sends == maxSends || c.sends > 0 && c.sendBytes+len(f.Payload) > maxRequestBytes) {
		c.clients.Counts.BusySessions.Add(1)
		return func() {} // nobody waits for the outcome
	}
	ctx, cancel := context.WithTimeout(c.clients.ctx, min(f.Timeout, c.clients.options.CallLimit))
	call := &proto.Call{
		ID: proto.CallID{Session: c.session.ID, Number: number}, To: f.To, Chain: f.Payload, NoReply: f.NoReply,
		Context: lmz.CallContext{Chain: []lmz.Identity{c.self}, Auth: c.auth, ClientState: c.claimed(f)},
		Payer:   c.auth.Subject,
	}
	again := c.wire.Dialect().Traits().Again
	switch {
	case !again: // so the object keeps no outcome
		call.ID = proto.CallID{}
	case f.Again != proto.CallID{}:
		call.ID, call.Again = f.Again, true
	}
	c.running[number] = runningCall{cancel, f.NoReply || c.clients.mesh.IsObject(f.To.Binding)}
	if !f.NoReply && again && c.clients.mesh.IsObject(f.To.Binding) {
		c.kept[number] = keptAnswer{f.To, call.ID}
	}
	answer := c.answerer(number, cancel)
	if _, kept := c.kept[number]; kept {
		answer = c.clients.leaveToNext(call, answer)
	}
	if f.NoReply {
		answer = c.countSend(len(f.Payload), answer)
	}
	answer = c.logOutcome(noteOf(f, c.auth), answer)
	return func() { c.toMesh(ctx, call, answer) }
}

// countSend counts a one-way call until it has ended. c.mu is held.
func (c *client) countSend(size int, done func(proto.Answer)) func(proto.Answer) {
	c.sends++
	c.sendBytes += size
	return func(a proto.Answer) {
		c.mu.Lock()
		c.sends--
		c.sendBytes -= size
		c.mu.Unlock()
		done(a)
	}
}

// answerer returns the function that takes the answer to a call of the client; cancel ends
// the call's ctx. A client whose dialect has no deadlines always gets an answer at the end of
// the call limit. c.mu is held.
func (c *client) answerer(number uint64, cancel func()) func(proto.Answer) {
	current := c.session
	answer := func(a proto.Answer) {
		cancel()
		c.step(func() []session.Effect {
			if c.session != current { // its session has ended
				return nil
			}
			delete(c.running, number)
			return c.session.Answer(number, a)
		})
	}
	if c.wire.Dialect().Traits().Again {
		return answer
	}
	timer := time.AfterFunc(c.clients.options.CallLimit+limitSlack, func() {
		answer(proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeUnknown, Message: "the method did not finish in time, and may still"}))
	})
	return func(a proto.Answer) {
		timer.Stop()
		answer(a)
	}
}

// leaveToNext withholds the answer to a call to an object that was not executed because the
// gateway is stopping: the waiting client presents the call again to the next gateway. The
// same holds for a call that was presented again and whose outcome this gateway does not
// know: the next one may.
func (g *Clients) leaveToNext(call *proto.Call, answer func(proto.Answer)) func(proto.Answer) {
	return func(a proto.Answer) {
		open := a.Failed == lmz.CodeGateway || call.Again && a.Failed == lmz.CodeUnknown
		if !open || !g.isClosed() {
			answer(a)
		}
	}
}

// toMesh delivers a call of the client to the mesh, unless the budget or the rules refuse it.
func (c *client) toMesh(ctx context.Context, call *proto.Call, done func(proto.Answer)) {
	size := int64(callOverhead + len(call.Chain))
	if refused := c.clients.take(call, size); refused != nil {
		if call.Again { // it may have been executed
			refused = &lmz.Error{Code: lmz.CodeUnknown, Message: "the object could not be asked what became of the call: " + refused.Message}
		}
		done(proto.ErrorAnswer(refused))
		return
	}
	done = c.clients.giveBack(call.Payer, size, done)
	if refused := c.rules.BeforeMesh(ctx, call); refused != nil {
		done(*refused)
		return
	}
	c.clients.mesh.Deliver(ctx, call, done)
}

// Deliver delivers a call of the mesh to a client.
func (g *Clients) Deliver(ctx context.Context, call *proto.Call, done func(proto.Answer)) {
	callContext, err := proto.MarshalContext(call.Context)
	if err != nil {
		done(proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeGateway, Message: "the call context cannot be sent"}))
		return
	}
	if c := g.at(call.To); c == nil || !c.deliver(ctx, call, callContext, done) {
		done(proto.ErrorAnswer(node.NewClientDisconnected(call.To.Instance, lmz.CodeGateway, "Client is not connected")))
	}
}

// deliver passes a call to the client's session, and reports whether there is one.
func (c *client) deliver(ctx context.Context, call *proto.Call, callContext []byte, done func(proto.Answer)) bool {
	taken := false
	c.step(func() []session.Effect {
		if c.session == nil {
			return nil
		}
		if c.link != nil && c.from.expired() { // the call waits for the next connection
			c.closeLink(proto.CloseTokenExpired, proto.ReasonExpired)
		}
		taken = true
		c.nextKey++
		key := c.nextKey
		if !call.NoReply {
			c.calls[key] = &outgoing{done: done, stop: context.AfterFunc(ctx, func() { c.giveUp(key, ctx) })}
		}
		return c.session.Call(key, proto.Frame{
			To: call.To, From: call.Context.Caller().Address, Timeout: proto.Timeout(ctx), NoReply: call.NoReply,
			Context: callContext, Payload: call.Chain,
		}, false)
	})
	if taken && call.NoReply {
		done(proto.Answer{})
	}
	return taken
}

// giveUp cancels a call because its caller abandoned it or its deadline passed.
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

package client

import (
	"context"
	"errors"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
)

// This file turns events of sockets, timers and the user's functions into events of the two
// state machines, and carries out their effects.

// doLife carries out the effects of the life. p.mu is held.
func (p *Peer) doLife(effects []session.LifeEffect) {
	for _, e := range effects {
		switch e := e.(type) {
		case session.GetToken:
			p.getToken(e.Link, e.Refused)
		case session.Dial:
			p.dial(e.Link)
		case session.Hangup:
			p.hangup(e)
		case session.SendPing:
			p.write((&proto.Frame{Kind: proto.KindPing}).Append(nil))
		case session.Wait:
			p.setTimer(e.Delay)
		case session.WaitRenew:
			p.setRenewal(e.Delay)
		case session.RenewToken:
			p.renewToken(e.Link)
		case session.StateChanged:
			p.stateChanged(State(e.State))
		case session.LoginRequired:
			p.loginRequired(&LoginRequiredError{Code: e.Code, Reason: e.Reason, Err: p.failed})
		case session.GiveUp:
			p.over = p.failed
			p.endSession(e.Reason)
		case session.Superseded:
			p.over = ErrSuperseded
			p.endSession("superseded by a newer client")
			if f := p.options.OnSuperseded; f != nil {
				p.user.add(f)
			}
		}
	}
}

// hangup closes a link. p.mu is held.
func (p *Peer) hangup(e session.Hangup) {
	if e.Code == proto.CloseTimeout {
		p.failed = errors.New("the gateway did not answer in time")
	}
	if p.link != nil && p.link.Number == e.Link {
		p.wire.Close(e.Code, e.Reason)
		p.unlink()
	}
}

// setTimer replaces the life's timer. p.mu is held.
func (p *Peer) setTimer(after time.Duration) {
	p.replaceTimer(&p.wait, after, func() { p.doLife(p.life.Timer(time.Now())) })
}

// setRenewal replaces the timer of the token. p.mu is held.
func (p *Peer) setRenewal(after time.Duration) {
	p.replaceTimer(&p.renewal, after, func() { p.doLife(p.life.RenewDue()) })
}

// replaceTimer stops a timer, and unless after is negative starts another one that runs event
// with p.mu. p.mu is held.
func (p *Peer) replaceTimer(which **time.Timer, after time.Duration, event func()) {
	if *which != nil {
		(*which).Stop()
		*which = nil
	}
	if after < 0 || p.ctx.Err() != nil {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(after, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if *which == timer { // not replaced meanwhile
			event()
		}
	})
	*which = timer
}

// stateChanged tells the user. p.mu is held.
func (p *Peer) stateChanged(s State) {
	p.options.Log("state changed", "state", s.String())
	close(p.changed)
	p.changed = make(chan struct{})
	if f := p.options.OnStateChange; f != nil {
		p.user.add(func() { f(s) })
	}
}

// loginRequired settles the calls and tells the user. p.mu is held.
func (p *Peer) loginRequired(err *LoginRequiredError) {
	p.over = err
	p.endSession(err.Error())
	if f := p.options.OnLoginRequired; f != nil {
		p.user.add(func() { f(err) })
	}
}

// endSession settles all calls. The next connection begins a new session. p.mu is held.
func (p *Peer) endSession(why string) {
	p.unlink()
	p.dropSubscriptions()
	p.doSession(p.session.End(why))
	clear(p.sent)
	p.begun, p.instance = false, "" // the next user may differ
	p.wire = dialect.CBOR.Translator(proto.SessionID{})
	p.doSession(p.session.Restart(newSessionID()))
}

// attemptFailed reports why dial number failed: to the user, and to Connect and waiting calls if
// it is still the current dial. p.mu is held.
func (p *Peer) attemptFailed(number uint64, err error) {
	if p.life.Link() == number {
		p.failed = err
	}
	p.options.Log("connection error", "error", err.Error())
	if f := p.options.OnConnectionError; f != nil {
		p.user.add(func() { f(err) })
	}
}

// dial opens a socket and greets the gateway. p.mu is held.
func (p *Peer) dial(number uint64) {
	instance := p.instance
	if instance == "" {
		instance = proto.Myself + "." + p.options.Tab
	}
	address := p.base + escapeSegment(instance)
	protocols := []string{proto.SubprotocolCBOR, proto.SubprotocolJSON, proto.TokenProtocol(p.token)}
	p.work.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, dialTimeout)
		defer cancel()
		transport, err := p.options.Dial(ctx, address, protocols)
		p.mu.Lock()
		if err != nil {
			p.attemptFailed(number, err)
			p.doLife(p.life.Lost(time.Now(), number, lossOf(err)))
			p.mu.Unlock()
			return
		}
		l := link.New(number, transport)
		if p.life.Link() != number { // the life has abandoned this dial
			p.mu.Unlock()
			transport.Close(proto.CloseNormal, "")
			return
		}
		p.linked(l, p.spoken(transport))
		p.mu.Unlock()
		l.Run(p.receive, p.lost)
	})
}

// linked makes l the current link, whose other end speaks d, and greets the gateway. p.mu is
// held.
func (p *Peer) linked(l *link.Link, d dialect.Dialect) {
	p.link = l
	if !d.Traits().Hello && p.instance == "" {
		p.attemptFailed(l.Number, errNameless)
		p.doLife(p.life.TokenUnusable(l.Number, errNameless.Error()))
		l.Close(proto.CloseNormal, "")
		return
	}
	if p.wire.Dialect() != d {
		if p.begun { // with a server that spoke the other dialect
			p.doSession(p.session.Restart(newSessionID()))
		}
		p.wire = d.Translator(newSessionID())
	}
	p.wire.Begin(l)
	hello := proto.Frame{Kind: proto.KindHello, Attempt: l.Number, Features: p.features()}
	if p.begun {
		if p.fresh == p.session.ID { // otherwise it was offered before, and may have begun unnoticed
			p.fresh = newSessionID()
		}
		hello.Resume, hello.Ack = p.session.ID, p.session.Received()
	} else {
		p.fresh = p.session.ID
	}
	hello.Session = p.fresh
	p.write(hello.Append(nil))
}

// features returns the features that this peer understands.
func (p *Peer) features() (f proto.Features) {
	if p.options.OnMissed != nil {
		f |= proto.FeatureMissed
	}
	return f
}

// spoken returns the dialect that the two ends of a socket negotiated: lmz.cbor if the
// transport does not say.
func (p *Peer) spoken(t Transport) dialect.Dialect {
	if s, ok := t.(interface{ Subprotocol() string }); ok && s.Subprotocol() == proto.SubprotocolJSON {
		return p.json
	}
	return dialect.CBOR
}

// write sends an encoded frame over the current link. p.mu is held.
func (p *Peer) write(frame []byte) {
	if p.link != nil {
		p.wire.Send(frame)
	}
}

// unlink forgets the current link. p.mu is held.
func (p *Peer) unlink() {
	if p.link == nil {
		return
	}
	p.wire.Ended()
	p.link = nil
	p.session.Unlink()
	p.doSession(nil)
}

// lossOf converts an error of a socket or a dial for the life.
func lossOf(err error) session.Loss {
	var closed *CloseError
	var refused *DialError
	switch {
	case errors.As(err, &closed):
		return session.Loss{Code: closed.Code, Reason: closed.Reason}
	case errors.As(err, &refused):
		return session.Loss{Status: refused.Status, Reason: refused.Reason, After: refused.RetryAfter}
	}
	return session.Loss{}
}

// lost is called by a link that has ended.
func (p *Peer) lost(l *link.Link, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != l {
		return // abandoned before
	}
	p.options.Log("connection lost", "error", err.Error())
	p.failed = err
	p.unlink()
	p.doLife(p.life.Lost(time.Now(), l.Number, lossOf(err)))
}

// receive takes a message from a link.
func (p *Peer) receive(l *link.Link, message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != l { // messages of an abandoned link are ignored
		return
	}
	in, err := p.wire.Dialect().Parse(message)
	if err != nil {
		p.broken(err.Error())
		return
	}
	if f, refused := p.wire.Take(in); !refused {
		p.take(l, f, in.Subscribe)
	}
}

// take takes a frame from the current link; subscribe is what a welcome means for
// subscriptions. p.mu is held.
func (p *Peer) take(l *link.Link, f proto.Frame, subscribe bool) {
	switch {
	case f.Kind == proto.KindWelcome:
		p.welcomed(l, f, subscribe)
	case f.Kind == proto.KindPing:
		p.write((&proto.Frame{Kind: proto.KindPong}).Append(nil))
	case f.Kind == proto.KindPong:
		p.doLife(p.life.Pong(l.Number))
	case f.Kind == proto.KindAway:
		p.life.Away(l.Number, f.After)
	case f.Kind == proto.KindRenewed && f.After > 0:
		now := time.Now()
		p.doLife(p.life.Renewed(now, l.Number, now.Add(f.After)))
	case f.Kind == proto.KindAck, f.Kind.Numbered():
		p.doSession(p.session.Receive(f))
	default:
		p.unknown++
		p.options.Log("frame of an unknown kind ignored", "kind", uint64(f.Kind), "ignored", p.unknown)
	}
}

// broken closes a link whose other end violates the protocol. p.mu is held.
func (p *Peer) broken(why string) {
	l := p.link
	if l == nil {
		return
	}
	p.options.Log("protocol error", "error", why)
	p.failed = errors.New(why)
	p.wire.Close(proto.CloseProtocol, why)
	p.unlink()
	p.doLife(p.life.Lost(time.Now(), l.Number, session.Loss{}))
}

// welcomed resumes the session, or begins a new one and runs OnSubscriptionRequired. p.mu is
// held.
func (p *Peer) welcomed(l *link.Link, f proto.Frame, subscribe bool) {
	if p.options.Heartbeat == 0 {
		p.life.Heartbeat = f.Heartbeat
	}
	if !f.Resumed && p.begun {
		p.doSession(p.session.Restart(p.fresh))
	}
	p.begun, p.failed = true, nil
	if f.To.Instance != "" {
		p.instance = f.To.Instance
	}
	p.doLife(p.life.Welcomed(time.Now(), l.Number, f.After))
	if !f.Resumed {
		f.Ack = 0
	}
	if subscribe {
		p.subscribe()
	}
	p.doSession(p.session.Resume(f.Ack, f.Features))
}

type urgentKey struct{}

// subscribe runs OnSubscriptionRequired, and holds other calls until it returns. p.mu is
// held.
func (p *Peer) subscribe() {
	f := p.options.OnSubscriptionRequired
	if f == nil {
		return
	}
	p.hold++
	number := p.hold
	p.session.Hold()
	release := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.hold == number {
			p.doSession(p.session.Release())
		}
	}
	timeout := time.AfterFunc(holdLimit, release)
	p.dropSubscriptions()
	ctx, cancel := context.WithCancel(context.WithValue(p.ctx, urgentKey{}, true))
	p.dropped = cancel
	p.user.add(func() { // after earlier callbacks, and without delaying later ones
		p.subscribing.add(func() {
			f(ctx)
			timeout.Stop()
			release()
		})
	})
}

// dropSubscriptions ends the ctx of OnSubscriptionRequired for an earlier session. p.mu is held.
func (p *Peer) dropSubscriptions() {
	if p.dropped != nil {
		p.dropped()
	}
}

// doSession carries out the effects of the session. p.mu is held.
func (p *Peer) doSession(effects []session.Effect) {
	var broken, overflow string // handled last, because they are events themselves
	for _, e := range effects {
		switch e := e.(type) {
		case session.Write:
			p.write(e.Frame)
		case session.Sent:
			if f := p.sent[e.Key]; f != nil {
				delete(p.sent, e.Key)
				f(proto.CallID{Session: p.session.ID, Number: e.Number}.String())
			}
		case session.Settle:
			delete(p.sent, e.Key)
			p.settle(e.Key, e.Answer)
		case session.Run:
			p.run(e.Number, e.Frame)
		case session.Missed:
			p.missed(e.Frame)
		case session.Stop:
			if cancel := p.running[e.Number]; cancel != nil {
				cancel()
				delete(p.running, e.Number)
			}
		case session.AckLater:
			time.AfterFunc(session.AckDelay, p.ackTimeout)
		case session.StallLater:
			time.AfterFunc(session.StallTimeout, p.stallTimeout)
		case session.Break:
			broken = e.Reason
		case session.Overflow:
			overflow = e.Reason
		}
	}
	p.session.Recycle(effects)
	for f, ok := p.wire.Back(); ok; f, ok = p.wire.Back() {
		p.doSession(p.session.Receive(f))
	}
	if overflow != "" {
		p.broken(overflow)
		p.endSession(overflow)
	}
	if broken != "" {
		p.broken(broken)
	}
}

func (p *Peer) ackTimeout() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doSession(p.session.AckTimeout())
}

func (p *Peer) stallTimeout() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doSession(p.session.StallTimeout())
}

// settle gives a call its answer. p.mu is held.
func (p *Peer) settle(key uint64, a proto.Answer) {
	call := p.calls[key]
	if call == nil {
		return
	}
	delete(p.calls, key)
	if a.Failed == lmz.CodeGateway || a.Failed == lmz.CodeUnknown {
		call.cause = p.over
	}
	call.answer <- a
}

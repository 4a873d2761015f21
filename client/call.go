package client

import (
	"context"
	"errors"
	"maps"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/scope"
)

// pending is a call that waits for its answer.
type pending struct {
	key    uint64
	answer chan proto.Answer // has room for the one answer
	cause  error             // why the call was not sent; set before answer
}

// CallRaw implements [lmz.Caller]. Calls made while the peer is not connected wait
// for the connection. When ctx ends first, the error also wraps its cause.
func (p *Peer) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	ctx, cancel := proto.WithDeadline(ctx)
	defer cancel()
	call, err := p.start(ctx, to, c, false)
	if err != nil {
		return nil, err
	}
	defer giveUpTurn(ctx)()
	return p.await(ctx, call)
}

// Send implements [lmz.Caller]. The message outlives ctx: it ends at the deadline that was set
// for it, or else after [lmz.DefaultTimeout].
func (p *Peer) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	o := node.SendOptions(options)
	ctx, cancel := proto.ForSend(ctx)
	wanted := len(o.Reply.Ops()) > 0
	call, err := p.start(ctx, to, c, !wanted)
	if err != nil || !wanted {
		cancel()
		return err
	}
	p.spawn(func() {
		defer cancel()
		a, _ := p.awaitEncoded(ctx, call)
		if a.Failed != "" || !o.ErrorsOnly {
			p.reply(ctx, o.Reply, a)
		}
	})
	return nil
}

// start passes a call to the session, which sends calls in the order of start.
func (p *Peer) start(ctx context.Context, to lmz.Address, c lmz.Continuation, noReply bool) (*pending, error) {
	if err := ctx.Err(); err != nil {
		return nil, &lmz.Error{Code: lmz.CodeGateway, Message: "the call to " + to.String() + " was abandoned before it was made", Cause: err}
	}
	if to.Binding == "" {
		return nil, &lmz.Error{Code: lmz.CodeAbsent, Message: `no objects are registered as ""`}
	}
	call, err := proto.NewCall(ctx, lmz.Identity{}, to, c)
	if err != nil {
		return nil, err
	}
	claimed, err := claim(call.Context)
	if err != nil {
		return nil, err
	}
	waiting, over := p.startEncoded(ctx, to, call.Chain, claimed, noReply)
	if over != nil {
		return nil, &lmz.Error{Code: lmz.CodeGateway, Message: "not sent: " + over.Error(), Cause: over}
	}
	return waiting, nil
}

// claim returns the call context that a client sends. It has only state, which the gateway
// passes on as the client's claim; the gateway knows the rest itself.
func claim(c lmz.CallContext) ([]byte, error) {
	if len(c.State) == 0 && len(c.ClientState) == 0 {
		return emptyContext, nil
	}
	state := maps.Clone(c.ClientState)
	if state == nil {
		state = make(map[string]lmz.Value)
	}
	maps.Copy(state, c.State)
	return proto.MarshalContext(lmz.CallContext{State: state})
}

// startEncoded is start for a chain and a context that are already encoded. Its error says why
// the peer stopped trying.
func (p *Peer) startEncoded(ctx context.Context, to lmz.Address, chain, callContext []byte, noReply bool) (*pending, error) {
	urgent, _ := ctx.Value(urgentKey{}).(bool)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return nil, p.over
	}
	p.nextKey++
	waiting := &pending{key: p.nextKey, answer: make(chan proto.Answer, 1)}
	if f := scope.Sent(ctx); f != nil {
		p.sent[waiting.key] = f
	}
	if !noReply {
		p.calls[waiting.key] = waiting
	}
	p.doSession(p.session.Call(waiting.key, proto.Frame{
		To: to, Timeout: proto.Timeout(ctx), NoReply: noReply, Context: callContext, Payload: chain,
	}, urgent))
	return waiting, nil
}

// emptyContext is an encoded call context without entries.
var emptyContext = []byte{0xa0}

// await waits for the answer of a call.
func (p *Peer) await(ctx context.Context, call *pending) (lmz.Value, error) {
	a, cause := p.awaitEncoded(ctx, call)
	return p.result(a, cause)
}

// awaitEncoded waits for the answer of a call. cause says why it was not sent, if it was not.
func (p *Peer) awaitEncoded(ctx context.Context, call *pending) (a proto.Answer, cause error) {
	select {
	case a := <-call.answer:
		return a, call.cause
	case <-ctx.Done():
	}
	why := "the call was given up"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = "the deadline passed"
	}
	ended := p.gaveUp(context.Cause(ctx))
	if without, is := ended.(*notConnectedError); is {
		why += ": " + without.reason()
	}
	p.mu.Lock()
	_, open := p.calls[call.key]
	if open {
		p.doSession(p.session.Cancel(call.key, why))
	}
	p.mu.Unlock()
	if a := <-call.answer; open { // settled by Cancel
		return a, ended
	} else {
		return a, call.cause // the answer arrived at the same time
	}
}

// result decodes an answer; cause says why there is none.
func (p *Peer) result(a proto.Answer, cause error) (lmz.Value, error) {
	value, err := a.Result()
	var e *lmz.Error
	if cause != nil && errors.As(err, &e) && e.Cause == nil {
		e.Cause = cause
	}
	return value, err
}

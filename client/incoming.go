package client

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/scope"
	"github.com/lumenize/lmz/internal/turn"
)

// run starts an incoming call. It joins the line at once, so that calls begin in the order in
// which they arrived. p.mu is held.
func (p *Peer) run(number uint64, f proto.Frame) {
	place := p.line.Join(turn.Who{})
	ctx, cancel := context.WithTimeout(p.ctx, f.Timeout)
	if !f.NoReply {
		p.running[number] = cancel
	}
	self, id := p.identityLocked(), p.session.ID
	p.work.Go(func() {
		defer cancel()
		answer := p.execute(ctx, place, self, f)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.session.ID != id || p.running[number] == nil {
			return // cancelled, or the session has ended; the next one has its own numbers
		}
		delete(p.running, number)
		p.doSession(p.session.Answer(number, answer))
	})
}

// missed runs OnMissed in a turn, like a call, so that it is in order with the calls that arrived
// before and after. p.mu is held.
func (p *Peer) missed(f proto.Frame) {
	if p.options.OnMissed != nil {
		f.NoReply, f.Timeout = true, proto.MaxTimeout
		p.run(f.Seq, f)
	}
}

// execute waits for the turn and executes the call.
func (p *Peer) execute(ctx context.Context, place *turn.Place, self lmz.Identity, f proto.Frame) proto.Answer {
	err := place.Wait(ctx)
	if err == nil && ctx.Err() != nil { // the turn was free
		place.Done()
		err = ctx.Err()
	}
	if err != nil {
		return proto.Failure(lmz.CodeGateway, "", "the call ended before its turn")
	}
	return p.serve(ctx, place, self, f)
}

// serveHandler executes a call with Options.Handler, for peers made by [New].
func (p *Peer) serveHandler(ctx context.Context, place *turn.Place, self lmz.Identity, f proto.Frame) proto.Answer {
	holder := place.Hold(nil)
	defer holder.End()
	if f.Kind == proto.KindMissed {
		p.options.OnMissed(context.WithValue(ctx, holderKey{}, holder), f.From, int(f.Count))
		return proto.Answer{}
	}
	callContext, err := proto.UnmarshalContext(f.Context)
	if err != nil {
		return proto.Failure(lmz.CodeGateway, "", "the call context cannot be read")
	}
	callContext.Self = self
	ctx = node.WithCallContext(context.WithValue(proto.Handling(ctx), holderKey{}, holder), callContext)
	result, err := proto.Execute(ctx, &guarded{p.options.Handler, p.guard()}, f.Payload)
	if hidden := proto.Hidden(err); hidden != nil {
		p.options.Log("handler failed", "error", hidden.Error())
	}
	return proto.NewAnswer(result, err)
}

func (p *Peer) guard() lmz.Guard {
	if p.options.OnBeforeCall != nil {
		return p.options.OnBeforeCall
	}
	return refusePeers
}

// refusePeers is the default OnBeforeCall. It refuses calls that another client started.
func refusePeers(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if origin := c.Origin(); origin.Type == lmz.TypeClient && origin.Address != c.Self.Address {
		return lmz.Errorf("calls that another client started are refused by default; set OnBeforeCall to allow them")
	}
	return nil
}

// guarded is a handler with a guard.
type guarded struct {
	handler lmz.Handler
	guard   lmz.Guard
}

// HandleCall runs the guard as a Mux would.
func (g *guarded) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	if !scope.IsReply(ctx) {
		if err := lmz.Check(ctx, g.guard, req); err != nil {
			return nil, err
		}
	}
	return g.handler.HandleCall(ctx, req)
}

// reply runs a reply continuation on the peer's own handler, in a turn.
func (p *Peer) reply(ctx context.Context, c lmz.Continuation, a proto.Answer) {
	place := p.line.Join(turn.Who{})
	if place.Wait(p.ctx) != nil {
		return
	}
	holder := place.Hold(nil)
	defer holder.End()
	ctx = context.WithValue(context.WithoutCancel(ctx), holderKey{}, holder)
	if _, err := proto.ExecuteReply(ctx, p.options.Handler, c, a); err != nil {
		p.options.Log("reply failed", "reply", c.String(), "error", err.Error())
	}
}

type holderKey struct{}

// giveUpTurn lets the next handler begin, if ctx belongs to a handler, and returns the function
// that takes the turn back.
func giveUpTurn(ctx context.Context) (retake func()) {
	holder, ok := ctx.Value(holderKey{}).(*turn.Holder)
	if !ok {
		return func() {}
	}
	holder.Release()
	return holder.Retake
}

package gateway

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// worker is a stateless node. Its calls run concurrently.
type worker struct {
	gateway *Gateway
	self    lmz.Identity
	handler lmz.Handler
}

var _ lmz.Caller = (*worker)(nil)

func (w *worker) deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	callContext := c.Context
	callContext.Self = w.self
	ctx = lmz.WithCallContext(proto.Handling(proto.Bare(ctx)), callContext)
	w.gateway.work.Go(func() {
		result, err := proto.Execute(ctx, w.handler, c.Chain)
		logHidden(w.gateway.log.worker, w.self.Address, err)
		done(proto.NewAnswer(result, err))
	})
}

// CallRaw implements [lmz.Caller].
func (w *worker) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	if checking(ctx) {
		return nil, errCallInCheck
	}
	ctx, cancel := proto.WithDeadline(ctx)
	defer cancel()
	call, err := proto.NewCall(ctx, w.self, to, c)
	if err == nil {
		err = proto.CheckTarget(w.gateway, to)
	}
	if err != nil {
		return nil, err
	}
	proto.Sent(ctx)(call)
	return proto.Await(ctx, w.gateway, call)
}

// Send implements [lmz.Caller].
func (w *worker) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	if checking(ctx) {
		return nil // nothing leaves
	}
	o := lmz.NewSendOptions(options)
	call, err := proto.NewCall(ctx, w.self, to, c)
	if err == nil {
		err = proto.CheckTarget(w.gateway, to)
	}
	if err != nil {
		return err
	}
	proto.Sent(ctx)(call)
	// what is sent goes on when the handler that sent it has returned
	ctx, cancel := proto.ForSend(ctx)
	call.NoReply = len(o.Reply.Ops()) == 0
	w.gateway.Deliver(ctx, call, func(a proto.Answer) {
		defer cancel()
		if call.NoReply || a.Failed == "" && o.ErrorsOnly {
			return
		}
		w.gateway.work.Go(func() { w.reply(ctx, o.Reply, a) })
	})
	return nil
}

// reply runs a reply continuation on the worker's own handler.
func (w *worker) reply(ctx context.Context, c lmz.Continuation, a proto.Answer) {
	if _, err := proto.ExecuteReply(context.WithoutCancel(ctx), w.handler, c, a); err != nil {
		w.gateway.log.worker.Warn("a worker's reply failed", "binding", w.self.Binding, "reply", c.String(), "error", err)
	}
}

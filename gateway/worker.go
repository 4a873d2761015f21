package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// worker is a stateless node. Its calls run concurrently, as far as the pool of all
// workers lets them.
type worker struct {
	gateway *Gateway
	self    lmz.Identity
	handler lmz.Handler
	running atomic.Int64
}

var _ lmz.Caller = (*worker)(nil)

// Bounds of the pool in which workers run. A call that waits for another one, with the
// ctx of its handler, does not count.
const (
	workersAtOnce = 64
	workersWait   = 10_000 // calls for which there is no room yet
	waitEach      = 1000   // of one subject
)

func (w *worker) deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	pool := &w.gateway.pool
	if all, own := pool.Waiting(c.Payer); all >= workersWait || own >= waitEach {
		done(proto.ErrorAnswer(&lmz.Error{
			Code: lmz.CodeGateway, Name: errtype.Busy, Message: fmt.Sprintf("%d of your calls wait for a worker", own),
		}))
		return
	}
	callContext := c.Context
	callContext.Self = w.self
	ctx = node.WithCallContext(proto.Handling(proto.Bare(ctx)), callContext)
	ctx = proto.WithPayer(ctx, c.Payer)
	place := pool.Join(turn.Who{Caller: c.Context.Caller(), Payer: c.Payer})
	w.gateway.work.Go(func() {
		if err := place.Wait(ctx); err != nil {
			failed(done, lmz.CodeGateway, "the call ended before there was room for it among the workers")
			return
		}
		if ctx.Err() != nil {
			place.Done()
			failed(done, lmz.CodeGateway, "the call ended before the worker began")
			return
		}
		ctx, end := w.begin(ctx, place, c.Payer)
		result, steps, err := proto.ExecuteCounted(ctx, w.handler, c.Chain)
		w.gateway.accounts.Add(c.Payer, budget.Steps, int64(steps-1)) // one was charged where the call came in
		end()
		logHidden(w.gateway.log.worker, w.self.Address, err)
		done(proto.NewAnswer(result, err))
	})
}

type holderKey struct{}

// begin starts work in a place of the pool, which end gives back, and charges its time.
func (w *worker) begin(ctx context.Context, place *turn.Place, payer string) (_ context.Context, end func()) {
	holder := place.Hold(func(d time.Duration) { w.gateway.accounts.Add(payer, budget.Time, int64(d)) })
	w.running.Add(1)
	return context.WithValue(ctx, holderKey{}, holder), func() {
		holder.End()
		w.running.Add(-1)
	}
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
		err = proto.CheckTarget(mesh{w.gateway}, to)
	}
	if err != nil {
		return nil, err
	}
	proto.Sent(ctx)(call)
	if holder, ok := ctx.Value(holderKey{}).(*turn.Holder); ok {
		holder.Release()
		defer holder.Retake()
	}
	return proto.Await(ctx, mesh{w.gateway}, call)
}

// Send implements [lmz.Caller].
func (w *worker) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	if checking(ctx) {
		return nil // nothing leaves
	}
	o := node.SendOptions(options)
	call, err := proto.NewCall(ctx, w.self, to, c)
	if err == nil {
		err = proto.CheckTarget(mesh{w.gateway}, to)
	}
	if err != nil {
		return err
	}
	proto.Sent(ctx)(call)
	// what is sent goes on when the handler that sent it has returned
	ctx, cancel := proto.ForSend(ctx)
	call.NoReply = len(o.Reply.Ops()) == 0
	mesh{w.gateway}.Deliver(ctx, call, func(a proto.Answer) {
		defer cancel()
		if call.NoReply || a.Failed == "" && o.ErrorsOnly {
			return
		}
		place := w.gateway.pool.Join(turn.Who{Payer: call.Payer})
		w.gateway.work.Go(func() { w.reply(ctx, place, call.Payer, o.Reply, a) })
	})
	return nil
}

// reply runs a reply continuation on the worker's own handler.
func (w *worker) reply(ctx context.Context, place *turn.Place, payer string, c lmz.Continuation, a proto.Answer) {
	place.Wait(context.Background())
	ctx, end := w.begin(context.WithoutCancel(ctx), place, payer)
	defer end()
	if _, err := proto.ExecuteReply(ctx, w.handler, c, a); err != nil {
		w.gateway.log.worker.Warn("a worker's reply failed", "binding", w.self.Binding, "reply", c.String(), "error", err)
	}
}

// leftWorkers names the workers that are still running, in an error; nil if none is.
func (g *Gateway) leftWorkers() error {
	var left []error
	for _, binding := range slices.Sorted(maps.Keys(g.workers)) {
		if n := g.workers[binding].running.Load(); n > 0 {
			left = append(left, fmt.Errorf("%s is still running %d calls, which ignore that their ctx has ended", binding, n))
		}
	}
	return errors.Join(left...)
}

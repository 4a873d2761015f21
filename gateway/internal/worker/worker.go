// Package worker runs the stateless nodes of a gateway. Their calls run concurrently, in one
// [Pool], which schedules the paying subjects fairly.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// Mesh is what workers need of the mesh: it delivers their calls.
type Mesh interface {
	proto.Node
	CheckTarget(to lmz.Address) *lmz.Error
}

// Pool runs the calls of a gateway's workers.
type Pool struct {
	mesh     Mesh
	accounts *budget.Accounts
	log      *slog.Logger
	work     *sync.WaitGroup
	line     turn.Line
}

// NewPool returns a pool in which at most eachPayer calls of one subject run at once; 0 means
// no limit. accounts pay for time and additional steps, and work counts the calls that run or
// wait.
func NewPool(m Mesh, accounts *budget.Accounts, log *slog.Logger, work *sync.WaitGroup, eachPayer int) *Pool {
	return &Pool{
		mesh: m, accounts: accounts, log: log, work: work,
		line: turn.Line{Holders: atOnce, EachPayer: eachPayer},
	}
}

// Worker is a stateless node.
type Worker struct {
	pool    *Pool
	self    lmz.Identity
	handler lmz.Handler
	running atomic.Int64
}

var _ lmz.Caller = (*Worker)(nil)

// Worker returns the worker of a binding. makeHandler gets its [lmz.Caller] and returns the
// handler of calls to it.
func (p *Pool) Worker(binding string, makeHandler func(self lmz.Caller) lmz.Handler) *Worker {
	w := &Worker{pool: p, self: lmz.Identity{Type: lmz.TypeWorker, Address: lmz.Worker(binding)}}
	w.handler = makeHandler(w)
	return w
}

// Table returns the worker's exposed methods, or nil if its handler does not list them.
func (w *Worker) Table() lmz.Table {
	table, _ := w.handler.(lmz.Table)
	return table
}

// Bounds of the pool. A call that waits for another one, using the ctx of its handler, does
// not count.
const (
	atOnce   = 64
	mostWait = 10_000 // calls that wait for a place
	waitEach = 1000   // of one subject
)

// Deliver implements [proto.Node].
func (w *Worker) Deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	pool := w.pool
	if all, own := pool.line.Waiting(c.Payer); all >= mostWait || own >= waitEach {
		done(proto.ErrorAnswer(&lmz.Error{
			Code: lmz.CodeGateway, Name: errtype.Busy, Message: fmt.Sprintf("%d of your calls wait for a worker", own),
		}))
		return
	}
	callContext := c.Context
	callContext.Self = w.self
	ctx = node.WithCallContext(proto.Handling(proto.Bare(ctx)), callContext)
	ctx = proto.WithPayer(ctx, c.Payer)
	place := pool.line.Join(turn.Who{Caller: c.Context.Caller(), Payer: c.Payer})
	w.pool.work.Go(func() {
		if err := place.Wait(ctx); err != nil {
			failed(done, "the call ended before there was room for it among the workers")
			return
		}
		if ctx.Err() != nil {
			place.Done()
			failed(done, "the call ended before the worker began")
			return
		}
		ctx, end := w.begin(ctx, place, c.Payer)
		result, steps, err := proto.ExecuteCounted(ctx, w.handler, c.Chain)
		w.pool.accounts.Add(c.Payer, budget.Steps, int64(steps-1)) // the first was charged when the call arrived
		end()
		logs.Hidden(w.pool.log, w.self.Address, err)
		done(proto.NewAnswer(result, err))
	})
}

type holderKey struct{}

// begin starts work in a place of the pool and charges its time; end releases the place.
func (w *Worker) begin(ctx context.Context, place *turn.Place, payer string) (_ context.Context, end func()) {
	holder := place.Hold(func(d time.Duration) { w.pool.accounts.Add(payer, budget.Time, int64(d)) })
	w.running.Add(1)
	return context.WithValue(ctx, holderKey{}, holder), func() {
		holder.End()
		w.running.Add(-1)
	}
}

// CallRaw implements [lmz.Caller].
func (w *Worker) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	if checking(ctx) {
		return nil, errCallInCheck
	}
	ctx, cancel := proto.WithDeadline(ctx)
	defer cancel()
	call, err := proto.NewCall(ctx, w.self, to, c)
	if err == nil {
		err = proto.CheckTarget(w.pool.mesh, to)
	}
	if err != nil {
		return nil, err
	}
	proto.Sent(ctx)(call)
	if holder, ok := ctx.Value(holderKey{}).(*turn.Holder); ok {
		holder.Release()
		defer holder.Retake()
	}
	return proto.Await(ctx, w.pool.mesh, call)
}

// Send implements [lmz.Caller].
func (w *Worker) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	if checking(ctx) {
		return nil // a check sends nothing
	}
	o := node.SendOptions(options)
	call, err := proto.NewCall(ctx, w.self, to, c)
	if err == nil {
		err = proto.CheckTarget(w.pool.mesh, to)
	}
	if err != nil {
		return err
	}
	proto.Sent(ctx)(call)
	// a message outlives the handler that sent it
	ctx, cancel := proto.ForSend(ctx)
	call.NoReply = len(o.Reply.Ops()) == 0
	w.pool.mesh.Deliver(ctx, call, func(a proto.Answer) {
		defer cancel()
		if call.NoReply || a.Failed == "" && o.ErrorsOnly {
			return
		}
		place := w.pool.line.Join(turn.Who{Payer: call.Payer})
		w.pool.work.Go(func() { w.reply(ctx, place, call.Payer, o.Reply, a) })
	})
	return nil
}

// reply runs a reply continuation on the worker's own handler.
func (w *Worker) reply(ctx context.Context, place *turn.Place, payer string, c lmz.Continuation, a proto.Answer) {
	place.Wait(context.Background())
	ctx, end := w.begin(context.WithoutCancel(ctx), place, payer)
	defer end()
	if _, err := proto.ExecuteReply(ctx, w.handler, c, a); err != nil {
		w.pool.log.Warn("a worker's reply failed", "binding", w.self.Binding, "reply", c.String(), "error", err)
	}
}

// Left returns an error that names the workers that are still running calls, or nil if there
// are none.
func Left(workers map[string]*Worker) error {
	var left []error
	for _, binding := range slices.Sorted(maps.Keys(workers)) {
		if n := workers[binding].running.Load(); n > 0 {
			left = append(left, fmt.Errorf("%s is still running %d calls, which ignore that their ctx has ended", binding, n))
		}
	}
	return errors.Join(left...)
}

// failed answers a call that did not run.
func failed(done func(proto.Answer), message string) {
	done(proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeGateway, Message: message}))
}

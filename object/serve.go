package object

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// serve executes one call, which already has its place in line.
func (o *Object) serve(ctx context.Context, place *turn.Place, c *proto.Call, done func(proto.Answer)) {
	defer o.rt.leave(o)
	growStack()
	ctx, cancel := o.rt.stoppable(proto.Bare(ctx))
	defer cancel(nil)
	charged := c.Until.IsZero() // stored sends wait on disk until they can be executed
	err := o.await(ctx, place, charged && !c.Again)
	if err == nil {
		if err = o.rt.mayBegin(c); err != nil {
			o.pass(place)
		} else {
			err = o.ready(place)
		}
	}
	if err != nil {
		done(unseen(c, err))
		return
	}
	ctx, cancelTimeout := proto.WithDeadline(ctx) // stored sends may wait for longer
	defer cancelTimeout()
	if answer, found, err := o.earlier(c); found || err != nil {
		o.repeat(place, c, answer, err, done)
		return
	}
	if !charged {
		o.rt.began(c)
	}
	if charged && c.Again { // it did not begin earlier
		if err := o.mayBegin(place.Payer()); err != nil {
			o.pass(place)
			done(proto.ErrorAnswer(err))
			return
		}
	}
	called := c.Context
	called.Self = o.id
	run := func(ctx context.Context, h lmz.Handler) (any, error) {
		result, steps, err := proto.ExecuteCounted(ctx, h, c.Chain)
		o.rt.accounts.Add(c.Payer, budget.Steps, int64(steps-1)) // one was charged where the call entered
		return result, err
	}
	ctx = proto.WithPayer(node.WithCallContext(ctx, called), c.Payer)
	o.execute(ctx, cancel, place, c, run, done)
}

// unseen answers a call that the object has not seen in this delivery. A call presented
// again may have been seen earlier; a stored send will then be presented once more.
func unseen(c *proto.Call, err *lmz.Error) proto.Answer {
	if c.Again && c.Until.IsZero() && err.Code == lmz.CodeGateway {
		return unknown("the object could not be asked what became of the call: "+err.Message, nil)
	}
	return proto.ErrorAnswer(err)
}

// repeat answers a call that began earlier, and gives up the turn.
func (o *Object) repeat(place *turn.Place, c *proto.Call, answer proto.Answer, err error, done func(proto.Answer)) {
	failed := func(error) { done(unseen(c, notExecuted("the object's storage failed"))) }
	var group *group
	if err == nil {
		group, err = o.endTurn(part{func() { done(answer) }, failed})
	}
	switch {
	case err != nil:
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
		o.flush()
		o.close()
		failed(err)
	case group == nil:
		done(answer)
	}
	o.pass(place)
}

// begin waits for the turn and makes the object ready, unless charged is true and the
// payer has taken too much. After an error the place is given up.
func (o *Object) begin(ctx context.Context, place *turn.Place, charged bool) *lmz.Error {
	if err := o.await(ctx, place, charged); err != nil {
		return err
	}
	return o.ready(place)
}

// await waits for the turn, as begin does.
func (o *Object) await(ctx context.Context, place *turn.Place, charged bool) *lmz.Error {
	if err := place.Wait(ctx); err != nil {
		return o.rt.unstarted(ctx)
	}
	o.startTurn()
	err := o.unstarted(ctx)
	if err == nil && charged {
		err = o.mayBegin(place.Payer())
	}
	if err != nil {
		o.pass(place)
	}
	return err
}

// turnOf runs f with the turn of the object at a, after committing everything before it. The
// object is not started.
func (rt *Runtime) turnOf(ctx context.Context, a lmz.Address, f func(*Object) error) error {
	o, place, refused := rt.enter(a, turn.Who{Payer: proto.PayerOf(ctx)}, maxWaiting)
	if refused != nil {
		return refused
	}
	defer rt.leave(o)
	if err := place.Wait(ctx); err != nil {
		return rt.unstarted(ctx)
	}
	defer o.pass(place)
	o.settled()
	if err := o.unstarted(ctx); err != nil {
		return err
	}
	return f(o)
}

// ready makes the object ready in its turn. After an error the place is given up.
func (o *Object) ready(place *turn.Place) *lmz.Error {
	err := o.activate(place)
	if err != nil {
		o.pass(place)
	}
	return err
}

// unstarted returns why work that waited for the turn must no longer begin, or nil.
func (o *Object) unstarted(ctx context.Context) *lmz.Error {
	if o.removed {
		return notExecuted("the object was removed")
	}
	return o.rt.unstarted(ctx)
}

// unstarted returns why a call must no longer begin, or nil.
func (rt *Runtime) unstarted(ctx context.Context) *lmz.Error {
	switch {
	case rt.isClosed():
		return notExecuted("the gateway is closing")
	case ctx.Err() != nil:
		return notExecuted(whyEnded(ctx) + " before its turn")
	}
	return nil
}

// execute runs a call, or a reply if c is nil, on the object's handler and answers. It gives
// up the turn at the end.
func (o *Object) execute(ctx context.Context, cancel context.CancelCauseFunc, place *turn.Place, c *proto.Call,
	run func(context.Context, lmz.Handler) (any, error), done func(proto.Answer)) {
	r := o.newRun(ctx, cancel, place)
	r.call = c
	o.executeIn(ctx, r, run, done)
}

// executeIn is execute within an existing run.
func (o *Object) executeIn(ctx context.Context, r *run, run func(context.Context, lmz.Handler) (any, error), done func(proto.Answer)) {
	h := &tracked{handler: o.handler, run: r}
	var result any
	err := errExited
	defer func() { // even if the handler ended its goroutine
		err = r.whyFailed(err)
		answer := proto.NewAnswer(result, err) // in the turn: the result may be a part of the state
		o.logHidden(r.method, err)
		r.end(answer, done)
	}()
	do(func() { result, err = run(context.WithValue(ctx, runKey{}, r), h) })
}

// newRun returns a run with the turn of a place. cancel ends its ctx when a turn takes too
// long.
func (o *Object) newRun(ctx context.Context, cancel context.CancelCauseFunc, place *turn.Place) *run {
	deadline, _ := ctx.Deadline()
	r := &run{o: o, ctx: ctx, cancel: cancel, payer: place.Payer(), life: o.life, deadline: deadline, place: place}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.startWatchdog()
	return r
}

// activate creates the handler if the object is closed. The caller has the turn, and keeps
// it.
func (o *Object) activate(place *turn.Place) *lmz.Error {
	if o.handler != nil {
		o.store.Hold()
		return nil
	}
	o.store = o.rt.disk.Open(o.id.Address, o.kind.options())
	err := o.store.Ready()
	if err == nil {
		err = o.measure(place.Payer())
	}
	if err == nil {
		err = o.resume()
	}
	if err != nil {
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
		o.close()
		return couldNotStart(err)
	}
	h, err := o.start(place)
	if err != nil {
		o.logHidden("OnStart", err)
		o.flush() // stores who pays for the file
		o.close()
		return couldNotStart(err)
	}
	o.handler = h
	return nil
}

func couldNotStart(err error) *lmz.Error {
	message := "the object could not start"
	var public *lmz.Error
	switch {
	case errors.As(err, &public) && public.Name == errtype.QuotaExceeded:
		return &lmz.Error{Code: lmz.CodeGateway, Name: public.Name, Message: message + ": " + public.Message, Fields: public.Fields}
	case public != nil:
		message += ": " + public.Message
	case store.IsDamaged(err):
		message += ": " + store.Damaged
	}
	return notExecuted(message)
}

// start creates the handler, in a separate goroutine because user code may end it with
// runtime.Goexit.
func (o *Object) start(place *turn.Place) (h lmz.Handler, err error) {
	err = errExited
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h, err = o.startHere(place)
	}()
	<-ended
	return h, err
}

func (o *Object) startHere(place *turn.Place) (h lmz.Handler, err error) {
	err = protect(func() error {
		h = o.kind.New(o)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case h == nil:
		return nil, errors.New("Kind.New returned no handler")
	}
	starter, ok := h.(Starter)
	if !ok {
		return h, nil
	}
	growStack()
	// Not the ctx of the call that woke the object: the start is for all calls.
	ctx, cancel := o.rt.bound(context.Background())
	defer cancel(nil)
	ctx = proto.WithPayer(node.WithCallContext(ctx, lmz.CallContext{Self: o.id}), place.Payer())
	r := o.newRun(ctx, cancel, place)
	r.starting, r.method = true, "OnStart"
	err = errExited
	func() {
		defer func() { err = cmp.Or(r.endStart(err), err) }()
		do(func() {
			err = protect(func() error { return starter.OnStart(context.WithValue(ctx, runKey{}, r)) })
		})
	}()
	if err != nil {
		return nil, err
	}
	o.store.Mark() // the turn of the call begins
	return h, nil
}

// close drops the handler and closes the storage. The caller has the turn.
func (o *Object) close() {
	if o.last != nil {
		o.last.wait() // the storage must not be open twice
		o.last = nil
	}
	if o.store != nil {
		if err := o.store.Close(); err != nil {
			o.logger().Error("closing the storage failed", "error", store.WithoutPath(err))
		}
	}
	o.services.close(o.logger())
	o.handler, o.store = nil, nil
	o.stirred, o.firing, o.nextSend = false, nil, 0
	o.forgetSize()
	o.life++
	o.lost.Store(nil)
}

// tracked is a handler that remembers, for the log, which method it was in.
type tracked struct {
	handler lmz.Handler
	run     *run
}

// HandleCall implements [lmz.Handler].
func (t *tracked) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	t.run.entered(req.Method)
	return t.handler.HandleCall(ctx, req)
}

func (o *Object) logger() *slog.Logger {
	return o.rt.log.With("binding", o.id.Binding, "instance", o.id.Instance)
}

// logHidden logs the part of an error that is hidden from the caller.
func (o *Object) logHidden(method string, err error) {
	hidden := proto.Hidden(err)
	if hidden == nil {
		return
	}
	log := o.logger().With("method", method)
	var p *proto.PanicError
	if errors.As(hidden, &p) {
		log.Error("method panicked", "panic", p.Value, "stack", string(p.Stack))
		return
	}
	log.Error("method failed", "error", hidden)
}

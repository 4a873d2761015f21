package object

import (
	"context"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
)

// maxTargets is how many targets one broadcast may have.
const maxTargets = 10_000

// Broadcast sends c to every target as [Object.Send] would, but encodes and stores it once,
// however many targets there are. Targets settle independently: a slow or failing one delays
// no other. A reply runs once for each target; [TargetFrom] tells it which. A common use is
// [lmz.ReplyOnError], to drop subscribers that are gone.
//
// If Send would fail for one of the targets, Broadcast fails and sends nothing. It also fails,
// with [lmz.ErrTooLarge], for more than 10,000 targets. Without targets it does nothing. Use
// [lmz.NewChain] for ctx if the object speaks for itself and not for its caller.
func (o *Object) Broadcast(ctx context.Context, targets []lmz.Address, c lmz.Continuation, options ...lmz.SendOption) error {
	switch n := len(targets); {
	case n == 0:
		return nil
	case n > maxTargets:
		return &lmz.Error{Code: lmz.CodeGateway, Name: errtype.TooLarge, Message: "a broadcast to " +
			strconv.Itoa(n) + " targets; at most " + strconv.Itoa(maxTargets) + " are allowed"}
	}
	return o.dispatch(ctx, targets, c, node.SendOptions(options))
}

// dispatch sends c to the targets; there is at least one.
func (o *Object) dispatch(ctx context.Context, targets []lmz.Address, c lmz.Continuation, want lmz.SendOption) error {
	call, err := proto.NewCall(ctx, o.id, targets[0], c)
	if err != nil {
		return err
	}
	call.NoReply = len(want.Reply.Ops()) == 0
	var stored, passing []lmz.Address
	for _, to := range targets {
		if err := proto.CheckTarget(o.rt.mesh, to); err != nil {
			return err
		}
		if call.NoReply && !o.rt.isObject(to.Binding) {
			passing = append(passing, to)
			continue
		}
		if refused := o.rt.mayStore(o.id.Address, to); refused != nil {
			return refused
		}
		stored = append(stored, to)
	}
	r, sent := o.runOf(ctx), proto.Sent(ctx)
	deadline := r.sendDeadline(ctx)
	if len(stored) > 0 {
		sender, _ := lmz.CallContextFrom(ctx)
		s, err := o.newStored(call, stored, sender, want, deadline)
		if err != nil {
			return err
		}
		if err := r.afterStoring(s, sent); err != nil {
			return err
		}
	}
	if len(passing) == 0 {
		return nil
	}
	return r.after(func() { o.rt.pass(call, passing, deadline, sent) })
}

// pass delivers a call to targets that keep no outcomes, without waiting for answers.
func (rt *Runtime) pass(call *proto.Call, targets []lmz.Address, deadline time.Time, sent func(*proto.Call)) {
	for _, to := range targets {
		each := *call
		each.To = to
		sent(&each)
		rt.send(&each, deadline, func(proto.Answer) {})
	}
}

type targetKey struct{}

// TargetFrom returns the node whose outcome the handler that got ctx runs with, as a reply to
// [Object.Send] or [Object.Broadcast]. It reports false if the handler does not run as one.
func TargetFrom(ctx context.Context) (lmz.Address, bool) {
	to, ok := ctx.Value(targetKey{}).(lmz.Address)
	return to, ok
}

package object

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// lateAnswer is how long a caller whose ctx has ended still waits for an answer: a callee
// that has not begun answers so at the same moment, which is better than an unknown outcome.
const lateAnswer = 50 * time.Millisecond

// ask delivers call and calls settle exactly once: with the answer or, if ctx ends without
// one, with an error.
func (rt *Runtime) ask(ctx context.Context, call *proto.Call, settle func(proto.Answer)) {
	var once sync.Once
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(lateAnswer, func() {
			once.Do(func() {
				settle(proto.ErrorAnswer(&lmz.Error{
					Code:    lmz.CodeUnknown,
					Message: whyEnded(ctx) + " before " + call.To.String() + " answered",
				}))
			})
		})
	})
	rt.mesh.Deliver(proto.Bare(ctx), call, func(a proto.Answer) {
		stop()
		once.Do(func() { settle(a) })
	})
}

// send delivers call without waiting for the answer.
func (rt *Runtime) send(call *proto.Call, deadline time.Time, reply func(proto.Answer)) {
	if deadline.IsZero() {
		deadline = time.Now().Add(lmz.DefaultTimeout)
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	rt.ask(ctx, call, func(a proto.Answer) {
		cancel()
		reply(a)
	})
}

// sendDeadline returns the deadline that was set on ctx for a Send, or zero. The deadline of
// the handler's own call does not apply to its sends.
func (r *run) sendDeadline(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok || r != nil && deadline.Equal(r.deadline) {
		return time.Time{}
	}
	return deadline
}

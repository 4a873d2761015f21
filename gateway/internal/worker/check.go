package worker

import (
	"context"
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
)

// Check reports whether the worker's guards would allow a call. The guards cannot call or
// send.
func (w *Worker) Check(ctx context.Context, called lmz.CallContext, req *lmz.Request) (v lmz.Verdict, err error) {
	table, ok := w.handler.(lmz.Table)
	if !ok {
		return v, noVerdict("the handler of " + w.self.Binding + " does not say what it would allow: it is no lmz.Mux")
	}
	called.Self = w.self
	ctx = node.WithCallContext(context.WithValue(proto.Bare(ctx), checkKey{}, true), called)
	defer func() {
		if p := recover(); p != nil {
			logs.Hidden(w.pool.log, w.self.Address, &proto.PanicError{Value: p})
			err = &lmz.Error{Message: "a guard of " + req.Method + " panicked"}
		}
	}()
	v = table.CheckCall(ctx, req)
	if errors.Is(v.Err, errCallInCheck) {
		return v, noVerdict("the guard " + v.Guard + " calls another node, which it may not in a check")
	}
	return v, nil
}

type checkKey struct{}

// checking reports whether ctx belongs to a guard that Check runs.
func checking(ctx context.Context) bool { return ctx.Value(checkKey{}) != nil }

var errCallInCheck = errors.New("a call in a check of guards: nothing may leave the node")

func noVerdict(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeGateway, Message: message}
}

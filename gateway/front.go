package gateway

import (
	"context"
	"log/slog"

	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/proto"
)

// deliver carries a call of the mesh to a client.
func (f *front) deliver(ctx context.Context, call *proto.Call, done func(proto.Answer)) {
	f.logCall(call)
	if refused := f.ask(ctx, f.options.BeforeCallToClient, call); refused != nil {
		f.logRefused(call)
		done(*refused)
		return
	}
	f.gateway.clients.Deliver(ctx, call, done)
}

// logCall logs a call to a client.
func (f *front) logCall(call *proto.Call) {
	log := f.gateway.log.Call
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	log.Debug("call to a client", "to", logs.Shown(call.To.String()), "caller", call.Context.Caller().String(), "methods", logs.Methods(call.Chain))
}

// logRefused logs a call to a client that a hook refused.
func (f *front) logRefused(call *proto.Call) {
	c, subject := call.Context, ""
	if c.Auth != nil {
		subject = c.Auth.Subject
	}
	f.gateway.log.Call.Info("call to a client refused", "to", logs.Shown(call.To.String()), "caller", c.Caller().String(),
		"origin", c.Origin().String(), "subject", subject, "methods", logs.Methods(call.Chain))
}

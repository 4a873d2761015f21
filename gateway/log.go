package gateway

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/internal/proto"
)

// logs are the gateway's loggers, by namespace (package debug).
type logs struct {
	connect *slog.Logger // who comes in, and who does not
	session *slog.Logger
	call    *slog.Logger // what clients call, and what is called on them
	request *slog.Logger // HTTP requests to objects
	worker  *slog.Logger
}

func newLogs(log *slog.Logger) logs {
	of := func(name string) *slog.Logger { return log.With("namespace", "lmz."+name) }
	return logs{
		connect: of("gateway.connect"), session: of("gateway.session"), call: of("gateway.call"),
		request: of("gateway.request"), worker: of("worker"),
	}
}

// note is what the log may say of a client's call when that has ended. The call itself may
// have long been delivered then, and with a MiB in it would be kept only to be logged.
type note struct {
	to      lmz.Address
	subject string
	methods string // "" if chain has them
	chain   []byte
	begun   time.Time
}

// maxNoted is how many bytes of a frame are kept for the log, to name all methods, which
// takes longer. Of a larger one only the first method is noted.
const maxNoted = 4 << 10

func noteOf(f proto.Frame, auth *lmz.Auth) note {
	n := note{to: f.To, subject: auth.Subject, chain: f.Payload, begun: time.Now()}
	if len(f.Payload)+len(f.Context) > maxNoted { // they are parts of one buffer
		n.methods, n.chain = shown(proto.FirstMethod(f.Payload))+" …", nil
	}
	return n
}

// logOutcome returns a done that also notes what became of a client's call: at level
// debug, unless it failed.
func (c *client) logOutcome(n note, done func(proto.Answer)) func(proto.Answer) {
	log := c.gateway.log.call
	return func(a proto.Answer) {
		level := slog.LevelDebug
		switch {
		case a.Failed == "":
		case a.Failed == lmz.CodeCallee && proto.IsBadChain(a): // no honest client makes one
			level = slog.LevelWarn
		default:
			level = slog.LevelInfo
		}
		if log.Enabled(context.Background(), level) {
			methods := n.methods
			if methods == "" {
				methods = methodsOf(n.chain)
			}
			log.Log(context.Background(), level, "call of a client", "instance", c.self.Instance, "subject", n.subject,
				"to", shown(n.to.String()), "methods", methods, "failed", string(a.Failed), "took", time.Since(n.begun))
		}
		done(a)
	}
}

// logCall notes a call to a client.
func (f *front) logCall(call *proto.Call) {
	log := f.gateway.log.call
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	log.Debug("call to a client", "to", shown(call.To.String()), "caller", call.Context.Caller().String(), "methods", methodsOf(call.Chain))
}

// logRefused notes a call to a client that a hook refused.
func (f *front) logRefused(call *proto.Call) {
	c, subject := call.Context, ""
	if c.Auth != nil {
		subject = c.Auth.Subject
	}
	f.gateway.log.call.Info("call to a client refused", "to", shown(call.To.String()), "caller", c.Caller().String(),
		"origin", c.Origin().String(), "subject", subject, "methods", methodsOf(call.Chain))
}

// methodsOf names what a call asks for, as far as it can be shown.
func methodsOf(chain []byte) string {
	methods, err := proto.Methods(chain)
	if err != nil {
		return "(no valid chain)"
	}
	const enough = 10
	more := ""
	if len(methods) > enough {
		methods, more = methods[:enough], " …"
	}
	for i, name := range methods {
		methods[i] = shown(name)
	}
	return strings.Join(methods, " ") + more
}

// shown returns what of a client's own words goes to the log: names, which are short.
func shown(word string) string {
	const longest = 80
	if len(word) > longest {
		return "(too long to show)"
	}
	return printable.Line(word)
}

// logHidden notes what the caller of a failed method is not shown.
func logHidden(log *slog.Logger, node lmz.Address, err error) {
	hidden := proto.Hidden(err)
	if hidden == nil {
		return
	}
	args := []any{"node", node.String(), "error", hidden}
	if p, ok := hidden.(*proto.PanicError); ok {
		args = append(args, "panic", p.Value, "stack", string(p.Stack))
	}
	log.Error("a method failed", args...)
}

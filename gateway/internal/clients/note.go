package clients

import (
	"context"
	"log/slog"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/proto"
)

// note is what the log may report of a client's call once it has ended. The call itself may
// have long been delivered by then, and keeping it, with up to a MiB, only for the log would
// be wasteful.
type note struct {
	to      lmz.Address
	subject string
	methods string // "" if they are in chain
	chain   []byte
	begun   time.Time
}

// maxNoted is the size in bytes up to which a frame is kept so that the log can name all its
// methods, which takes longer. Of a larger frame only the first method is logged.
const maxNoted = 4 << 10

func noteOf(f proto.Frame, auth *lmz.Auth) note {
	n := note{to: f.To, subject: auth.Subject, chain: f.Payload, begun: time.Now()}
	if len(f.Payload)+len(f.Context) > maxNoted { // both are slices of one buffer
		n.methods, n.chain = logs.Shown(proto.FirstMethod(f.Payload))+" …", nil
	}
	return n
}

// logOutcome wraps done to also log the outcome of a client's call: at level debug, unless it
// failed.
func (c *client) logOutcome(n note, done func(proto.Answer)) func(proto.Answer) {
	log := c.clients.log.Call
	return func(a proto.Answer) {
		level := slog.LevelDebug
		switch {
		case a.Failed == "":
		case a.Failed == lmz.CodeCallee && proto.IsBadChain(a): // no honest client sends one
			level = slog.LevelWarn
		default:
			level = slog.LevelInfo
		}
		if log.Enabled(context.Background(), level) {
			methods := n.methods
			if methods == "" {
				methods = logs.Methods(n.chain)
			}
			log.Log(context.Background(), level, "call of a client", "instance", c.self.Instance, "subject", n.subject,
				"to", logs.Shown(n.to.String()), "methods", methods, "failed", string(a.Failed), "took", time.Since(n.begun))
		}
		done(a)
	}
}

package clients

import (
	"context"
	"log/slog"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/proto"
)

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
		n.methods, n.chain = logs.Shown(proto.FirstMethod(f.Payload))+" …", nil
	}
	return n
}

// logOutcome returns a done that also notes what became of a client's call: at level
// debug, unless it failed.
func (c *client) logOutcome(n note, done func(proto.Answer)) func(proto.Answer) {
	log := c.clients.log.Call
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
				methods = logs.Methods(n.chain)
			}
			log.Log(context.Background(), level, "call of a client", "instance", c.self.Instance, "subject", n.subject,
				"to", logs.Shown(n.to.String()), "methods", methods, "failed", string(a.Failed), "took", time.Since(n.begun))
		}
		done(a)
	}
}

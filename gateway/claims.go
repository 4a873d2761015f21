package gateway

import (
	"context"
	"log/slog"
	"maps"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// claimed returns the state that a client sends with a call, which is all that the
// gateway takes from it. Whatever else it says in the call context is dropped, and
// noted if an honest client would not say it. c.mu is held.
func (c *client) claimed(f proto.Frame) map[string]lmz.Value {
	if len(f.Context) <= 1 { // nearly always: an empty map
		return nil
	}
	claims, err := proto.UnmarshalContext(f.Context)
	if err != nil {
		c.suspect(slog.LevelWarn, f.To, "a call context that cannot be read")
		return nil
	}
	switch {
	case claims.Auth != nil:
		c.suspect(slog.LevelWarn, f.To, "an origin auth")
	case c.json == nil && claims.Chain != nil:
		c.suspect(slog.LevelWarn, f.To, "a call chain")
	case len(claims.Chain) > 1 || len(claims.Chain) == 1 && claims.Chain[0] != c.self: // the original's client sends the chain that it was called with
		c.suspect(slog.LevelInfo, f.To, "a call chain")
	}
	if claims.ClientState == nil { // it may call its state either: both are its word alone
		return claims.State
	}
	maps.Copy(claims.ClientState, claims.State)
	return claims.ClientState
}

// suspect notes a claim that was dropped. c.mu is held.
func (c *client) suspect(level slog.Level, to lmz.Address, what string) {
	c.gateway.options.Log.Log(context.Background(), level, "claim of a client dropped",
		"instance", c.self.Instance, "subject", c.auth.Subject, "to", shown(to.String()), "claim", what)
}

// logRefusal makes a done that also notes that a call was refused, by whom and what it
// wanted.
func (c *client) logRefusal(call *proto.Call, done func(proto.Answer)) func(proto.Answer) {
	return func(a proto.Answer) {
		level, why := slog.LevelInfo, string(a.Failed)
		switch a.Failed {
		case lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway:
		case lmz.CodeCallee:
			if !proto.IsBadChain(a) {
				done(a)
				return
			}
			level, why = slog.LevelWarn, "invalid operation chain"
		default:
			done(a)
			return
		}
		c.gateway.options.Log.Log(context.Background(), level, "call refused", "instance", c.self.Instance,
			"subject", call.Context.Auth.Subject, "to", shown(call.To.String()), "methods", methodsOf(call), "refused", why)
		done(a)
	}
}

// methodsOf names what a refused call wanted, as far as it can be shown.
func methodsOf(call *proto.Call) string {
	methods, err := proto.Methods(call.Chain)
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
	return strings.ToValidUTF8(word, "\ufffd")
}

package gateway

import (
	"context"
	"log/slog"
	"maps"

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

// suspect notes what was dropped or refused before it was a call. c.mu is held.
func (c *client) suspect(level slog.Level, to lmz.Address, what string) {
	c.gateway.log.call.Log(context.Background(), level, "message of a client not taken as it is",
		"instance", c.self.Instance, "subject", c.auth.Subject, "to", shown(to.String()), "what", what)
}

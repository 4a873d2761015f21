package clients

import (
	"bytes"
	"context"
	"log/slog"
	"maps"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
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
	case claims.Chain != nil && !c.wire.Dialect().Traits().Chain:
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

// checked returns the answer of a client as the mesh may see it. Who failed is one of
// the codes that there are, and only the gateway says that a client's session has
// ended: of one that has not, whoever believed it would drop the subscriptions.
func (g *Clients) checked(a proto.Answer) proto.Answer {
	switch a.Failed {
	case "", lmz.CodeCallee, lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway, lmz.CodeUnknown:
	default:
		a.Failed = lmz.CodeCallee
	}
	if !bytes.Contains(a.Payload, []byte(errtype.ClientDisconnected)) { // nearly always: nothing to decode
		return a
	}
	var e *lmz.Error
	if value.Unmarshal(a.Payload, &e) != nil || e == nil {
		return a
	}
	if instance, ok := lmz.DisconnectedClient(e); ok && g.hasClient(instance) {
		e.Name = ""
		a.Payload = proto.ErrorAnswer(e).Payload
	}
	return a
}

// hasClient reports whether a client with this instance name, at any binding, is
// connected or in its grace period.
func (g *Clients) hasClient(instance string) bool {
	for _, binding := range g.mesh.ClientBindings() {
		if c := g.at(lmz.At(binding, instance)); c != nil && c.hasSession() {
			return true
		}
	}
	return false
}

// suspect notes what was dropped or refused before it was a call. c.mu is held.
func (c *client) suspect(level slog.Level, to lmz.Address, what string) {
	c.clients.log.Call.Log(context.Background(), level, "message of a client not taken as it is",
		"instance", c.self.Instance, "subject", c.auth.Subject, "to", logs.Shown(to.String()), "what", what)
}

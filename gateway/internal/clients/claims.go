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

// claimed returns the state that a client sends with a call, the only part of the call
// context that the gateway takes from it. Everything else is dropped, and logged if an honest
// client would not send it. c.mu is held.
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
	if claims.ClientState == nil { // it may use either name: both are only its claim
		return claims.State
	}
	maps.Copy(claims.ClientState, claims.State)
	return claims.ClientState
}

// checked sanitizes the answer of a client for the mesh. Failed is one of the known codes,
// and only the gateway may report that a client's session has ended: if the session
// continues, a caller that believed the report would drop the client's subscriptions.
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

// suspect logs what was dropped or refused before it became a call. c.mu is held.
func (c *client) suspect(level slog.Level, to lmz.Address, what string) {
	c.clients.log.Call.Log(context.Background(), level, "message of a client not taken as it is",
		"instance", c.self.Instance, "subject", c.auth.Subject, "to", logs.Shown(to.String()), "what", what)
}

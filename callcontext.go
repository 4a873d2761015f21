package lmz

import (
	"context"
	"slices"
	"time"

	"github.com/lumenize/lmz/internal/scope"
)

// Auth is the verified identity of the user on whose behalf a call chain runs. Only gateways
// create one.
type Auth struct {
	Subject string         // the token's sub
	Claims  map[string]any // all claims of the token and those that the gateway's hooks added; read-only
	Expires time.Time      // the token's exp; zero if unknown

	// Session and Token are the ids of the sign-in that the token came from, and of the token
	// itself; "" if the verifier does not set them. The gateway uses them to find the
	// connections that a revocation affects. Nodes do not see them.
	Session, Token string
}

// CallContext is what travels with a call: who called, on whose behalf and through which hops.
// It is a value: a change of a copy affects nothing else. Its slices and maps are shared and
// read-only.
type CallContext struct {
	Self  Identity         // the node that was called
	Chain []Identity       // origin, hop 1, ..., caller; without Self
	Auth  *Auth            // of the origin; nil if the chain did not start at a client
	State map[string]Value // set by trusted nodes along the chain: [WithState], [SetState]

	// ClientState was set by the client at the origin. A guard must not rely on it:
	// the client may put anything there.
	ClientState map[string]Value
}

// Origin returns the node that started the chain, or the zero Identity if the chain is empty.
func (c CallContext) Origin() Identity {
	if len(c.Chain) == 0 {
		return Identity{}
	}
	return c.Chain[0]
}

// Caller returns the node that made this call, or the zero Identity if the chain is empty.
func (c CallContext) Caller() Identity {
	if len(c.Chain) == 0 {
		return Identity{}
	}
	return c.Chain[len(c.Chain)-1]
}

// Next returns the context of a call that self makes within c: self is appended to the chain,
// origin auth and state stay.
func (c CallContext) Next(self Identity) CallContext {
	c.Chain = append(slices.Clip(c.Chain), self)
	c.Self = Identity{}
	return c
}

type callScope = scope.Scope[CallContext]

func scopeOf(ctx context.Context) *callScope { return scope.Of[CallContext](ctx) }

// CallContextFrom returns the call context of the call whose handler received ctx, and false if
// ctx belongs to no call. Calls made with that ctx extend its chain.
func CallContextFrom(ctx context.Context) (CallContext, bool) {
	s := scopeOf(ctx)
	if s == nil {
		return CallContext{}, false
	}
	return s.Call(), true
}

// NewChain returns a ctx whose calls start a new chain at the node that makes them, without
// origin auth and state. Use it for work that the node does on its own behalf and not on its
// caller's, such as a broadcast.
func NewChain(ctx context.Context) context.Context {
	if s := scopeOf(ctx); s != nil {
		return s.Derive(ctx, CallContext{Self: s.Call().Self})
	}
	return ctx
}

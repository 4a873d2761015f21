package lmz

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Auth is the verified identity of the user on whose behalf a call chain runs.
// Only a gateway makes one.
type Auth struct {
	Subject string         // the token's sub
	Claims  map[string]any // all claims of the token, and what the gateway's hooks added; read-only
	Expires time.Time      // the token's exp; zero: no expiry known

	// Session and Token are the ids of the sign-in session that the token came from, and of
	// the token itself; "" if the verifier does not set them. The gateway uses them to find
	// the connections that a revocation concerns; no node sees them.
	Session, Token string
}

// CallContext is what travels with a call. It is a value: changing it changes
// nothing elsewhere. Its slices and maps are shared and read-only.
type CallContext struct {
	Self  Identity         // the node that was called
	Chain []Identity       // origin, hop 1, ..., caller; without Self
	Auth  *Auth            // of the origin; nil when the chain did not start at a client
	State map[string]Value // set by trusted nodes on the way: [WithState], [SetState]

	// ClientState was set by the client at the origin. A guard must not rely on it:
	// the client may put anything there.
	ClientState map[string]Value
}

// Origin returns the node that started the chain: the zero Identity when the
// chain is empty.
func (c CallContext) Origin() Identity {
	if len(c.Chain) == 0 {
		return Identity{}
	}
	return c.Chain[0]
}

// Caller returns the node that made this call: the zero Identity when the chain
// is empty.
func (c CallContext) Caller() Identity {
	if len(c.Chain) == 0 {
		return Identity{}
	}
	return c.Chain[len(c.Chain)-1]
}

// Next returns the context that a call made by self within c carries: the chain
// grows by self, origin auth and state stay.
func (c CallContext) Next(self Identity) CallContext {
	c.Chain = append(slices.Clip(c.Chain), self)
	c.Self = Identity{}
	return c
}

type callContextKey struct{}

// scope is the call context as a ctx has it.
type scope struct {
	base *scope // of the call, if this one was derived from it; nil otherwise

	mu    sync.Mutex // guards the following fields
	call  CallContext
	cache map[any]any // see [PerCall]; of the base only
}

func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(callContextKey{}).(*scope)
	return s
}

func (s *scope) context() CallContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call
}

// derive returns a ctx with another call context within the same call.
func (s *scope) derive(ctx context.Context, c CallContext) context.Context {
	derived := &scope{call: c}
	if s != nil {
		derived.base = s.root()
	}
	return context.WithValue(ctx, callContextKey{}, derived)
}

func (s *scope) root() *scope {
	if s.base != nil {
		return s.base
	}
	return s
}

// CallContextFrom returns the call context that the handler which got ctx runs
// in, and false outside of one. Calls made with that ctx extend its chain.
func CallContextFrom(ctx context.Context) (CallContext, bool) {
	s := scopeOf(ctx)
	if s == nil {
		return CallContext{}, false
	}
	return s.context(), true
}

// WithCallContext returns a ctx in which handlers see c. It is for the runtimes
// that execute calls and for tests; a client that uses it gains nothing, because
// the gateway builds the context of every call from the connection.
func WithCallContext(ctx context.Context, c CallContext) context.Context {
	return context.WithValue(ctx, callContextKey{}, &scope{call: c})
}

// NewChain returns a ctx whose calls start a new chain at the node that makes
// them: no origin auth, no state. Use it where the work is the node's own and not
// the caller's, for instance to broadcast.
func NewChain(ctx context.Context) context.Context {
	if s := scopeOf(ctx); s != nil {
		return s.derive(ctx, CallContext{Self: s.context().Self})
	}
	return ctx
}

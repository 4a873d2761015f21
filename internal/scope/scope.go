// Package scope holds the state of one call while it runs, and passes it in the call's
// context.Context: the call context, values that guards and methods share, and the flags that
// runtimes set. Package lmz exports the part that handlers need. The rest, such as running
// methods without their guards, must be out of reach of handlers.
package scope

import (
	"context"
	"sync"
)

// Scope is the call context of type C (always lmz.CallContext) as a ctx carries it.
type Scope[C any] struct {
	base *Scope[C] // of the call, if this one was derived from it; nil otherwise

	mu    sync.Mutex // guards the following fields
	call  C
	cache map[any]any // of the base only
}

type key[C any] struct{}

// Of returns the scope that ctx carries, or nil.
func Of[C any](ctx context.Context) *Scope[C] {
	s, _ := ctx.Value(key[C]{}).(*Scope[C])
	return s
}

// With returns a ctx for a new call that runs in the call context c.
func With[C any](ctx context.Context, c C) context.Context {
	return context.WithValue(ctx, key[C]{}, &Scope[C]{call: c})
}

// Derive returns a ctx that carries another call context within the same call. A nil Scope
// belongs to no call.
func (s *Scope[C]) Derive(ctx context.Context, c C) context.Context {
	derived := &Scope[C]{call: c}
	if s != nil {
		derived.base = s.root()
	}
	return context.WithValue(ctx, key[C]{}, derived)
}

func (s *Scope[C]) root() *Scope[C] {
	if s.base != nil {
		return s.base
	}
	return s
}

// Call returns the call context.
func (s *Scope[C]) Call() C {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call
}

// Update replaces the call context with f(call context).
func (s *Scope[C]) Update(f func(C) C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = f(s.call)
}

// Cached returns what [Scope.Keep] stored under key for the whole call.
func (s *Scope[C]) Cached(key any) (any, bool) {
	s = s.root()
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.cache[key]
	return value, ok
}

// Keep stores value under key for the whole call, unless a value is already stored, and returns
// the stored one.
func (s *Scope[C]) Keep(key, value any) any {
	s = s.root()
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.cache[key]; ok {
		return known
	}
	if s.cache == nil {
		s.cache = make(map[any]any)
	}
	s.cache[key] = value
	return value
}

package lmz

import (
	"context"
	"maps"
	"reflect"
)

// WithState returns a ctx whose calls, and all calls that follow from them, carry value under
// key, as [CallContext].State, or ClientState if this node is a client. Calls made without this
// ctx do not carry it, nor does the caller of this node see it. The value is anything that can
// be an argument; any other value fails the call.
func WithState(ctx context.Context, key string, value any) context.Context {
	s, c := scopeOf(ctx), CallContext{}
	if s != nil {
		c = s.Call()
	}
	c.State = withEntry(c.State, key, value)
	return s.Derive(ctx, c)
}

// SetState is [WithState] for the rest of the call that ctx belongs to: for calls made with ctx
// from now on, and for the guards and methods that still run in it. A guard uses it to pass
// values to those that run after it. It reports false, and does nothing, if ctx belongs to no
// call.
func SetState(ctx context.Context, key string, value any) bool {
	s := scopeOf(ctx)
	if s == nil {
		return false
	}
	s.Update(func(c CallContext) CallContext {
		c.State = withEntry(c.State, key, value) // replies keep the old map
		return c
	})
	return true
}

func withEntry(state map[string]Value, key string, value any) map[string]Value {
	state = maps.Clone(state)
	if state == nil {
		state = make(map[string]Value)
	}
	if _, encoded := value.(Value); !encoded {
		value = ownValue{value}
	}
	state[key] = value.(Value)
	return state
}

// ownValue is a value that has not left this node.
type ownValue struct{ value any }

// Decode stores the value if it has the type that into points to, or one that differs only in
// its name or size.
func (v ownValue) Decode(into any) error {
	target, found := reflect.ValueOf(into), reflect.ValueOf(v.value)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return &Error{Name: "TypeError", Message: "Decode needs a pointer that is not nil"}
	}
	target = target.Elem()
	switch {
	case !found.IsValid():
		target.SetZero()
	case found.Type().AssignableTo(target.Type()):
		target.Set(found)
	case found.CanConvert(target.Type()) && found.Kind() == target.Kind(),
		found.CanConvert(target.Type()) && isNumber(found.Kind()) && isNumber(target.Kind()):
		target.Set(found.Convert(target.Type()))
	default:
		return &Error{Name: "TypeError", Message: "expected " + target.Type().String() + ", got " + found.Type().String()}
	}
	return nil
}

// PerCall is a value that the guards and methods of one call share, such as the caller's
// account. It is computed on first use and kept until the call ends, also while a handler waits.
// Create it once, with [NewPerCall].
type PerCall[T any] struct {
	compute func(context.Context) (T, error)
}

// NewPerCall returns a [PerCall] whose value compute returns. An error is not kept.
func NewPerCall[T any](compute func(context.Context) (T, error)) *PerCall[T] {
	return &PerCall[T]{compute}
}

// Get returns the value for the call that ctx belongs to. Outside of a call it is computed each
// time. Goroutines that call Get at the same time may each compute it, but get the same value.
func (p *PerCall[T]) Get(ctx context.Context) (T, error) {
	s := scopeOf(ctx)
	if s == nil {
		return p.compute(ctx)
	}
	if known, ok := s.Cached(p); ok {
		value, _ := known.(T) // a nil interface has no type
		return value, nil
	}
	value, err := p.compute(ctx)
	if err != nil {
		return value, err
	}
	value, _ = s.Keep(p, value).(T)
	return value, nil
}

func isNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }

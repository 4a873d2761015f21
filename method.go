package lmz

import (
	"context"
	"reflect"
)

// Method0 is the name of a method without parameters that returns R, declared once as a typed
// constant for caller and callee:
//
//	const Subscribe lmz.Method0[string] = "subscribe"
//
// Use struct{} as R for a method without a result.
type Method0[R any] string

// Ctn describes a call of the method.
func (m Method0[R]) Ctn() Continuation { return Ctn(string(m)) }

// Call calls the method on the node at to.
func (m Method0[R]) Call(ctx context.Context, via Caller, to Address) (R, error) {
	return Call[R](ctx, via, to, m.Ctn())
}

// Expose adds the method to mux, as [Mux.Expose] does.
func (m Method0[R]) Expose(mux *Mux, guard Guard, f func(context.Context) (R, error), options ...ExposeOption) {
	exposeTyped[R](mux, string(m), guard, options, func(ctx context.Context, _ *Request) (any, error) {
		return result(f(ctx))
	})
}

// Method1 is the name of a method with one parameter; see [Method0].
type Method1[A, R any] string

// Ctn describes a call of the method.
func (m Method1[A, R]) Ctn(a A) Continuation { return Ctn(string(m), a) }

// Call calls the method on the node at to.
func (m Method1[A, R]) Call(ctx context.Context, via Caller, to Address, a A) (R, error) {
	return Call[R](ctx, via, to, m.Ctn(a))
}

// Expose adds the method to mux, as [Mux.Expose] does.
func (m Method1[A, R]) Expose(mux *Mux, guard Guard, f func(context.Context, A) (R, error), options ...ExposeOption) {
	exposeTyped[R](mux, string(m), guard, options, func(ctx context.Context, req *Request) (any, error) {
		var a A
		if err := req.Arg(0, &a); err != nil {
			return nil, err
		}
		return result(f(ctx, a))
	}, reflect.TypeFor[A]())
}

// Method2 is the name of a method with two parameters; see [Method0].
type Method2[A, B, R any] string

// Ctn describes a call of the method.
func (m Method2[A, B, R]) Ctn(a A, b B) Continuation { return Ctn(string(m), a, b) }

// Call calls the method on the node at to.
func (m Method2[A, B, R]) Call(ctx context.Context, via Caller, to Address, a A, b B) (R, error) {
	return Call[R](ctx, via, to, m.Ctn(a, b))
}

// Expose adds the method to mux, as [Mux.Expose] does.
func (m Method2[A, B, R]) Expose(mux *Mux, guard Guard, f func(context.Context, A, B) (R, error), options ...ExposeOption) {
	exposeTyped[R](mux, string(m), guard, options, func(ctx context.Context, req *Request) (any, error) {
		var a A
		var b B
		if err := args(req, &a, &b); err != nil {
			return nil, err
		}
		return result(f(ctx, a, b))
	}, reflect.TypeFor[A](), reflect.TypeFor[B]())
}

// Method3 is the name of a method with three parameters; see [Method0]. A method that needs more
// takes a struct.
type Method3[A, B, C, R any] string

// Ctn describes a call of the method.
func (m Method3[A, B, C, R]) Ctn(a A, b B, c C) Continuation { return Ctn(string(m), a, b, c) }

// Call calls the method on the node at to.
func (m Method3[A, B, C, R]) Call(ctx context.Context, via Caller, to Address, a A, b B, c C) (R, error) {
	return Call[R](ctx, via, to, m.Ctn(a, b, c))
}

// Expose adds the method to mux, as [Mux.Expose] does.
func (m Method3[A, B, C, R]) Expose(mux *Mux, guard Guard, f func(context.Context, A, B, C) (R, error), options ...ExposeOption) {
	exposeTyped[R](mux, string(m), guard, options, func(ctx context.Context, req *Request) (any, error) {
		var a A
		var b B
		var c C
		if err := args(req, &a, &b, &c); err != nil {
			return nil, err
		}
		return result(f(ctx, a, b, c))
	}, reflect.TypeFor[A](), reflect.TypeFor[B](), reflect.TypeFor[C]())
}

// args decodes the arguments in order.
func args(req *Request, into ...any) error {
	for i, p := range into {
		if err := req.Arg(i, p); err != nil {
			return err
		}
	}
	return nil
}

// result turns struct{}, the Go spelling of "no result", into [Undefined].
func result[R any](r R, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if _, none := any(r).(struct{}); none {
		return Undefined{}, nil
	}
	return r, nil
}

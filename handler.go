package lmz

import (
	"context"
	"reflect"
	"strconv"

	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/scope"
)

// Request is one step of a continuation on its way to a method.
type Request struct {
	Method string
	Args   []Value

	about *about // of the method, once a Mux has found it; or nil
}

// Arg decodes the argument with index i into the variable that into points to. An argument that
// is missing or undefined leaves a pointer, interface, slice or map unchanged, and is an error
// for anything else.
func (r *Request) Arg(i int, into any) error {
	if i >= len(r.Args) || isUndefined(r.Args[i]) {
		switch reflect.TypeOf(into).Elem().Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
			return nil
		}
		return &Error{Name: "TypeError", Message: r.argument(i) + " is missing"}
	}
	if err := r.Args[i].Decode(into); err != nil {
		return &Error{Name: "TypeError", Message: r.argument(i) + ": " + err.Error()}
	}
	return nil
}

// argument names an argument in messages.
func (r *Request) argument(i int) string {
	name := r.Method + ": argument " + strconv.Itoa(i+1)
	if r.about != nil && i < len(r.about.names) {
		name += " (" + r.about.names[i] + ")"
	}
	return name
}

// isUndefined reports whether a value is JavaScript's undefined, which stands for an argument
// that the caller left out.
func isUndefined(v Value) bool {
	u, ok := v.(interface{ IsUndefined() bool })
	return ok && u.IsUndefined()
}

// Handler executes calls. HandleCall returns the result, which may itself be a Handler if the
// continuation has more steps. ctx carries the call context; it ends when the call's deadline
// passes or the caller gives up.
type Handler interface {
	HandleCall(ctx context.Context, req *Request) (any, error)
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, req *Request) (any, error)

// HandleCall calls f.
func (f HandlerFunc) HandleCall(ctx context.Context, req *Request) (any, error) {
	return f(ctx, req)
}

// Guard decides whether a method may run. An error refuses the call. The caller sees the text of
// an [*Error] only. ctx carries the call context.
type Guard func(ctx context.Context, req *Request) error

// Anyone is a guard that lets every node call.
func Anyone(context.Context, *Request) error { return nil }

// NoOne is a guard that lets no node call, for methods that run only as replies.
func NoOne(context.Context, *Request) error {
	return &Error{Message: "this method only takes replies"}
}

type exposed struct {
	guard   Guard
	handler Handler
	about   *about // nil without options
}

// Mux is the table of a node's exposed methods, and the [Handler] that dispatches to them. A
// name that is not in the table does not exist. The zero value is an empty table. Fill it before
// the node starts; after that it is safe for concurrent use.
type Mux struct {
	methods map[string]exposed
	before  Guard
}

// Expose adds a method. It panics if the name is empty or already exposed, or if guard or h is
// nil: open methods use [Anyone].
func (m *Mux) Expose(name string, guard Guard, h Handler, options ...ExposeOption) {
	switch {
	case name == "":
		panic("lmz: Expose: empty method name")
	case guard == nil:
		panic("lmz: Expose " + name + ": nil guard; use lmz.Anyone for an open method")
	case h == nil:
		panic("lmz: Expose " + name + ": nil handler")
	}
	if _, taken := m.methods[name]; taken {
		panic("lmz: Expose " + name + ": exposed twice")
	}
	if m.methods == nil {
		m.methods = make(map[string]exposed)
	}
	method := exposed{guard: guard, handler: h}
	method.describe(name, options)
	m.methods[name] = method
}

// OnBeforeCall sets a guard that runs before the guard of every method.
func (m *Mux) OnBeforeCall(guard Guard) { m.before = guard }

// HandleCall runs the guards and then the method. A refusal has [CodeGuard], an
// unknown name [CodeAbsent].
func (m *Mux) HandleCall(ctx context.Context, req *Request) (any, error) {
	method, ok := m.methods[req.Method]
	if !ok {
		return nil, notExposed(req.Method)
	}
	req.about = method.about
	if scope.IsReply(ctx) {
		return method.handler.HandleCall(scope.AsCall(ctx), req) // calls that it makes in turn are guarded
	}
	if _, err := m.check(ctx, method, req); err != nil {
		return nil, err
	}
	return method.handler.HandleCall(ctx, req)
}

func notExposed(method string) error {
	return &errtype.Refused{Err: &Error{Code: CodeAbsent, Message: "no method " + strconv.Quote(method) + " is exposed here"}}
}

// check runs the guards of a method, and returns the one that decided.
func (m *Mux) check(ctx context.Context, method exposed, req *Request) (Guard, error) {
	if m.before != nil {
		if err := Check(ctx, m.before, req); err != nil {
			return m.before, err
		}
	}
	return method.guard, Check(ctx, method.guard, req)
}

// Check runs a guard and marks its error as a refusal ([CodeGuard]). Use it in a handler that
// guards another handler.
func Check(ctx context.Context, guard Guard, req *Request) error {
	if err := guard(ctx, req); err != nil {
		return refused(err)
	}
	return nil
}

// refused marks the error of a guard. It copies the guard's own value, which calls may share.
func refused(err error) error {
	marked := Error{Message: "refused", Cause: err}
	if e := errtype.First(err, newError); e != nil {
		marked = *e
	}
	marked.Code = CodeGuard
	return &errtype.Refused{Err: &marked}
}

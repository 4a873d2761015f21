package lmz

import (
	"context"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// MethodInfo describes an exposed method.
type MethodInfo struct {
	Name   string
	Guard  string // the name of the guard's function, as in "requireSubscriber"
	Typed  bool   // the types are known: it was exposed by a Method0, Method1, ...
	Params []reflect.Type
	Result reflect.Type // struct{} for a method without a result

	// From the options of Expose. Names are the names of the parameters, or nil; a method
	// that is not typed may have some.
	Names       []string
	Doc         string
	ReadOnly    bool
	Destructive bool
	Idempotent  bool
}

// Verdict is the decision of the guards of a method.
type Verdict struct {
	Guard string // that decided: the one that refused, or the last one
	Err   error  // why the call would fail; nil if it is allowed
}

// Table is a handler that describes what it exposes, for tools: a [Mux], and every struct that
// embeds one. A struct with its own HandleCall that refuses calls needs its own CheckCall too.
type Table interface {
	Handler

	// Methods returns the exposed methods, sorted by name.
	Methods() []MethodInfo

	// BeforeCall returns the name of the guard of all methods, or "".
	BeforeCall() string

	// CheckCall runs the guards of a call of req, but not the method.
	CheckCall(ctx context.Context, req *Request) Verdict
}

var _ Table = (*Mux)(nil)

// Methods implements [Table].
func (m *Mux) Methods() []MethodInfo {
	infos := make([]MethodInfo, 0, len(m.methods))
	for _, name := range slices.Sorted(maps.Keys(m.methods)) {
		method := m.methods[name]
		info := MethodInfo{Name: name, Guard: nameOf(method.guard)}
		if t, ok := method.handler.(typed); ok {
			info.Typed, info.Params, info.Result = true, t.params, t.result
		}
		if a := method.about; a != nil {
			info.Names, info.Doc = a.names, a.doc
			info.ReadOnly, info.Destructive, info.Idempotent = a.readOnly, a.destructive, a.idempotent
		}
		infos = append(infos, info)
	}
	return infos
}

// BeforeCall implements [Table].
func (m *Mux) BeforeCall() string {
	if m.before == nil {
		return ""
	}
	return nameOf(m.before)
}

// CheckCall implements [Table].
func (m *Mux) CheckCall(ctx context.Context, req *Request) Verdict {
	method, ok := m.methods[req.Method]
	if !ok {
		return Verdict{Err: notExposed(req.Method)}
	}
	guard, err := m.check(ctx, method, req)
	return Verdict{nameOf(guard), err}
}

// nameOf returns the name of a guard's function without its package and type. A closure has the
// name of the function that returned it.
func nameOf(g Guard) string {
	name := runtime.FuncForPC(reflect.ValueOf(g).Pointer()).Name()
	name = strings.TrimSuffix(name, "-fm") // of a method value
	name, _, _ = strings.Cut(name, "[")    // a generic's types
	parts := strings.Split(name[strings.LastIndexByte(name, '/')+1:], ".")
	for len(parts) > 1 && isClosure(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	return parts[len(parts)-1]
}

// isClosure reports whether a part of a function's name was made by the compiler, as in
// newDocument.func1.
func isClosure(part string) bool {
	for _, prefix := range []string{"func", "gowrap", "deferwrap"} {
		part = strings.TrimPrefix(part, prefix)
	}
	return strings.Trim(part, "0123456789") == ""
}

// typed is the handler of a method whose types are known.
type typed struct {
	HandlerFunc
	params []reflect.Type
	result reflect.Type
}

func exposeTyped[R any](mux *Mux, name string, guard Guard, options []ExposeOption, f HandlerFunc, params ...reflect.Type) {
	mux.Expose(name, guard, typed{f, params, reflect.TypeFor[R]()}, options...)
}

package lmz

import (
	"reflect"

	"github.com/lumenize/lmz/internal/errtype"
)

// RegisterError lets errors of type E, a struct or a pointer to one, cross the mesh under a class
// name: if a handler returns one, its text and exported fields travel, and at the caller
// errors.As finds an E with those fields set. Register the type at the start of every program
// that uses it: a name that is not registered creates no type. It panics if E is not such a
// type, or if the name or the type is already registered.
func RegisterError[E error](name string) {
	t := reflect.TypeFor[E]()
	if t == reflect.TypeFor[*Error]() {
		panic("lmz: RegisterError " + name + ": *lmz.Error needs no registration")
	}
	errtype.Register(t, name)
}

// newError returns an error of a registered type as an *Error.
func newError(name, message string, fields map[string]any, cause error) *Error {
	return &Error{Name: name, Message: message, Fields: fields, Cause: cause}
}

// As makes errors.As find an error of the type that is registered under the name of e.
func (e *Error) As(target any) bool { return errtype.As(e.Name, e.Fields, target) }

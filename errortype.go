package lmz

import (
	"errors"
	"reflect"
	"sync"
	"unicode"
	"unicode/utf8"
)

// errorTypes are the registered error types by class name, and the names by type.
var errorTypes struct {
	mu     sync.RWMutex // guards the following fields
	byName map[string]reflect.Type
	names  map[reflect.Type]string
}

// RegisterError makes errors of type E, which is a struct or a pointer to one, cross
// the mesh under a class name: a handler may return one, its text and exported fields
// travel, and at the caller errors.As finds an E again with those fields set. Register
// it on every side that should know the type, at the start of the program: a type that
// a peer only names is never made. It panics if E is no such type, or if the name or
// the type is taken.
func RegisterError[E error](name string) {
	t := reflect.TypeFor[E]()
	if structOf(t).Kind() != reflect.Struct || t == reflect.TypeFor[*Error]() {
		panic("lmz: RegisterError " + name + ": " + t.String() + " is no struct or pointer to one")
	}
	errorTypes.mu.Lock()
	defer errorTypes.mu.Unlock()
	if errorTypes.byName == nil {
		errorTypes.byName, errorTypes.names = make(map[string]reflect.Type), make(map[reflect.Type]string)
	}
	if _, taken := errorTypes.byName[name]; taken || name == "" || name == "Error" {
		panic("lmz: RegisterError " + name + ": the name is empty or taken")
	}
	if _, taken := errorTypes.names[t]; taken {
		panic("lmz: RegisterError " + name + ": " + t.String() + " is registered already")
	}
	errorTypes.byName[name], errorTypes.names[t] = t, name
}

func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// PublicError returns what of err may leave the node: the first [*Error] in its tree,
// or the first error of a registered type as one. It returns nil when there is neither.
// Runtimes call it.
func PublicError(err error) *Error {
	for ; err != nil; err = errors.Unwrap(err) {
		if e, ok := err.(*Error); ok {
			return e
		}
		if e := registered(err); e != nil {
			return e
		}
	}
	return nil
}

// registered returns an error of a registered type as an *Error.
func registered(err error) *Error {
	errorTypes.mu.RLock()
	name, ok := errorTypes.names[reflect.TypeOf(err)]
	errorTypes.mu.RUnlock()
	v := reflect.ValueOf(err)
	if !ok || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	e := &Error{Name: name, Message: err.Error(), Fields: make(map[string]any)}
	v = reflect.Indirect(v)
	for i, field := range reflect.VisibleFields(v.Type()) {
		if field.IsExported() && len(field.Index) == 1 {
			e.Fields[memberName(field.Name)] = v.Field(i).Interface()
		}
	}
	if cause := errors.Unwrap(err); cause != nil {
		e.Cause = cause
	}
	return e
}

// memberName is the name of a struct field in JavaScript.
func memberName(field string) string {
	first, size := utf8.DecodeRuneInString(field)
	return string(unicode.ToLower(first)) + field[size:]
}

// As makes errors.As find an error of the type that is registered under e's name.
func (e *Error) As(target any) bool {
	errorTypes.mu.RLock()
	t, ok := errorTypes.byName[e.Name]
	errorTypes.mu.RUnlock()
	if !ok || reflect.TypeOf(target) != reflect.PointerTo(t) {
		return false
	}
	made := reflect.New(structOf(t))
	for _, field := range reflect.VisibleFields(made.Elem().Type()) {
		if field.IsExported() && len(field.Index) == 1 {
			setField(made.Elem().FieldByIndex(field.Index), e.Fields[memberName(field.Name)])
		}
	}
	if t.Kind() != reflect.Pointer {
		made = made.Elem()
	}
	reflect.ValueOf(target).Elem().Set(made)
	return true
}

// setField stores what came for a field if it fits: the sender may have another
// version of the type.
func setField(field reflect.Value, value any) {
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid():
	case v.Type().AssignableTo(field.Type()):
		field.Set(v)
	case v.CanConvert(field.Type()) && isNumber(v.Kind()) == isNumber(field.Kind()):
		field.Set(v.Convert(field.Type()))
	}
}

func isNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }

// Package errtype translates between Go's error types and the errors that cross the mesh,
// which have a class name and fields. It holds the registry of types, and marks refusals.
// Package lmz and the runtimes share it.
package errtype

import (
	"errors"
	"reflect"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Class names of errors that runtimes create (PROTOCOL.md, "Errors").
const (
	Busy               = "BusyError"               // lmz.ErrBusy
	QueueFull          = "QueueFullError"          // lmz.ErrQueueFull
	TooLarge           = "TooLargeError"           // lmz.ErrTooLarge
	RateLimited        = "RateLimitedError"        // lmz.ErrRateLimited
	QuotaExceeded      = "QuotaExceededError"      // lmz.ErrQuotaExceeded
	ClientDisconnected = "ClientDisconnectedError" // lmz.DisconnectedClient
)

// Error fields with a meaning (PROTOCOL.md, "Errors"). The time is in milliseconds from now.
const (
	ClientInstanceName = "clientInstanceName" // of a ClientDisconnectedError
	RetryAfterMs       = "retryAfterMs"       // of a RateLimitedError
	Exceeded           = "exceeded"           // the budget: of a RateLimitedError or QuotaExceededError
	Limit              = "limit"              // of a QuotaExceededError
)

// Refused marks Err as the verdict of this node's own guards, as opposed to one that a node
// further down the chain returned.
type Refused struct{ Err error }

// Error returns the text of Err.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns Err.
func (r *Refused) Unwrap() error { return r.Err }

// types are the registered error types by class name, and the names by type.
var types struct {
	mu     sync.RWMutex // guards the following fields
	byName map[string]reflect.Type
	names  map[reflect.Type]string
}

// Register registers a type, which is a struct or a pointer to one, under a class name. It
// panics as lmz.RegisterError does.
func Register(t reflect.Type, name string) {
	if structOf(t).Kind() != reflect.Struct {
		panic("lmz: RegisterError " + name + ": " + t.String() + " is neither a struct nor a pointer to one")
	}
	types.mu.Lock()
	defer types.mu.Unlock()
	if types.byName == nil {
		types.byName, types.names = make(map[string]reflect.Type), make(map[reflect.Type]string)
	}
	if _, taken := types.byName[name]; taken || name == "" || name == "Error" {
		panic("lmz: RegisterError " + name + ": the name is empty or already registered")
	}
	if _, taken := types.names[t]; taken {
		panic("lmz: RegisterError " + name + ": " + t.String() + " is already registered")
	}
	types.byName[name], types.names[t] = t, name
}

func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// First returns the first error in err's tree that may leave the node: an E, or an error of a
// registered type, which make converts to an E. The zero E means that there is none.
func First[E error](err error, make func(name, message string, fields map[string]any, cause error) E) (none E) {
	for ; err != nil; err = errors.Unwrap(err) {
		if e, ok := err.(E); ok {
			return e
		}
		if name, fields, ok := describe(err); ok {
			return make(name, err.Error(), fields, errors.Unwrap(err))
		}
	}
	return none
}

// describe returns the class name and the fields of an error of a registered type.
func describe(err error) (name string, fields map[string]any, ok bool) {
	types.mu.RLock()
	name, ok = types.names[reflect.TypeOf(err)]
	types.mu.RUnlock()
	v := reflect.ValueOf(err)
	if !ok || v.Kind() == reflect.Pointer && v.IsNil() {
		return "", nil, false
	}
	fields = make(map[string]any)
	v = reflect.Indirect(v)
	for i, field := range reflect.VisibleFields(v.Type()) {
		if field.IsExported() && len(field.Index) == 1 {
			fields[memberName(field.Name)] = v.Field(i).Interface()
		}
	}
	return name, fields, true
}

// As implements the method As of an error with a class name and fields: it stores an error of
// the type that is registered under the name in target, if target is a pointer to that type.
func As(name string, fields map[string]any, target any) bool {
	types.mu.RLock()
	t, ok := types.byName[name]
	types.mu.RUnlock()
	if !ok || reflect.TypeOf(target) != reflect.PointerTo(t) {
		return false
	}
	made := reflect.New(structOf(t))
	for _, field := range reflect.VisibleFields(made.Elem().Type()) {
		if field.IsExported() && len(field.Index) == 1 {
			setField(made.Elem().FieldByIndex(field.Index), fields[memberName(field.Name)])
		}
	}
	if t.Kind() != reflect.Pointer {
		made = made.Elem()
	}
	reflect.ValueOf(target).Elem().Set(made)
	return true
}

// memberName is the name of a struct field in JavaScript.
func memberName(field string) string {
	first, size := utf8.DecodeRuneInString(field)
	return string(unicode.ToLower(first)) + field[size:]
}

// setField stores a received value in a field if it fits: the sender may have another
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

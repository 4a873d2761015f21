package value

import (
	"errors"
	"reflect"
	"slices"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// failure writes an error that is not an *lmz.Error: the *lmz.Error that it wraps, or else an
// internal error, because its text may name files or tables.
func (e *encoder) failure(err error) error {
	var public *lmz.Error
	if errors.As(err, &public) && public != nil {
		return e.reflected(reflect.ValueOf(public))
	}
	return e.lmzError(&lmz.Error{Message: InternalError})
}

// lmzError writes an error's members: name, message, cause, and then its own properties in
// alphabetical order. Its code is not among them.
func (e *encoder) lmzError(x *lmz.Error) error {
	var cause *lmz.Error
	if x.Cause != nil && !errors.As(x.Cause, &cause) {
		cause = nil
	}
	keys := make([]string, 0, len(x.Fields))
	for key := range x.Fields {
		// A cause that is not an error is a property, as in JavaScript.
		if key == cbordoc.MemberName || key == cbordoc.MemberMessage || key == cbordoc.MemberCause && cause != nil {
			continue
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	n := 2 + len(keys)
	if cause != nil {
		n++
	}
	if err := e.Object(cbordoc.ObjectError); err != nil {
		return err
	}
	if err := e.Begin(cbordoc.MajorMap, uint64(n)); err != nil {
		return err
	}
	if err := e.errorMembers(x, cause); err != nil {
		return err
	}
	if err := e.fields(x.Fields, keys); err != nil {
		return err
	}
	e.End()
	e.EndObject()
	return nil
}

func (e *encoder) errorMembers(x *lmz.Error, cause *lmz.Error) error {
	name := x.Name
	if name == "" {
		name = cbordoc.ObjectError
	}
	e.Dst = cbordoc.AppendText(e.Dst, cbordoc.MemberName)
	if err := e.text(name); err != nil {
		return cbordoc.At(err, cbordoc.MemberName)
	}
	e.Dst = cbordoc.AppendText(e.Dst, cbordoc.MemberMessage)
	if err := e.text(x.Message); err != nil {
		return cbordoc.At(err, cbordoc.MemberMessage)
	}
	if cause == nil {
		return nil
	}
	e.Dst = cbordoc.AppendText(e.Dst, cbordoc.MemberCause)
	return cbordoc.At(e.reflected(reflect.ValueOf(cause)), cbordoc.MemberCause)
}

// InternalError is the message that callers see for an error that is not an *lmz.Error.
const InternalError = "internal error"

package proto

import (
	"errors"
	"reflect"
	"slices"

	"github.com/lumenize/lmz"
)

// failure writes an error that is no *lmz.Error itself: the one it wraps, or that
// there was one. Its own text may name files or tables.
func (e *encoder) failure(err error) error {
	var public *lmz.Error
	if errors.As(err, &public) && public != nil {
		return e.reflected(reflect.ValueOf(public))
	}
	return e.lmzError(&lmz.Error{Message: InternalError})
}

// lmzError writes an error's members: name, message, cause, and then its own
// properties in the order of their names. Its code is not one of them.
func (e *encoder) lmzError(x *lmz.Error) error {
	var cause *lmz.Error
	if x.Cause != nil && !errors.As(x.Cause, &cause) {
		cause = nil
	}
	keys := make([]string, 0, len(x.Fields))
	for key := range x.Fields {
		// A cause that is not an error is a property, as in JavaScript.
		if key == memberName || key == memberMessage || key == memberCause && cause != nil {
			continue
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	n := 2 + len(keys)
	if cause != nil {
		n++
	}
	if err := e.object(objectError); err != nil {
		return err
	}
	if err := e.begin(majorMap, uint64(n)); err != nil {
		return err
	}
	if err := e.errorMembers(x, cause); err != nil {
		return err
	}
	if err := e.fields(x.Fields, keys); err != nil {
		return err
	}
	e.end()
	e.endObject()
	return nil
}

func (e *encoder) errorMembers(x *lmz.Error, cause *lmz.Error) error {
	name := x.Name
	if name == "" {
		name = objectError
	}
	e.dst = appendText(e.dst, memberName)
	if err := e.text(name); err != nil {
		return at(err, memberName)
	}
	e.dst = appendText(e.dst, memberMessage)
	if err := e.text(x.Message); err != nil {
		return at(err, memberMessage)
	}
	if cause == nil {
		return nil
	}
	e.dst = appendText(e.dst, memberCause)
	return at(e.reflected(reflect.ValueOf(cause)), memberCause)
}

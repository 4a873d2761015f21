package value

import (
	"reflect"
)

// mismatch says that an item does not fit a Go type.
func (d *decoder) mismatch(expected reflect.Type, got Token) error {
	return mismatch(expected, d.Describe(got))
}

func mismatch(expected reflect.Type, got string) error {
	return &Error{What: "expected " + kindName(expected) + ", got " + got}
}

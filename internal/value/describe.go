package value

import (
	"reflect"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// mismatch returns the error for an item that does not fit a Go type.
func (d *decoder) mismatch(expected reflect.Type, got cbordoc.Token) error {
	return mismatch(expected, d.Describe(got))
}

func mismatch(expected reflect.Type, got string) error {
	return &cbordoc.Error{What: "expected " + kindName(expected) + ", got " + got}
}

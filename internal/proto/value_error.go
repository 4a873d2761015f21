package proto

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// InternalError is what a caller learns of an error that is no *lmz.Error.
const InternalError = "internal error"

// maxPath bounds the path in an error's text, whose keys may come from a peer.
const maxPath = 200

// valueError says where in a value something does not fit. The path grows from
// the inside out while the error travels up.
type valueError struct {
	path []string // innermost first
	what string
}

// at adds the name or index of the place where err happened.
func at(err error, segment string) error {
	if e, ok := err.(*valueError); ok {
		e.path = append(e.path, segment)
	}
	return err
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// Error returns "args[0].handler: func() cannot be sent".
func (e *valueError) Error() string {
	if len(e.path) == 0 {
		return e.what
	}
	var b strings.Builder
	for _, segment := range slices.Backward(e.path) {
		if b.Len()+len(segment) > maxPath {
			b.WriteString("...")
			break
		}
		if b.Len() > 0 && !strings.HasPrefix(segment, "[") {
			b.WriteByte('.')
		}
		b.WriteString(printable(segment))
	}
	return b.String() + ": " + e.what
}

// printable keeps what a peer chose as a key from writing lines into a log.
func printable(s string) string {
	if !validText(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

func typeName(v any) string {
	if v == nil {
		return "nil"
	}
	return reflect.TypeOf(v).String()
}

func validText(s string) bool { return utf8.ValidString(s) }

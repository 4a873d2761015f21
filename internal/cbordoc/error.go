package cbordoc

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPath bounds the path in an error's text, whose keys may come from a peer.
const maxPath = 200

// valueError says where in a value something does not fit. The path grows from
// the inside out while the error travels up.
type Error struct {
	path []string // innermost first
	What string
}

// at adds the name or index of the place where err happened.
func At(err error, segment string) error {
	if e, ok := err.(*Error); ok {
		e.path = append(e.path, segment)
	}
	return err
}

func Index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// Error returns "args[0].handler: func() cannot be sent".
func (e *Error) Error() string {
	if len(e.path) == 0 {
		return e.What
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
	return b.String() + ": " + e.What
}

// ErrTooLarge is matched by the error of a value whose JSON text, or whose CBOR
// document, would be far larger than what it is made from.
var ErrTooLarge = errors.New("too large")

// tooLarge says that a document would be longer than limit bytes.
func TooLarge(limit int) error { return tooLargeError{limit} }

type tooLargeError struct{ limit int }

func (e tooLargeError) Error() string {
	return "too large: the value takes more than " + strconv.Itoa(e.limit) + " bytes"
}

func (tooLargeError) Is(target error) bool { return target == ErrTooLarge }

// printable keeps what a peer chose as a key from writing lines into a log.
func printable(s string) string {
	if !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

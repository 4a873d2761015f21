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

// Error reports what is wrong with a value, and in which part of it. The path to the part grows
// from the inside out while the error is returned: see [At].
type Error struct {
	path []string // innermost first
	What string   // for log readers; never secret
}

// At prepends to the path of err, if err is an [*Error], the name or the index of a part.
func At(err error, segment string) error {
	if e, ok := err.(*Error); ok {
		e.path = append(e.path, segment)
	}
	return err
}

// Index returns the path segment of an element.
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

// ErrTooLarge matches the error for a value whose document, or JSON text, would be far larger
// than its source.
var ErrTooLarge = errors.New("too large")

// TooLarge returns the error for a document that would be longer than limit bytes.
func TooLarge(limit int) error { return tooLargeError{limit} }

type tooLargeError struct{ limit int }

func (e tooLargeError) Error() string {
	return "too large: the value takes more than " + strconv.Itoa(e.limit) + " bytes"
}

func (tooLargeError) Is(target error) bool { return target == ErrTooLarge }

// printable quotes a key that could inject lines into a log.
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

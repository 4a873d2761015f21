// Package exit is how a command ends: the exit codes of lmz, and errors that carry a code and
// a hint at what to do next.
package exit

import (
	"errors"
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// The exit codes. `lmz help exit-codes` explains them to users.
const (
	OK          = 0
	Failed      = 1
	Usage       = 2
	NotExecuted = 3
	Login       = 4
	Refused     = 5
	Absent      = 6
	Unknown     = 7
	Bug         = 70
	Interrupted = 130
)

// Error is an error with an exit code.
type Error struct {
	Code    int
	Message string // empty: the command has printed everything already
	Try     string // what to do next, a command or a sentence; may be empty
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Errorf returns an [*Error].
func Errorf(code int, try, format string, args ...any) error {
	return &Error{Code: code, Try: try, Message: fmt.Sprintf(format, args...)}
}

// Usagef returns an [*Error] for a mistake in what the user typed.
func Usagef(try, format string, args ...any) error {
	return Errorf(Usage, try, format, args...)
}

// CodeOf returns the exit code of an error of the mesh.
func CodeOf(err error) int {
	code := lmz.CodeOf(err)
	switch {
	case code == lmz.CodeUnknown:
		return Unknown
	case errors.Is(err, client.ErrLoginRequired):
		return Login
	case code == lmz.CodeGuard:
		return Refused
	case code == lmz.CodeAbsent:
		return Absent
	case code == lmz.CodeGateway, errors.Is(err, client.ErrSuperseded):
		return NotExecuted
	}
	return Failed
}

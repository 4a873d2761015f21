package lmz

import (
	"errors"
	"fmt"

	"github.com/lumenize/lmz/internal/errtype"
)

// Code says who failed, which is also what a caller decides by: whether the
// method can have run. The set is closed. An error that never crossed the mesh
// has the empty code.
type Code string

// The codes, in the spelling of the wire (PROTOCOL.md, "Answers").
const (
	CodeCallee  Code = "callee"  // the method ran, and this is its error
	CodeGuard   Code = "guard"   // a guard or hook refused; the method did not run
	CodeAbsent  Code = "absent"  // no such binding, instance or method; nothing ran
	CodeGateway Code = "gateway" // not executed: refused or given up before the callee saw it
	CodeUnknown Code = "unknown" // it may have run; nobody can say
)

// What became of a call that has no answer of its own. [*Error] matches them by
// its code, so that errors.Is(err, lmz.ErrNotExecuted) is the question "may I
// simply call again?".
var (
	ErrNotExecuted    = errors.New("not executed")
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Bounds that a call may have met. [*Error] matches them by its name, also when the
// bound is another node's.
var (
	// ErrBusy says that the callee, or the gateway for this session, has as many calls
	// as it takes. The call was not executed: make it again later.
	ErrBusy = errors.New("busy")

	// ErrQueueFull says that as many calls wait for the connection as may. The call was
	// not executed: make it again when the client is connected.
	ErrQueueFull = errors.New("queue full")

	// ErrTooLarge says that the call, or its answer, does not fit in a frame. Only in the
	// second case the method ran.
	ErrTooLarge = errors.New("too large")

	// ErrRateLimited says that the caller makes too many calls. The call was not executed;
	// see [RetryAfter].
	ErrRateLimited = errors.New("rate limited")

	// ErrQuotaExceeded says that the caller already holds as much of something as it may,
	// such as objects or stored bytes; see [Exceeded]. The call was not executed. Waiting
	// does not help; freeing some does.
	ErrQuotaExceeded = errors.New("quota exceeded")
)

// Error is the one error that crosses the mesh, both ways; errors of types that are
// registered with [RegisterError] become one and are found again with errors.As. All
// its fields are public: whatever a handler puts there reaches the caller. Any other
// error that a handler or guard returns reaches the caller as "internal error", and
// its text stays in the node's log, because it may name files or tables.
type Error struct {
	Code    Code           // who failed; set by the runtime
	Name    string         // class name, as in JavaScript; empty means "Error"
	Message string         // for people
	Fields  map[string]any // further own properties; nil for none
	Cause   error          // travels along if it is an *Error; nil for none
}

// Errorf makes an error that callers may see. The format is fmt's; an [*Error]
// given with %w becomes its cause.
func Errorf(format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Message: err.Error(), Cause: errors.Unwrap(err)}
}

// Error returns the message, preceded by the class name when there is one.
func (e *Error) Error() string {
	if e.Name == "" || e.Name == "Error" {
		return e.Message
	}
	return e.Name + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is matches [ErrNotExecuted] and [ErrOutcomeUnknown] by code, and the bounds by name.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotExecuted:
		return e.Code == CodeGuard || e.Code == CodeAbsent || e.Code == CodeGateway
	case ErrOutcomeUnknown:
		return e.Code == CodeUnknown
	case ErrBusy:
		return e.Name == errtype.Busy
	case ErrQueueFull:
		return e.Name == errtype.QueueFull
	case ErrTooLarge:
		return e.Name == errtype.TooLarge
	case ErrRateLimited:
		return e.Name == errtype.RateLimited
	case ErrQuotaExceeded:
		return e.Name == errtype.QuotaExceeded
	}
	return false
}

// CodeOf returns the code of the first [*Error] in err's tree, or "" when there
// is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// DisconnectedClient returns the instance name of the client whose session has
// ended, if that is what err says. Drop the client from lists of subscribers then.
func DisconnectedClient(err error) (instance string, ok bool) {
	var e *Error
	if !errors.As(err, &e) || e.Name != errtype.ClientDisconnected {
		return "", false
	}
	instance, ok = e.Fields[errtype.ClientInstanceName].(string)
	return instance, ok
}

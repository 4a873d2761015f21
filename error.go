package lmz

import (
	"errors"
	"fmt"

	"github.com/lumenize/lmz/internal/errtype"
)

// Code says who failed, and with that whether the method can have run. The set is closed. An
// error that has not crossed the mesh has the empty code.
type Code string

// The codes, in the spelling of the wire (PROTOCOL.md, "Answers").
const (
	CodeCallee  Code = "callee"  // the method ran, and this is its error
	CodeGuard   Code = "guard"   // a guard or hook refused; the method did not run
	CodeAbsent  Code = "absent"  // no such binding, instance or method; nothing ran
	CodeGateway Code = "gateway" // not executed: refused or abandoned before the callee saw it
	CodeUnknown Code = "unknown" // the method may have run
)

// Outcomes of a call that failed without an answer of the callee. An [*Error] matches them by
// its code: errors.Is(err, lmz.ErrNotExecuted) answers "may I simply call again?".
var (
	ErrNotExecuted    = errors.New("not executed")
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Limits that a call may exceed. An [*Error] matches them by its name, whichever node has the
// limit.
var (
	// ErrBusy says that the callee, or the gateway for this session, has too many calls
	// already. The call was not executed: make it again later.
	ErrBusy = errors.New("busy")

	// ErrQueueFull says that too many calls wait for the connection. The call was not
	// executed: make it again when the client is connected.
	ErrQueueFull = errors.New("queue full")

	// ErrTooLarge says that the call, or its answer, does not fit in a frame. The method
	// ran only in the second case.
	ErrTooLarge = errors.New("too large")

	// ErrRateLimited says that the caller makes too many calls. The call was not executed;
	// see [RetryAfter].
	ErrRateLimited = errors.New("rate limited")

	// ErrQuotaExceeded says that the caller already holds as much of something as it may,
	// such as objects or stored bytes; see [Exceeded]. The call was not executed. Waiting
	// does not help; freeing some does.
	ErrQuotaExceeded = errors.New("quota exceeded")
)

// Error is the only error that crosses the mesh. Errors of types that are registered with
// [RegisterError] become an Error and are found again with errors.As. All fields are public:
// whatever a handler puts there reaches the caller. Any other error that a handler or guard
// returns reaches the caller as "internal error". Its text stays in the node's log, because it
// may name files or tables.
type Error struct {
	Code    Code           // who failed; set by the runtime
	Name    string         // class name, as in JavaScript; empty means "Error"
	Message string         // for people
	Fields  map[string]any // further own properties; nil for none
	Cause   error          // travels too if it is an *Error; nil for none
}

// Errorf returns an error that callers may see. The format is that of package fmt; an [*Error]
// formatted with %w becomes its cause.
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

// Is matches [ErrNotExecuted] and [ErrOutcomeUnknown] by code, and the limits by name.
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

// CodeOf returns the code of the first [*Error] in err's tree, or "" if there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// DisconnectedClient reports whether err says that a client's session has ended, and returns the
// client's instance name. Remove the client from lists of subscribers then: it is told to
// subscribe again when it next connects.
func DisconnectedClient(err error) (instance string, ok bool) {
	var e *Error
	if !errors.As(err, &e) || e.Name != errtype.ClientDisconnected {
		return "", false
	}
	instance, ok = e.Fields[errtype.ClientInstanceName].(string)
	return instance, ok
}

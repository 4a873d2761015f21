package client

import (
	"errors"
	"strconv"
)

// Errors of a peer. A call that failed for one of these reasons wraps it.
var (
	ErrClosed        = errors.New("the client is closed")
	ErrLoginRequired = errors.New("login required")
	ErrSuperseded    = errors.New("a newer client has taken this address")
)

// LoginRequiredError says that the gateway refuses the user. It matches
// [ErrLoginRequired].
type LoginRequiredError struct {
	Code   int // HTTP status or close code
	Reason string
}

// Error gives the reason as the gateway put it.
func (e *LoginRequiredError) Error() string {
	if e.Reason == "" {
		return "login required (" + strconv.Itoa(e.Code) + ")"
	}
	return "login required: " + e.Reason
}

// Is matches [ErrLoginRequired].
func (e *LoginRequiredError) Is(target error) bool { return target == ErrLoginRequired }

package exit

import (
	"context"
	"errors"

	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/client"
)

// LoginError is the error of a user who must sign in. It matches [client.ErrLoginRequired].
type LoginError struct{ failure Error }

// NewLoginError returns a [*LoginError]. Try is as in [Error].
func NewLoginError(try, message string) error {
	return &LoginError{Error{Code: Login, Message: message, Try: try}}
}

// LoginRequired is [NewLoginError] with the command to sign in to a server, for a user whose
// address may be unknown.
func LoginRequired(server, email, message string) error {
	return NewLoginError(hint.Login(server, email), message)
}

// Error implements error.
func (e *LoginError) Error() string { return e.failure.Message }

// Is matches [client.ErrLoginRequired].
func (e *LoginError) Is(target error) bool { return target == client.ErrLoginRequired }

// Unwrap returns the [*Error] with the exit code.
func (e *LoginError) Unwrap() error { return &e.failure }

// NotReached is the failure to reach a server at all.
func NotReached(server string, err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	why := innermost(err).Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why = "no answer in time"
	}
	return Errorf(NotExecuted, hint.Start(server), "%s cannot be reached: %s", server, why)
}

// innermost strips what Go's network packages put around an error, such as the URL.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

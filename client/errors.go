package client

import (
	"errors"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/internal/session"
)

// Errors of a peer. The error of a call that failed for one of these reasons wraps it.
var (
	ErrClosed        = errors.New("the client is closed")
	ErrLoginRequired = errors.New("login required")
	ErrSuperseded    = errors.New("a newer client has taken this address")
)

// LoginRequiredError says that the gateway refuses the user. It matches [ErrLoginRequired].
// Options.Token may return one to choose its Code and Reason.
type LoginRequiredError struct {
	Code   int // HTTP status or close code
	Reason string
	Err    error // its cause: a *DialError, a *CloseError or the error of Options.Token; may be nil
}

// Error returns the reason in the words of the gateway.
func (e *LoginRequiredError) Error() string {
	if e.Reason == "" {
		return "login required (" + strconv.Itoa(e.Code) + ")"
	}
	return "login required: " + e.Reason
}

// Is matches [ErrLoginRequired].
func (e *LoginRequiredError) Is(target error) bool { return target == ErrLoginRequired }

// Unwrap returns the cause.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

// statusUnauthorized is the code of an error that wraps only [ErrLoginRequired]. Package
// net/http is too large for a browser.
const statusUnauthorized = 401

// refusalOf returns the code and the reason of an error of Options.Token that refuses the user,
// and code 0 for any other error.
func refusalOf(err error) (code int, reason string) {
	var login *LoginRequiredError
	switch {
	case errors.As(err, &login) && login.Code != 0:
		return login.Code, login.Reason
	case errors.Is(err, ErrLoginRequired):
		reason = strings.TrimPrefix(err.Error(), ErrLoginRequired.Error())
		return statusUnauthorized, strings.TrimPrefix(reason, ": ")
	}
	return 0, err.Error()
}

// unusableTokenError says that Options.Token returned an invalid token.
type unusableTokenError struct{ err error }

func (e *unusableTokenError) Error() string { return "Options.Token: " + e.err.Error() }
func (e *unusableTokenError) Unwrap() error { return e.err }

// errNameless is for a server that speaks only lmz, which does not report the instance name.
var errNameless = errors.New("the access token has no subject, and this server does not report it: set the option Instance")

// notConnectedError says that a caller gave up waiting for a connection, and why the last
// attempt failed.
type notConnectedError struct{ ended, last error }

func (e *notConnectedError) reason() string {
	return "no connection to the gateway: " + e.last.Error()
}
func (e *notConnectedError) Error() string   { return e.reason() + " (" + e.ended.Error() + ")" }
func (e *notConnectedError) Unwrap() []error { return []error{e.ended, e.last} }

// gaveUp adds the reason why the peer is not connected, if it is known and differs, to the error
// that ended the wait for a connection or an answer.
func (p *Peer) gaveUp(ended error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil || p.life.State() == session.Connected || errors.Is(ended, p.failed) {
		return ended
	}
	return &notConnectedError{ended, p.failed}
}

package client

import (
	"errors"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/internal/session"
)

// Errors of a peer. A call that failed for one of these reasons wraps it.
var (
	ErrClosed        = errors.New("the client is closed")
	ErrLoginRequired = errors.New("login required")
	ErrSuperseded    = errors.New("a newer client has taken this address")
)

// LoginRequiredError says that the gateway refuses the user. It matches
// [ErrLoginRequired]. An Options.Token that returns one chooses its Code and Reason.
type LoginRequiredError struct {
	Code   int // HTTP status or close code
	Reason string
	Err    error // what said so: a *DialError, a *CloseError or the error of Options.Token; may be nil
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

// Unwrap returns what said that the user must sign in.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

// statusUnauthorized is the code of an error that wraps only [ErrLoginRequired]. Package
// net/http is too large for a browser.
const statusUnauthorized = 401

// refusalOf returns the code and the reason with which a user is refused by an error of
// Options.Token, and code 0 for an error that says nothing of the kind.
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

// unusableTokenError says that what Options.Token returned cannot be a token.
type unusableTokenError struct{ err error }

func (e *unusableTokenError) Error() string { return "Options.Token: " + e.err.Error() }
func (e *unusableTokenError) Unwrap() error { return e.err }

// errNameless is for a server that speaks only lmz: nobody tells the instance name.
var errNameless = errors.New("the access token names no subject, and this server does not say it: the option Instance is required")

// notConnectedError says that somebody gave up waiting for a connection, and what the
// last attempt met.
type notConnectedError struct{ ended, last error }

func (e *notConnectedError) reason() string {
	return "no connection to the gateway: " + e.last.Error()
}
func (e *notConnectedError) Error() string   { return e.reason() + " (" + e.ended.Error() + ")" }
func (e *notConnectedError) Unwrap() []error { return []error{e.ended, e.last} }

// gaveUp adds to what ended the waiting for a connection, or for an answer, what keeps
// the peer from being connected, if that is known and not the same.
func (p *Peer) gaveUp(ended error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil || p.life.State() == session.Connected || errors.Is(ended, p.failed) {
		return ended
	}
	return &notConnectedError{ended, p.failed}
}

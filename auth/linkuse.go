package auth

import (
	"errors"
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/store"
)

// used is the result of using a link.
type used struct {
	link   store.Link
	secret string     // a refresh token, or the code for a terminal
	page   *page.Page // shown instead of a redirect, unless nil
	status int        // of the page
}

var (
	errInvalidLink = &linkError{"invalid_token"}
	errExpiredLink = &linkError{"token_expired"}
)

// linkError is the reason why a link is not valid, as a code for the redirect.
type linkError struct{ code string }

func (e *linkError) Error() string { return "link: " + e.code }

// found returns a valid link.
func found(tx store.Tx, token string, now time.Time) (store.Link, error) {
	l, err := tx.Link(token, now)
	return l, linkProblem(err)
}

// linkProblem translates the store's error for a link.
func linkProblem(err error) error {
	switch err {
	case store.ErrNotFound:
		return errInvalidLink
	case store.ErrExpired:
		return errExpiredLink
	}
	return err
}

// linkFailed redirects a browser with an invalid link to the application.
func (s *Service) linkFailed(w http.ResponseWriter, r *request, err error, method string, status int) error {
	failure, ok := errors.AsType[*linkError](err)
	if !ok {
		return err
	}
	s.countFailure(r)
	s.recordFailure(r, event{name: "login.failed", actor: bySystem, details: map[string]any{"method": method, "reason": failure.code}})
	redirect(w, status, withQuery(s.opts.Redirect, "error", failure.code))
	return nil
}

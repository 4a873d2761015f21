package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/internal/credential"
)

var (
	errMayNotAct  = forbidden("Not authorized to act for this subject")
	errManyActors = badRequest("invalid_request", "At most 1,000 actors may act for one subject: remove one first")
	errTooManyAct = forbidden("Too many actors: a chain of delegations has at most 3")
	errNotEntered = &Error{Status: http.StatusForbidden, Code: "access_denied", Description: credential.ReasonNotApproved}
)

// actorFor returns the subject sub if it may act for principal: it must be admitted itself, and
// be an admin or on the principal's list.
func actorFor(tx store.Tx, principal store.Subject, sub string) (store.Subject, error) {
	actor, err := tx.Subject(sub)
	if err == store.ErrNotFound {
		return actor, errMayNotAct
	}
	if err != nil {
		return actor, err
	}
	if !mayEnter(actor.IsAdmin, actor.EmailVerified, actor.AdminApproved) {
		return actor, errNotEntered
	}
	if actor.IsAdmin {
		return actor, nil
	}
	return actor, listedFor(tx, principal, actor)
}

func listedFor(tx store.Tx, principal, actor store.Subject) error {
	listed, err := tx.IsActor(principal.Sub, actor.Sub)
	if err == nil && !listed {
		return errMayNotAct
	}
	return err
}

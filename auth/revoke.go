package auth

import (
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/internal/credential"
)

// How a revoked token is refused. Page and terminal show these texts, which are also the close
// reasons of connections (PROTOCOL.md, "Tokens").
var (
	errSignedOut    = unauthorized("invalid_token", "Signed out")
	errAccountGone  = unauthorized("invalid_token", "Account removed")
	errUnapproved   = unauthorized("invalid_token", credential.ReasonWithdrawn)
	errNamedGone    = unauthorized("invalid_token", "Access token removed")
	errMayNotActNow = unauthorized("invalid_token", "May not act for this account any more")

	errsEnded = map[int64]*Error{
		store.EndedSignOut:    errSignedOut,
		store.EndedElsewhere:  unauthorized("invalid_token", "Signed out on another device"),
		store.EndedByAdmin:    unauthorized("invalid_token", "Signed out by an administrator"),
		store.EndedReused:     unauthorized("invalid_token", "Signed out because a copy of the sign-in was used"),
		store.EndedUnapproved: errUnapproved,
	}
)

// sessionEnded returns the error that says how a deleted session ended.
func sessionEnded(tx store.Tx, id string) error {
	how, err := tx.HowEnded(id)
	if err != nil {
		return err
	}
	if known := errsEnded[how]; known != nil {
		return known
	}
	return errBadToken
}

// OnRevoke registers f, which is called at every revocation: of an account, an approval, a role,
// a session, a named token, or the right to act for another subject. The ids are those of
// subjects, sessions and tokens, as in [lmz.Auth]; verify every user of one of them again, as
// gateway.Gateway.Revoke does. f is called when the change is on disk, before the request that
// made it is answered, possibly concurrently, and must not block. Call OnRevoke before the
// service serves requests.
func (s *Service) OnRevoke(f func(ids ...string)) { s.store.OnRevoke(f) }

// Revocations returns a counter that changes with every revocation, including that of a signing
// key. It starts at zero with the program.
func (s *Service) Revocations() uint64 {
	if _, err := s.keys.Current(); err != nil {
		s.log.Error("the keys cannot be read", "error", err)
	}
	return s.store.Revocations() + s.keys.Dropped()
}

package auth

import (
	"cmp"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/credential"
)

var (
	errNoCredential = unauthorized("invalid_token", "Authentication required")
	errBadBearer    = unauthorized("invalid_token", "Invalid or expired access token")
	errNotAdmin     = forbidden("Admin access required")
	errDelegated    = forbidden("A delegated token cannot do this: sign in yourself")
	errByToken      = forbidden("An access token with a name cannot do this: sign in")
)

// callsPerMinute bounds the requests by one subject, including those on behalf of others: each
// has exclusive use of the database while it runs.
const callsPerMinute = 600

// caller is the subject that makes a request. Its flags are the current ones in the database,
// limited by its credential.
type caller struct {
	store.Subject
	session string    // id of the session, or of the named token that was presented
	named   bool      // a named token was presented
	actors  []string  // the subjects that act for it, nearest first
	expires time.Time // when the credential expires
}

// caller identifies the sender of a request by its Bearer token or, if it has none, by its cookie.
// A cookie does not make up for an invalid Bearer token.
func (s *Service) caller(tx store.Tx, r *request) (caller, error) {
	if token, ok := credential.Bearer(r.Header); ok {
		return s.callerByBearer(tx, token)
	}
	if token := refreshCookie(r.Request); token != "" {
		return s.callerByCookie(tx, token)
	}
	return caller{}, errNoCredential
}

func (s *Service) callerByBearer(tx store.Tx, text string) (caller, error) {
	c, subj, err := s.authenticate(tx, text)
	if refusal, refused := err.(*Error); refused {
		if refusal == errExpiredToken {
			return caller{}, refusal
		}
		return caller{}, errBadBearer
	}
	if err != nil {
		return caller{}, err
	}
	subj.IsAdmin = subj.IsAdmin && c.IsAdmin
	who := caller{Subject: subj, session: c.Session, named: token.IsNamed(text), actors: c.Actors, expires: c.NominalEnd()}
	if who.named {
		who.session, _ = c.All["jti"].(string)
	}
	return who, nil
}

// callerByCookie does not rotate the token.
func (s *Service) callerByCookie(tx store.Tx, token string) (caller, error) {
	row, found, err := tx.RefreshToken(token)
	if err != nil {
		return caller{}, err
	}
	now := s.now()
	if !found || row.Revoked || row.ExpiresAt < now.UnixMilli() {
		return caller{}, errNoCredential
	}
	if _, unused, err := s.following(tx, row, token); err != nil || s.reused(row, unused, now) {
		return caller{}, cmp.Or(err, error(errNoCredential))
	}
	subj, err := tx.Subject(row.Subject)
	if err == store.ErrNotFound {
		return caller{}, errNoCredential
	}
	return caller{Subject: subj, session: row.Family, expires: time.UnixMilli(row.ExpiresAt)}, err
}

// asCaller runs f in the transaction that identifies the caller, so that rights cannot be used
// while they are being revoked.
func (s *Service) asCaller(r *request, f func(store.Tx, caller) error) error {
	return s.tx(r, func(tx store.Tx) error {
		who, err := s.caller(tx, r)
		if err != nil {
			return err
		}
		r.actor, r.email = who.Sub, who.Email
		acts := who.Sub
		if n := len(who.actors); n > 0 {
			acts = who.actors[n-1]
		}
		if err := limited(s.limits.Take(limit.Rule{Key: "calls " + acts, Max: callsPerMinute, Every: time.Minute})); err != nil {
			return err
		}
		return f(tx, who)
	})
}

// asAdmin is asCaller for admins who do not act for another subject.
func (s *Service) asAdmin(r *request, f func(store.Tx, caller) error) error {
	return s.asCaller(r, func(tx store.Tx, who caller) error {
		switch {
		case len(who.actors) > 0:
			return errDelegated
		case !who.IsAdmin:
			return errNotAdmin
		}
		return f(tx, who)
	})
}

// asSelf is asCaller for people who signed in themselves.
func (s *Service) asSelf(r *request, f func(store.Tx, caller) error) error {
	return s.asCaller(r, func(tx store.Tx, who caller) error {
		switch {
		case len(who.actors) > 0:
			return errDelegated
		case who.named:
			return errByToken
		}
		return f(tx, who)
	})
}

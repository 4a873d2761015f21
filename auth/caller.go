package auth

import (
	"cmp"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
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

// callsPerMinute is how many requests of one subject, whoever it acts for, are granted:
// each has the database for itself while it runs.
const callsPerMinute = 600

// caller is who makes a request to the service. Its flags are those of the
// database now, but never more than what was presented stands for.
type caller struct {
	subject
	session string    // id, of a named token if that was presented
	named   bool      // a named token was presented
	actors  []string  // who acts for the subject, the nearest first
	expires time.Time // of what was presented
}

// caller finds out who makes a request: by its Bearer token or else, if it has
// none, by its cookie. A Bearer that is no good is not made up for by a cookie.
func (s *Service) caller(d db, r *request) (caller, error) {
	if token, ok := credential.Bearer(r.Header); ok {
		return s.callerByBearer(d, token)
	}
	if token := refreshCookie(r.Request); token != "" {
		return s.callerByCookie(d, token)
	}
	return caller{}, errNoCredential
}

func (s *Service) callerByBearer(d db, text string) (caller, error) {
	c, subj, err := s.authenticate(d, text)
	if refusal, refused := err.(*Error); refused {
		if refusal == errExpiredToken {
			return caller{}, refusal
		}
		return caller{}, errBadBearer
	}
	if err != nil {
		return caller{}, err
	}
	subj.isAdmin = subj.isAdmin && c.IsAdmin
	who := caller{subject: subj, session: c.Session, named: token.IsNamed(text), actors: c.Actors, expires: c.NominalEnd()}
	if who.named {
		who.session, _ = c.All["jti"].(string)
	}
	return who, nil
}

// callerByCookie does not rotate the token.
func (s *Service) callerByCookie(d db, token string) (caller, error) {
	row, found, err := d.refreshToken(token)
	if err != nil {
		return caller{}, err
	}
	now := s.now()
	if !found || row.revoked || row.expiresAt < now.UnixMilli() {
		return caller{}, errNoCredential
	}
	if _, unused, err := s.following(d, row, token); err != nil || s.reused(row, unused, now) {
		return caller{}, cmp.Or(err, error(errNoCredential))
	}
	subj, err := d.subjectBy("sub", row.subject)
	if err == errNoSubject {
		return caller{}, errNoCredential
	}
	return caller{subject: subj, session: row.family, expires: time.UnixMilli(row.expiresAt)}, err
}

// asCaller runs f in the transaction that finds out who calls, so that nobody uses
// rights that were taken away meanwhile.
func (s *Service) asCaller(r *request, f func(db, caller) error) error {
	return s.tx(r, func(d db) error {
		who, err := s.caller(d, r)
		if err != nil {
			return err
		}
		r.who = &who
		acts := who.sub
		if n := len(who.actors); n > 0 {
			acts = who.actors[n-1]
		}
		if err := limited(s.limits.Take(limit.Rule{Key: "calls " + acts, Max: callsPerMinute, Every: time.Minute})); err != nil {
			return err
		}
		return f(d, who)
	})
}

// asAdmin is asCaller for admins in person.
func (s *Service) asAdmin(r *request, f func(db, caller) error) error {
	return s.asCaller(r, func(d db, who caller) error {
		switch {
		case len(who.actors) > 0:
			return errDelegated
		case !who.isAdmin:
			return errNotAdmin
		}
		return f(d, who)
	})
}

// asSelf is asCaller for people who signed in themselves.
func (s *Service) asSelf(r *request, f func(db, caller) error) error {
	return s.asCaller(r, func(d db, who caller) error {
		switch {
		case len(who.actors) > 0:
			return errDelegated
		case who.named:
			return errByToken
		}
		return f(d, who)
	})
}

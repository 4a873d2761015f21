package auth

import (
	"errors"
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
)

// refreshGrace is how long a refresh may be repeated although its successor has been used:
// several tabs share a cookie, and one may be slow. A repetition before that use means that the
// answer was lost, however long ago. Any other repetition means that two parties have the token,
// and ends the session for both.
const refreshGrace = 30 * time.Second

// refreshesPerSession bounds the refreshes of a session in 15 minutes, in all tabs that share its
// cookie. Each writes to disk.
const refreshesPerSession = 300

var (
	errNoRefresh      = unauthorized("invalid_token", "No refresh token provided")
	errUnknownRefresh = unauthorized("invalid_token", "Invalid refresh token")
	errRevokedRefresh = unauthorized("token_revoked", "Refresh token has been revoked")
	errExpiredRefresh = unauthorized("token_expired", "Refresh token expired")
)

// tokens is the body of every answer with an access token.
type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Subject      string `json:"sub,omitempty"`
}

func (s *Service) refresh(w http.ResponseWriter, r *request) error {
	old, fromBody, err := presentedToken(r)
	if err != nil {
		return err
	}
	if old == "" {
		return errNoRefresh
	}
	if err := limited(s.limits.Take(limit.Rule{Key: "refresh " + secret.FamilyHash(old), Max: refreshesPerSession, Every: shortWindow})); err != nil {
		return err
	}
	var out tokens
	var ends time.Time
	var refusal error
	err = s.tx(r, func(tx store.Tx) error {
		out, ends, refusal, err = s.rotate(tx, r, old)
		return err
	})
	if err := errors.Join(err, refusal); err != nil {
		return err
	}
	if !fromBody {
		s.setCookie(w, out.RefreshToken, ends)
		out.RefreshToken = ""
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// presentedToken returns the refresh token of a request: that of a JSON body, in which case the
// answer belongs there too, or else that of the cookie. A body without a token is ignored, as the
// original always does.
func presentedToken(r *request) (token string, fromBody bool, err error) {
	var body struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := decode(r, &body); err == errTooLarge {
		return "", false, err
	} else if err == nil && body.RefreshToken != "" {
		return body.RefreshToken, true, nil
	}
	return refreshCookie(r.Request), false, nil
}

// rotate answers a refresh with old. The refusal is separate from err because its effect, the end
// of a session, must be committed.
func (s *Service) rotate(tx store.Tx, r *request, old string) (out tokens, ends time.Time, refusal, err error) {
	now := s.now()
	row, found, err := tx.RefreshToken(old)
	switch {
	case err != nil:
		return out, ends, nil, err
	case !found:
		return out, ends, errUnknownRefresh, nil
	case row.Revoked:
		return out, ends, errRevokedRefresh, nil
	case row.ExpiresAt < now.UnixMilli():
		return out, ends, errExpiredRefresh, nil
	}
	next, unused, err := s.following(tx, row, old)
	if err != nil {
		return out, ends, nil, err
	}
	if s.reused(row, unused, now) {
		err = errors.Join(tx.EndSession(row.Family, store.EndedReused), s.record(tx, r, event{name: "token.reused", failed: true, actor: bySystem,
			target: row.Subject, details: map[string]any{"session": row.Family}}))
		return out, ends, errRevokedRefresh, err
	}
	subj, err := tx.Subject(row.Subject)
	if err != nil {
		return out, ends, nil, err
	}
	ends = s.endOf(row.Began, now)
	// Sign before anything changes, so that a failure ends no session.
	if out, err = s.grant(subj, row.Family, next, ends); err != nil {
		return out, ends, nil, err
	}
	e := event{name: "token.refreshed", actor: subj.Sub, target: subj.Sub, email: subj.Email, details: map[string]any{"session": row.Family}}
	switch {
	case row.RotatedAt == 0:
		return out, ends, nil, errors.Join(s.replace(tx, row, next, now, ends), tx.UseSession(row.Family, r.origin(), now, ends), s.recordOften(tx, r, e))
	case late(row, now): // all tabs may wake up with the same token
		e.name = "token.repeated"
		return out, ends, nil, errors.Join(tx.NoteRotation(row.Hash, now), s.recordOften(tx, r, e))
	}
	return out, ends, nil, nil
}

// late reports whether a token was exchanged for its successor longer ago than the grace period.
func late(row store.RefreshToken, now time.Time) bool {
	return row.RotatedAt != 0 && now.UnixMilli()-row.RotatedAt > refreshGrace.Milliseconds()
}

// reused reports whether a token that has a successor must not be presented again. Unused means
// that the successor has not been used.
func (s *Service) reused(row store.RefreshToken, unused bool, now time.Time) bool {
	return late(row, now) && !unused || row.RotatedAt != 0 && s.opts.Refresh == RefreshStrict
}

// longestChain bounds the search for the last successor of a repeated token.
const longestChain = 100

// following returns the token that answers a refresh with old: its successor or, if that was used
// meanwhile, the last one after it. A token that has a successor would make the next refresh look
// like a theft. Unused reports that old has a successor that has not been used.
func (s *Service) following(tx store.Tx, row store.RefreshToken, old string) (next string, unused bool, err error) {
	if s.opts.Refresh == RefreshSlide {
		return old, false, nil
	}
	next, err = s.successor(old)
	for n := range longestChain {
		if err != nil || row.RotatedAt == 0 || row.RotatedAt == store.RotatedLongAgo {
			break
		}
		var found bool
		if row, found, err = tx.RefreshToken(next); err != nil || !found || row.RotatedAt == 0 {
			unused = err == nil && found && n == 0
			break
		}
		next, err = s.successor(next)
	}
	return next, unused, err
}

// successor returns the refresh token that follows token. The same token always has the same
// successor, so a client that repeats a refresh after a lost answer gets the same token, although
// only hashes are stored.
func (s *Service) successor(token string) (string, error) {
	next, err := s.keys.MAC("refresh-token successor", token)
	if err != nil {
		return "", err
	}
	return secret.InFamily(token, next), nil
}

// replace stores the effects of the first use of a refresh token.
func (s *Service) replace(tx store.Tx, row store.RefreshToken, next string, now, ends time.Time) error {
	if s.opts.Refresh == RefreshSlide {
		return tx.ExtendRefresh(row.Hash, ends)
	}
	return errors.Join(tx.NoteRotation(row.Hash, now), tx.InsertRefresh(next, row.Hash, row.Family, row.Subject, now, ends), tx.ForgetReplaced(row.Family, now.Add(-refreshGrace)))
}

// grant builds the answer with an access token for subj, which expires with the session at the
// latest.
func (s *Service) grant(subj store.Subject, session, refresh string, ends time.Time) (tokens, error) {
	now := s.now()
	g := grantTo(subj, earlier(now.Add(s.opts.AccessTTL), ends))
	g.Session = session
	out, err := s.signAccess(g, now)
	out.RefreshToken, out.Subject = refresh, subj.Sub
	return out, err
}

// grantTo returns the content of a token for a subject.
func grantTo(subj store.Subject, expires time.Time) token.Grant {
	return token.Grant{Subject: subj.Sub, Email: subj.Email, EmailVerified: subj.EmailVerified,
		AdminApproved: subj.AdminApproved, IsAdmin: subj.IsAdmin, Expires: expires}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *Service) signAccess(g token.Grant, now time.Time) (tokens, error) {
	set, err := s.keys.Current()
	if err != nil {
		return tokens{}, err
	}
	access, err := token.Sign(set, s.kept.names(), g, now)
	return tokens{AccessToken: access, TokenType: "Bearer", ExpiresIn: g.Expires.Unix() - now.Unix()}, err
}

// logout ends the session of the presented token. Without one, the answer is the same.
func (s *Service) logout(w http.ResponseWriter, r *request) error {
	token, fromBody, err := presentedToken(r)
	if err != nil {
		return err
	}
	err = s.tx(r, func(tx store.Tx) error {
		row, found, err := tx.RefreshToken(token)
		if err != nil || !found || row.Revoked {
			return err
		}
		// The whole family: within the grace period a predecessor still leads to this token.
		return errors.Join(tx.EndSession(row.Family, store.EndedSignOut), s.record(tx, r, event{name: "token.revoked", actor: row.Subject, target: row.Subject,
			details: map[string]any{"method": "logout", "session": row.Family}}))
	})
	if err != nil {
		return err
	}
	if !fromBody {
		s.clearCookie(w)
		clearCache(w)
	}
	writeJSON(w, http.StatusOK, struct {
		Message string `json:"message"`
	}{"Logged out"})
	return nil
}

package auth

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"zombiezen.com/go/sqlite"
)

// refreshGrace is how long a refresh may be repeated: two tabs share a cookie,
// and an answer can get lost. Later use of a token that has a successor means
// that two parties hold it, and ends the session for both.
const refreshGrace = 30 * time.Second

const cookieName = "refresh-token"

var (
	errNoRefresh      = unauthorized("invalid_token", "No refresh token provided")
	errUnknownRefresh = unauthorized("invalid_token", "Invalid refresh token")
	errRevokedRefresh = unauthorized("token_revoked", "Refresh token has been revoked")
	errExpiredRefresh = unauthorized("token_expired", "Refresh token expired")
)

// tokens are the body of every answer that carries an access token.
type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Subject      string `json:"sub"`
}

// refreshToken is a row of RefreshTokens.
type refreshToken struct {
	hash      string
	family    string
	subject   string
	expiresAt int64
	rotatedAt int64 // 0: has no successor yet
	revoked   bool
}

func (s *Service) refresh(w http.ResponseWriter, r *http.Request) error {
	old, fromBody, err := presentedToken(r)
	if err != nil {
		return err
	}
	if old == "" {
		return errNoRefresh
	}
	var out tokens
	var refusal error
	err = s.store.tx(r.Context(), func(d db) error {
		out, refusal, err = s.rotate(d, old)
		return err
	})
	if err := errors.Join(err, refusal); err != nil {
		return err
	}
	if !fromBody {
		s.setCookie(w, out.RefreshToken)
		out.RefreshToken = ""
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// presentedToken returns the refresh token of a request: that of a JSON body, in
// which case the answer belongs there too, else that of the cookie. Without a
// token in it the body is ignored, as the original ignores it always.
func presentedToken(r *http.Request) (token string, fromBody bool, err error) {
	var body struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := decode(r, &body); err == errTooLarge {
		return "", false, err
	} else if err == nil && body.RefreshToken != "" {
		return body.RefreshToken, true, nil
	}
	if c, err := r.Cookie(cookieName); err == nil {
		return c.Value, false, nil
	}
	return "", false, nil
}

// rotate answers a refresh with old. A refusal is apart from err because what it
// changed, the end of a session, is to be committed.
func (s *Service) rotate(d db, old string) (out tokens, refusal, err error) {
	now := s.now()
	row, found, err := d.refreshToken(hash(old))
	switch {
	case err != nil:
		return out, nil, err
	case !found:
		return out, errUnknownRefresh, nil
	case row.revoked:
		return out, errRevokedRefresh, nil
	case row.expiresAt < now.UnixMilli():
		return out, errExpiredRefresh, nil
	case row.rotatedAt != 0 && now.UnixMilli()-row.rotatedAt > refreshGrace.Milliseconds():
		s.log.Warn("refresh token used again after it was replaced: session ended", "subject", row.subject, "family", row.family)
		return out, errRevokedRefresh, d.revokeFamily(row.family)
	}
	subj, err := d.subjectBy("sub", row.subject)
	if err != nil {
		return out, nil, err
	}
	// Signed before anything changes: a failure costs nobody the session.
	out, err = s.grant(subj, s.keys.successor(old))
	if err != nil || row.rotatedAt != 0 {
		return out, nil, err
	}
	err = d.exec("UPDATE RefreshTokens SET rotatedAt = :now WHERE tokenHash = :hash",
		args{":now": now.UnixMilli(), ":hash": row.hash}, nil)
	return out, nil, errors.Join(err, d.insertRefresh(out.RefreshToken, row.hash, row.family, subj.sub, now, s.opts.RefreshTTL))
}

// grant makes the answer that carries an access token for subj.
func (s *Service) grant(subj subject, refresh string) (tokens, error) {
	access, err := sign(s.keys, s.kept, subj, s.now(), s.opts.AccessTTL)
	return tokens{
		AccessToken:  access,
		RefreshToken: refresh,
		TokenType:    "Bearer",
		ExpiresIn:    int64(s.opts.AccessTTL / time.Second),
		Subject:      subj.sub,
	}, err
}

// newSession begins a family and returns its first refresh token.
func (s *Service) newSession(d db, sub string) (string, error) {
	token := newToken()
	return token, d.insertRefresh(token, "", newUUID(), sub, s.now(), s.opts.RefreshTTL)
}

func (s *Service) logout(w http.ResponseWriter, r *http.Request) error {
	token, fromBody, err := presentedToken(r)
	if err != nil {
		return err
	}
	var ended refreshToken
	err = s.store.tx(r.Context(), func(d db) error {
		var found bool
		if ended, found, err = d.refreshToken(hash(token)); err != nil || !found {
			return err
		}
		// The whole family: within the grace period a predecessor still leads
		// to this token.
		return d.revokeFamily(ended.family)
	})
	if err != nil {
		return err
	}
	if ended.subject != "" {
		s.log.Info("signed out", "subject", ended.subject, "family", ended.family)
	}
	if !fromBody {
		w.Header().Add("Set-Cookie", cookieName+"=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0")
	}
	writeJSON(w, http.StatusOK, struct {
		Message string `json:"message"`
	}{"Logged out"})
	return nil
}

// setCookie writes the attributes in the order of the original, which
// [http.Cookie] does not.
func (s *Service) setCookie(w http.ResponseWriter, token string) {
	w.Header().Add("Set-Cookie", fmt.Sprintf("%s=%s; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=%d",
		cookieName, token, int64(s.opts.RefreshTTL/time.Second)))
}

func (d db) refreshToken(hash string) (row refreshToken, found bool, err error) {
	err = d.exec("SELECT familyId, subjectId, expiresAt, rotatedAt, revoked FROM RefreshTokens WHERE tokenHash = :hash",
		args{":hash": hash}, func(stmt *sqlite.Stmt) {
			found = true
			row = refreshToken{
				hash:      hash,
				family:    stmt.GetText("familyId"),
				subject:   stmt.GetText("subjectId"),
				expiresAt: stmt.GetInt64("expiresAt"),
				rotatedAt: stmt.GetInt64("rotatedAt"),
				revoked:   stmt.GetBool("revoked"),
			}
		})
	return row, found, err
}

func (d db) insertRefresh(token, parent, family, sub string, now time.Time, ttl time.Duration) error {
	return d.exec(`INSERT INTO RefreshTokens (tokenHash, parentHash, familyId, subjectId, createdAt, expiresAt)
		VALUES (:hash, nullif(:parent, ''), :family, :sub, :now, :expires)`,
		args{":hash": hash(token), ":parent": parent, ":family": family, ":sub": sub,
			":now": now.UnixMilli(), ":expires": now.Add(ttl).UnixMilli()}, nil)
}

func (d db) revokeFamily(family string) error {
	return d.exec("UPDATE RefreshTokens SET revoked = 1 WHERE familyId = :family", args{":family": family}, nil)
}

package auth

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/printable"
	"zombiezen.com/go/sqlite"
)

const (
	namedTTL    = 90 * 24 * time.Hour  // unless asked otherwise
	namedTTLMax = 366 * 24 * time.Hour // whatever is asked
	namedMax    = 50                   // per subject, and how many it may make in an hour
	touchEvery  = time.Hour            // how exact lastUsedAt is
)

var errNoToken = notFoundError("Token not found")

// namedToken is a row of NamedTokens, as it is shown.
type namedToken struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Admin      bool   `json:"admin"`
	CreatedAt  int64  `json:"createdAt"`
	ExpiresAt  int64  `json:"expiresAt"`
	LastUsedAt *int64 `json:"lastUsedAt"`
	subject    string
}

func scanNamed(stmt *sqlite.Stmt) namedToken {
	t := namedToken{ID: stmt.GetText("id"), Name: stmt.GetText("name"), Admin: stmt.GetBool("isAdmin"),
		CreatedAt: stmt.GetInt64("createdAt"), ExpiresAt: stmt.GetInt64("expiresAt"), subject: stmt.GetText("subjectId")}
	if used := stmt.GetInt64("lastUsedAt"); used != 0 {
		t.LastUsedAt = &used
	}
	return t
}

// makeToken makes a named token of the caller's and shows it, this once. Body:
// name, expiresIn (seconds), admin.
func (s *Service) makeToken(w http.ResponseWriter, r *request) error {
	var body struct {
		Name      string   `json:"name"`
		ExpiresIn int64    `json:"expiresIn"`
		Admin     jsonBool `json:"admin"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	ttl := cmp.Or(body.ExpiresIn, int64(namedTTL/time.Second))
	switch name := strings.TrimSpace(body.Name); {
	case name == "" || len(name) > 100 || printable.StripCut(name, 100) != name:
		return badRequest("invalid_request", "name required, of at most 100 printable characters")
	case ttl < 1 || ttl > int64(namedTTLMax/time.Second):
		return badRequest("invalid_request", "expiresIn must be 1 to 31622400 seconds")
	}
	var made struct {
		Token string `json:"token"`
		namedToken
	}
	err := s.asSelf(r, func(d db, who caller) (err error) {
		now := s.now()
		made.namedToken = namedToken{ID: secret.UUID(), Name: strings.TrimSpace(body.Name), Admin: body.Admin.value,
			CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(time.Duration(ttl) * time.Second).UnixMilli()}
		if err := d.mayMakeNamed(who, made.Admin, now); err != nil {
			return err
		}
		// Each leaves two rows in the audit log, also if it is deleted at once.
		if err := limited(s.limits.Take(limit.Rule{Key: "tokens " + who.sub, Max: namedMax, Every: time.Hour})); err != nil {
			return err
		}
		made.Token = token.NewNamed(token.Named{ID: made.ID, Name: made.Name, Subject: who.sub, Email: who.email,
			EmailVerified: who.emailVerified, AdminApproved: who.adminApproved, IsAdmin: made.Admin,
			IssuedAt: time.UnixMilli(made.CreatedAt), Expires: time.UnixMilli(made.ExpiresAt)})
		err = d.exec(`INSERT INTO NamedTokens (id, tokenHash, subjectId, name, isAdmin, createdAt, expiresAt)
			VALUES (:id, :hash, :sub, :name, :admin, :created, :expires)`,
			args{":id": made.ID, ":hash": secret.Hash(made.Token), ":sub": who.sub, ":name": made.Name, ":admin": made.Admin,
				":created": made.CreatedAt, ":expires": made.ExpiresAt}, nil)
		if err != nil {
			return err
		}
		return s.recordNamed(d, r, "access-token.created", who, who.sub, made.namedToken)
	})
	if err == nil {
		writeJSON(w, http.StatusCreated, made)
	}
	return err
}

func (d db) mayMakeNamed(who caller, admin bool, now time.Time) error {
	switch {
	case !mayEnter(who.isAdmin, who.emailVerified, who.adminApproved):
		return errNotEntered
	case admin && !who.isAdmin:
		return errNotAdmin
	}
	n, err := d.number("SELECT count(*) FROM NamedTokens WHERE subjectId = :sub AND expiresAt >= :now",
		args{":sub": who.sub, ":now": now.UnixMilli()})
	if err == nil && n >= namedMax {
		return badRequest("invalid_request", "There are 50 tokens already: delete one first")
	}
	return err
}

// namedClaims looks a named token up.
func (s *Service) namedClaims(d db, text string) (token.Claims, error) {
	var t namedToken
	found, err := d.one("SELECT * FROM NamedTokens WHERE tokenHash = :hash", args{":hash": secret.Hash(text)},
		func(stmt *sqlite.Stmt) { t = scanNamed(stmt) })
	if err != nil {
		return token.Claims{}, err
	}
	switch {
	case !found:
		return token.Claims{}, errNamedGone
	case t.ExpiresAt <= s.now().UnixMilli():
		return token.Claims{}, errExpiredToken
	}
	subj, err := d.subjectBy("sub", t.subject)
	if err != nil {
		return token.Claims{}, err
	}
	c := token.Claims{Subject: subj.sub, Email: subj.email, EmailVerified: subj.emailVerified, AdminApproved: subj.adminApproved,
		IsAdmin: t.Admin && subj.isAdmin, Expires: time.UnixMilli(t.ExpiresAt), IssuedAt: time.UnixMilli(t.CreatedAt)}
	c.All = map[string]any{"iss": s.kept.Issuer, "aud": s.kept.Audience, "sub": c.Subject, "email": c.Email, "jti": t.ID, "name": t.Name,
		"iat": float64(t.CreatedAt / 1000), "exp": float64(t.ExpiresAt / 1000)}
	if c.IsAdmin {
		c.All["isAdmin"] = true
	}
	return c, nil
}

// touchNamed notes, once an hour, that a named token was used.
func (s *Service) touchNamed(ctx context.Context, text string) {
	now := s.now()
	named := args{":hash": secret.Hash(text), ":now": now.UnixMilli(), ":since": now.Add(-touchEvery).UnixMilli()}
	due := false
	err := s.store.read(ctx, func(d db) (err error) {
		due, err = d.one("SELECT :now FROM NamedTokens WHERE tokenHash = :hash AND coalesce(lastUsedAt, 0) < :since", named, nil)
		return err
	})
	if err == nil && due {
		err = s.store.tx(context.WithoutCancel(ctx), func(d db) error {
			return d.exec("UPDATE NamedTokens SET lastUsedAt = :now WHERE tokenHash = :hash AND coalesce(lastUsedAt, 0) < :since", named, nil)
		})
	}
	if err != nil {
		s.log.Error("the use of a token could not be noted", "error", err)
	}
}

type tokenList struct {
	Tokens []namedToken `json:"tokens"`
}

func (d db) namedOf(sub string, now time.Time) (list []namedToken, err error) {
	list = []namedToken{}
	err = d.exec("SELECT * FROM NamedTokens WHERE subjectId = :sub AND expiresAt >= :now ORDER BY createdAt DESC, id",
		args{":sub": sub, ":now": now.UnixMilli()}, func(stmt *sqlite.Stmt) { list = append(list, scanNamed(stmt)) })
	return list, err
}

func (s *Service) listTokens(w http.ResponseWriter, r *request) error {
	var list tokenList
	err := s.asSelf(r, func(d db, who caller) (err error) {
		list.Tokens, err = d.namedOf(who.sub, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

func (s *Service) listTokensOf(w http.ResponseWriter, r *request) error {
	var list tokenList
	err := s.asAdmin(r, func(d db, _ caller) error {
		subj, err := d.target(r)
		if err != nil {
			return err
		}
		list.Tokens, err = d.namedOf(subj.sub, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

// deleteToken revokes one of the caller's named tokens, or as an admin anyone's.
func (s *Service) deleteToken(w http.ResponseWriter, r *request) error {
	err := s.asSelf(r, func(d db, who caller) error {
		var t namedToken
		_, err := d.one("SELECT * FROM NamedTokens WHERE id = :id", args{":id": r.vars[0]}, func(stmt *sqlite.Stmt) { t = scanNamed(stmt) })
		if err != nil {
			return err
		}
		if t.subject == "" || t.subject != who.sub && !who.isAdmin {
			return errNoToken
		}
		if err := d.exec("DELETE FROM NamedTokens WHERE id = :id", args{":id": t.ID}, nil); err != nil {
			return err
		}
		return s.recordNamed(d, r, "access-token.revoked", who, t.subject, t)
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *Service) recordNamed(d db, r *request, name string, who caller, owner string, t namedToken) error {
	return s.record(d, r, event{name: name, actor: who.sub, target: owner,
		details: map[string]any{"token": t.ID, "name": t.Name, "admin": t.Admin}})
}

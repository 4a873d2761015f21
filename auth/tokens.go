package auth

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/printable"
)

const (
	namedTTL    = 90 * 24 * time.Hour  // default
	namedTTLMax = 366 * 24 * time.Hour // maximum
	namedMax    = 50                   // per subject, and per hour of creation
)

var errNoToken = notFoundError("Token not found")

// shownToken is a named token in an answer.
type shownToken struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Admin      bool   `json:"admin"`
	CreatedAt  int64  `json:"createdAt"`
	ExpiresAt  int64  `json:"expiresAt"`
	LastUsedAt *int64 `json:"lastUsedAt"`
}

func showToken(t store.NamedToken) shownToken {
	shown := shownToken{ID: t.ID, Name: t.Name, Admin: t.Admin, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	if t.LastUsedAt != 0 {
		shown.LastUsedAt = &t.LastUsedAt
	}
	return shown
}

// makeToken creates a named token for the caller and shows it, only this once. Body: name,
// expiresIn (seconds), admin.
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
		shownToken
	}
	err := s.asSelf(r, func(tx store.Tx, who caller) (err error) {
		now := s.now()
		t := store.NamedToken{ID: secret.UUID(), Name: strings.TrimSpace(body.Name), Subject: who.Sub, Admin: body.Admin.value,
			CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(time.Duration(ttl) * time.Second).UnixMilli()}
		if err := mayMakeNamed(tx, who, t.Admin, now); err != nil {
			return err
		}
		// Each token leaves two rows in the audit log, even if it is deleted at once.
		if err := limited(s.limits.Take(limit.Rule{Key: "tokens " + who.Sub, Max: namedMax, Every: time.Hour})); err != nil {
			return err
		}
		made.shownToken = showToken(t)
		made.Token = token.NewNamed(token.Named{ID: t.ID, Name: t.Name, Subject: who.Sub, Email: who.Email,
			EmailVerified: who.EmailVerified, AdminApproved: who.AdminApproved, IsAdmin: t.Admin,
			IssuedAt: time.UnixMilli(t.CreatedAt), Expires: time.UnixMilli(t.ExpiresAt)})
		if err := tx.InsertNamed(made.Token, t); err != nil {
			return err
		}
		return s.recordNamed(tx, r, "access-token.created", who, t)
	})
	if err == nil {
		writeJSON(w, http.StatusCreated, made)
	}
	return err
}

func mayMakeNamed(tx store.Tx, who caller, admin bool, now time.Time) error {
	switch {
	case !mayEnter(who.IsAdmin, who.EmailVerified, who.AdminApproved):
		return errNotEntered
	case admin && !who.IsAdmin:
		return errNotAdmin
	}
	n, err := tx.CountNamed(who.Sub, now)
	if err == nil && n >= namedMax {
		return badRequest("invalid_request", "There are 50 tokens already: delete one first")
	}
	return err
}

type tokenList struct {
	Tokens []shownToken `json:"tokens"`
}

func tokensOf(tx store.Tx, sub string, now time.Time) (tokenList, error) {
	list := tokenList{Tokens: []shownToken{}}
	all, err := tx.NamedTokens(sub, now)
	for _, t := range all {
		list.Tokens = append(list.Tokens, showToken(t))
	}
	return list, err
}

func (s *Service) listTokens(w http.ResponseWriter, r *request) error {
	var list tokenList
	err := s.asSelf(r, func(tx store.Tx, who caller) (err error) {
		list, err = tokensOf(tx, who.Sub, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

func (s *Service) listTokensOf(w http.ResponseWriter, r *request) error {
	var list tokenList
	err := s.asAdmin(r, func(tx store.Tx, _ caller) error {
		subj, err := target(tx, r)
		if err != nil {
			return err
		}
		list, err = tokensOf(tx, subj.Sub, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

// deleteToken revokes one of the caller's named tokens or, for an admin, anybody's.
func (s *Service) deleteToken(w http.ResponseWriter, r *request) error {
	err := s.asSelf(r, func(tx store.Tx, who caller) error {
		t, err := tx.NamedTokenByID(r.vars[0])
		if err == store.ErrNotFound || err == nil && t.Subject != who.Sub && !who.IsAdmin {
			return errNoToken
		}
		if err != nil {
			return err
		}
		if err := tx.DeleteNamed(t.ID); err != nil {
			return err
		}
		return s.recordNamed(tx, r, "access-token.revoked", who, t)
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *Service) recordNamed(tx store.Tx, r *request, name string, who caller, t store.NamedToken) error {
	return s.record(tx, r, event{name: name, actor: who.Sub, target: t.Subject,
		details: map[string]any{"token": t.ID, "name": t.Name, "admin": t.Admin}})
}

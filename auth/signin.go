package auth

import (
	"errors"

	"github.com/lumenize/lmz/auth/internal/store"
)

// signInByLink uses up a link for a browser or for a terminal with a listener.
func (s *Service) signInByLink(tx store.Tx, r *request, l store.Link, token string) (used, error) {
	u := used{link: l}
	if err := tx.DropLink(token); err != nil {
		return u, err
	}
	subj, err := s.verified(tx, r, l.Email)
	if err != nil {
		return u, err
	}
	if l.Listener != nil {
		u.secret, err = s.newCode(tx, subj.Sub, l.Listener)
	} else if err = tx.DropBrowserLinks(l.Email); err == nil {
		u.secret, err = s.signInBrowser(tx, r, subj)
	}
	if err != nil {
		return u, err
	}
	if err := s.askAdmins(tx, r, subj); err != nil {
		return u, err
	}
	return u, s.record(tx, r, event{name: "login.succeeded", actor: bySystem, target: subj.Sub, email: l.Email,
		details: map[string]any{"method": "link", "terminal": l.Listener != nil}})
}

func (s *Service) signInBrowser(tx store.Tx, r *request, subj store.Subject) (token string, err error) {
	id, token, err := s.beginSession(tx, r, newSession{sub: subj.Sub, kind: store.Browser})
	if err != nil {
		return "", err
	}
	// Before the old session ends, because it may show that the browser is known.
	return token, errors.Join(s.tellOfNewPlace(tx, r, subj, id, newSession{kind: store.Browser}), s.endReplaced(tx, r))
}

// endReplaced ends the previous session of a browser: the cookie with which it could be used and
// ended is replaced.
func (s *Service) endReplaced(tx store.Tx, r *request) error {
	token := refreshCookie(r.Request)
	if token == "" {
		return nil
	}
	row, known, err := tx.RefreshToken(token)
	if err != nil || !known || row.Revoked {
		return err
	}
	return errors.Join(tx.EndSession(row.Family, store.EndedSignOut), s.record(tx, r, event{name: "token.revoked", actor: bySystem, target: row.Subject,
		details: map[string]any{"method": "replaced", "session": row.Family}}))
}

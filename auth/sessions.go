package auth

import (
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
)

var errNoSession = notFoundError("Session not found")

// shownSession is a session in an answer.
type shownSession struct {
	ID         string `json:"id"`
	Current    bool   `json:"current"`
	Kind       string `json:"kind"`
	Label      string `json:"label"`
	IP         string `json:"ip"`
	Agent      string `json:"agent"`
	CreatedAt  int64  `json:"createdAt"`
	LastUsedAt int64  `json:"lastUsedAt"`
	ExpiresAt  int64  `json:"expiresAt"`
}

// sessionList is a page of sessions. Next is the after of the next page, if there is one.
type sessionList struct {
	Sessions []shownSession `json:"sessions"`
	Next     string         `json:"next,omitempty"`
}

// sessionsOf returns sessions of a subject, most recently used first. Query: limit, after (a
// cursor).
func sessionsOf(tx store.Tx, r *request, sub, current string, now time.Time) (sessionList, error) {
	q := r.URL.Query()
	limit, err := wholeNumber(q.Get("limit"), 200, 1, 200)
	if err != nil {
		return sessionList{}, err
	}
	after, err := parseCursor(q.Get("after"))
	if err != nil {
		return sessionList{}, err
	}
	sessions, err := tx.Sessions(sub, store.Place(after), limit+1, now)
	list := newListPage[shownSession](limit)
	for _, session := range sessions {
		shown := shownSession{
			ID: session.ID, Current: session.ID == current, Kind: session.Kind, Label: session.Label, IP: session.IP, Agent: session.Agent,
			CreatedAt: session.CreatedAt, LastUsedAt: session.LastUsedAt, ExpiresAt: session.ExpiresAt,
		}
		if !list.add(shown) {
			break
		}
		after = cursor{shown.LastUsedAt, shown.ID}
	}
	out := sessionList{Sessions: list.entries}
	if list.more {
		out.Next = after.String()
	}
	return out, err
}

func (s *Service) listSessions(w http.ResponseWriter, r *request) error {
	var list sessionList
	err := s.asSelf(r, func(tx store.Tx, who caller) (err error) {
		list, err = sessionsOf(tx, r, who.Sub, who.session, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

func (s *Service) listSessionsOf(w http.ResponseWriter, r *request) error {
	var list sessionList
	err := s.asAdmin(r, func(tx store.Tx, who caller) error {
		subj, err := target(tx, r)
		if err != nil {
			return err
		}
		list, err = sessionsOf(tx, r, subj.Sub, who.session, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

// deleteSession ends one of the caller's sessions or, for an admin, anybody's. To other callers,
// another subject's session does not exist.
func (s *Service) deleteSession(w http.ResponseWriter, r *request) error {
	err := s.asSelf(r, func(tx store.Tx, who caller) error {
		owner, err := tx.SessionOwner(r.vars[0])
		if err != nil {
			return err
		}
		if owner == "" || owner != who.Sub && !who.IsAdmin {
			return errNoSession
		}
		if err := tx.EndSession(r.vars[0], who.ends(owner, r.vars[0])); err != nil {
			return err
		}
		return s.record(tx, r, event{name: "token.revoked", actor: who.Sub, target: owner,
			details: map[string]any{"method": "session", "session": r.vars[0]}})
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// ends returns how a session of owner ends when the caller ends it.
func (who caller) ends(owner, session string) int {
	switch {
	case session != "" && session == who.session:
		return store.EndedSignOut
	case owner == who.Sub:
		return store.EndedElsewhere
	}
	return store.EndedByAdmin
}

func (s *Service) deleteSessionsOf(w http.ResponseWriter, r *request) error {
	err := s.asAdmin(r, func(tx store.Tx, who caller) error {
		subj, err := target(tx, r)
		if err != nil {
			return err
		}
		_, err = s.endAll(tx, r, who, subj, "admin")
		return err
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// endAll ends every session of a subject and records it.
func (s *Service) endAll(tx store.Tx, r *request, who caller, subj store.Subject, method string) (int64, error) {
	n, err := tx.EndSessions(subj.Sub, who.ends(subj.Sub, ""))
	if err != nil {
		return 0, err
	}
	return n, s.record(tx, r, event{name: "token.revoked", actor: who.Sub, target: subj.Sub, email: subj.Email,
		details: map[string]any{"method": method, "sessions": n}})
}

// logoutAll ends all sessions of the caller, on every device.
func (s *Service) logoutAll(w http.ResponseWriter, r *request) error {
	var n int64
	err := s.asSelf(r, func(tx store.Tx, who caller) (err error) {
		n, err = s.endAll(tx, r, who, who.Subject, "logout_all")
		return err
	})
	if err != nil {
		return err
	}
	s.clearCookie(w)
	clearCache(w)
	writeJSON(w, http.StatusOK, struct {
		Message  string `json:"message"`
		Sessions int64  `json:"sessions"`
	}{"Logged out everywhere", n})
	return nil
}

package auth

import (
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/secret"
	"zombiezen.com/go/sqlite"
)

// Kinds of session.
const (
	kindBrowser  = "browser"
	kindTerminal = "terminal"
)

var errNoSession = notFoundError("Session not found")

// newSession is what begins when somebody signs in.
type newSession struct {
	sub   string
	kind  string
	label string // of a terminal: its program and computer
	code  string // hash of the code that a terminal redeemed
}

// beginSession begins a family and returns its id and its first refresh token.
func (s *Service) beginSession(d db, r *request, n newSession) (id, token string, err error) {
	id, token = secret.UUID(), secret.New()
	now := s.now()
	expires := s.endOf(now, now)
	err = d.exec(`INSERT INTO Sessions (id, subjectId, kind, label, ip, site, agent, createdAt, lastUsedAt, expiresAt)
		VALUES (:id, :sub, :kind, :label, :ip, :site, :agent, :now, :now, :expires)`,
		args{":id": id, ":sub": n.sub, ":kind": n.kind, ":label": n.label, ":ip": r.ip, ":site": limit.Site(r.ip), ":agent": r.agent,
			":now": now.UnixMilli(), ":expires": expires.UnixMilli()}, nil)
	if err != nil {
		return "", "", err
	}
	return id, token, d.insertRefresh(token, "", id, n.sub, now, expires)
}

// endOf is when a session that began at began and is used now ends if it is not
// used again.
func (s *Service) endOf(began, now time.Time) time.Time {
	end := now.Add(s.opts.RefreshTTL)
	if last := began.Add(s.opts.SessionTTL); s.opts.SessionTTL > 0 && last.Before(end) {
		return last
	}
	return end
}

// useSession notes that a session was used and moves its end.
func (d db) useSession(id string, r *request, now, expires time.Time) error {
	return d.exec("UPDATE Sessions SET lastUsedAt = :now, expiresAt = :expires, ip = :ip, site = :site, agent = :agent WHERE id = :id",
		args{":id": id, ":now": now.UnixMilli(), ":expires": expires.UnixMilli(), ":ip": r.ip, ":site": limit.Site(r.ip), ":agent": r.agent}, nil)
}

// endSession refuses its refresh tokens and, because its row is gone, its access
// tokens, and remembers how it ended.
func (d db) endSession(id string, how int) error {
	err := d.exec("UPDATE RefreshTokens SET revoked = :how WHERE familyId = :id", args{":id": id, ":how": how}, nil)
	if err != nil {
		return err
	}
	return d.exec("DELETE FROM Sessions WHERE id = :id", args{":id": id}, nil)
}

// endSessionsOf ends every session of a subject and what could begin one, and
// returns how many there were.
func (d db) endSessionsOf(sub string, how int) (n int64, err error) {
	if n, err = d.number("SELECT count(*) FROM Sessions WHERE subjectId = :sub", args{":sub": sub}); err != nil {
		return 0, err
	}
	err = d.exec("UPDATE RefreshTokens SET revoked = :how WHERE subjectId = :sub AND revoked = 0", args{":sub": sub, ":how": how}, nil)
	if err != nil {
		return 0, err
	}
	for _, query := range []string{
		"DELETE FROM Sessions WHERE subjectId = :sub",
		"DELETE FROM CliCodes WHERE subjectId = :sub",
		"UPDATE Devices SET state = 'denied' WHERE subjectId = :sub",
	} {
		if err := d.exec(query, args{":sub": sub}, nil); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// shownSession is a session as it is shown.
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

// sessionList is a page of sessions. Next is the after of the next one, if there is one.
type sessionList struct {
	Sessions []shownSession `json:"sessions"`
	Next     string         `json:"next,omitempty"`
}

// sessionsOf returns sessions of a subject, the last used first. Query: limit, after (a
// cursor).
func (d db) sessionsOf(r *request, sub, current string, now time.Time) (sessionList, error) {
	q := r.URL.Query()
	limit, err := wholeNumber(q.Get("limit"), 200, 1, 200)
	if err != nil {
		return sessionList{}, err
	}
	after, err := parseCursor(q.Get("after"))
	if err != nil {
		return sessionList{}, err
	}
	list := newListPage[shownSession](limit)
	err = d.exec(`SELECT * FROM Sessions WHERE subjectId = :sub AND expiresAt >= :now
		AND (lastUsedAt < :at OR lastUsedAt = :at AND id > :id) ORDER BY lastUsedAt DESC, id LIMIT :limit + 1`,
		args{":sub": sub, ":now": now.UnixMilli(), ":at": after.at, ":id": after.id, ":limit": limit}, func(stmt *sqlite.Stmt) {
			shown := shownSession{
				ID: stmt.GetText("id"), Current: stmt.GetText("id") == current, Kind: stmt.GetText("kind"), Label: stmt.GetText("label"),
				IP: stmt.GetText("ip"), Agent: stmt.GetText("agent"),
				CreatedAt: stmt.GetInt64("createdAt"), LastUsedAt: stmt.GetInt64("lastUsedAt"), ExpiresAt: stmt.GetInt64("expiresAt"),
			}
			if !list.more && list.add(shown) {
				after = cursor{shown.LastUsedAt, shown.ID}
			}
		})
	out := sessionList{Sessions: list.entries}
	if list.more {
		out.Next = after.String()
	}
	return out, err
}

func (s *Service) listSessions(w http.ResponseWriter, r *request) error {
	var list sessionList
	err := s.asSelf(r, func(d db, who caller) (err error) {
		list, err = d.sessionsOf(r, who.sub, who.session, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

func (s *Service) listSessionsOf(w http.ResponseWriter, r *request) error {
	var list sessionList
	err := s.asAdmin(r, func(d db, who caller) error {
		subj, err := d.target(r)
		if err != nil {
			return err
		}
		list, err = d.sessionsOf(r, subj.sub, who.session, s.now())
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, list)
	}
	return err
}

// deleteSession ends one of the caller's sessions, or as an admin anyone's. To
// others a session of somebody else does not exist.
func (s *Service) deleteSession(w http.ResponseWriter, r *request) error {
	err := s.asSelf(r, func(d db, who caller) error {
		var owner string
		_, err := d.one("SELECT subjectId FROM Sessions WHERE id = :id", args{":id": r.vars[0]},
			func(stmt *sqlite.Stmt) { owner = stmt.ColumnText(0) })
		if err != nil {
			return err
		}
		if owner == "" || owner != who.sub && !who.isAdmin {
			return errNoSession
		}
		if err := d.endSession(r.vars[0], who.ends(owner, r.vars[0])); err != nil {
			return err
		}
		return s.record(d, r, event{name: "token.revoked", actor: who.sub, target: owner,
			details: map[string]any{"method": "session", "session": r.vars[0]}})
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// ends says how a session of owner ends that who ends.
func (who caller) ends(owner, session string) int {
	switch {
	case session != "" && session == who.session:
		return endedSignOut
	case owner == who.sub:
		return endedElsewhere
	}
	return endedByAdmin
}

func (s *Service) deleteSessionsOf(w http.ResponseWriter, r *request) error {
	err := s.asAdmin(r, func(d db, who caller) error {
		subj, err := d.target(r)
		if err != nil {
			return err
		}
		_, err = s.endAll(d, r, who, subj, "admin")
		return err
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// endAll ends every session of a subject and records it.
func (s *Service) endAll(d db, r *request, who caller, subj subject, method string) (int64, error) {
	n, err := d.endSessionsOf(subj.sub, who.ends(subj.sub, ""))
	if err != nil {
		return 0, err
	}
	return n, s.record(d, r, event{name: "token.revoked", actor: who.sub, target: subj.sub, email: subj.email,
		details: map[string]any{"method": method, "sessions": n}})
}

// logoutAll ends all sessions of the caller, on every device.
func (s *Service) logoutAll(w http.ResponseWriter, r *request) error {
	var n int64
	err := s.asSelf(r, func(d db, who caller) (err error) {
		n, err = s.endAll(d, r, who, who.subject, "logout_all")
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

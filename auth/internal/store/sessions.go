package store

import (
	"time"

	"zombiezen.com/go/sqlite"
)

// Kinds of session.
const (
	Browser  = "browser"
	Terminal = "terminal"
)

// How a session ended, in the column revoked of its refresh tokens, so that users can be told.
// Earlier versions always wrote 1.
const (
	EndedSignOut    = 1 + iota // by its user
	EndedElsewhere             // by its owner, from another session or from a mail
	EndedByAdmin               //
	EndedReused                // a refresh token was used twice, so it may be stolen
	EndedUnapproved            // with the approval of its subject
)

// Origin is where a request came from.
type Origin struct {
	IP    string
	Site  string // the network around IP that one party commands
	Agent string // User-Agent
}

// Session is a session, which begins with a sign-in. Times are milliseconds since 1970.
type Session struct {
	ID, Subject string
	Kind        string // [Browser] or [Terminal]
	Label       string // of a terminal: its program and computer
	Origin
	CreatedAt, LastUsedAt, ExpiresAt int64
}

// InsertSession stores a session.
func (tx Tx) InsertSession(s Session) error {
	return tx.exec(`INSERT INTO Sessions (id, subjectId, kind, label, ip, site, agent, createdAt, lastUsedAt, expiresAt)
		VALUES (:id, :sub, :kind, :label, :ip, :site, :agent, :created, :used, :expires)`,
		args{":id": s.ID, ":sub": s.Subject, ":kind": s.Kind, ":label": s.Label, ":ip": s.IP, ":site": s.Site, ":agent": s.Agent,
			":created": s.CreatedAt, ":used": s.LastUsedAt, ":expires": s.ExpiresAt}, nil)
}

// UseSession records that a session was used, and updates its expiry.
func (tx Tx) UseSession(id string, from Origin, now, expires time.Time) error {
	return tx.exec("UPDATE Sessions SET lastUsedAt = :now, expiresAt = :expires, ip = :ip, site = :site, agent = :agent WHERE id = :id",
		args{":id": id, ":now": now.UnixMilli(), ":expires": expires.UnixMilli(), ":ip": from.IP, ":site": from.Site, ":agent": from.Agent}, nil)
}

// EndSession revokes the refresh tokens of a session and, because its row is gone, its access
// tokens, and keeps how it ended.
func (tx Tx) EndSession(id string, how int) error {
	err := tx.exec("UPDATE RefreshTokens SET revoked = :how WHERE familyId = :id", args{":id": id, ":how": how}, nil)
	if err != nil {
		return err
	}
	return tx.exec("DELETE FROM Sessions WHERE id = :id", args{":id": id}, nil)
}

// EndSessions ends every session of a subject, deletes everything that could begin one, and
// returns the number of sessions.
func (tx Tx) EndSessions(sub string, how int) (n int64, err error) {
	if n, err = tx.number("SELECT count(*) FROM Sessions WHERE subjectId = :sub", args{":sub": sub}); err != nil {
		return 0, err
	}
	err = tx.exec("UPDATE RefreshTokens SET revoked = :how WHERE subjectId = :sub AND revoked = 0", args{":sub": sub, ":how": how}, nil)
	if err != nil {
		return 0, err
	}
	for _, query := range []string{
		"DELETE FROM Sessions WHERE subjectId = :sub",
		"DELETE FROM CliCodes WHERE subjectId = :sub",
		"UPDATE Devices SET state = 'denied' WHERE subjectId = :sub",
	} {
		if err := tx.exec(query, args{":sub": sub}, nil); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// HowEnded returns how a deleted session ended, or 0 if that is unknown.
func (tx Tx) HowEnded(id string) (int64, error) {
	return tx.number("SELECT coalesce(max(revoked), 0) FROM RefreshTokens WHERE familyId = :id", args{":id": id})
}

// SessionOwner returns the subject of a session, or "".
func (tx Tx) SessionOwner(id string) (sub string, err error) {
	_, err = tx.one("SELECT subjectId FROM Sessions WHERE id = :id", args{":id": id},
		func(stmt *sqlite.Stmt) { sub = stmt.ColumnText(0) })
	return sub, err
}

// IsAlive reports whether there is an unexpired session or named token with an id.
func (tx Tx) IsAlive(id string, now time.Time) (bool, error) {
	return tx.one("SELECT 1 FROM Sessions WHERE id = :id AND expiresAt >= :now UNION ALL SELECT 1 FROM NamedTokens WHERE id = :id AND expiresAt > :now",
		args{":id": id, ":now": now.UnixMilli()}, nil)
}

// HasSessionAt reports whether a subject has a session at a site.
func (tx Tx) HasSessionAt(sub, site string) (bool, error) {
	return tx.one("SELECT 1 FROM Sessions WHERE subjectId = :sub AND site = :site LIMIT 1", args{":sub": sub, ":site": site}, nil)
}

// CountOtherSessions returns how many sessions a subject has besides one, and how many of these
// are in a browser with the same User-Agent.
func (tx Tx) CountOtherSessions(sub, id, agent string) (all, similar int64, err error) {
	if all, err = tx.number("SELECT count(*) FROM Sessions WHERE subjectId = :sub AND id <> :id", args{":sub": sub, ":id": id}); err != nil {
		return 0, 0, err
	}
	similar, err = tx.number("SELECT count(*) FROM Sessions WHERE subjectId = :sub AND id <> :id AND kind = :kind AND agent = :agent",
		args{":sub": sub, ":id": id, ":kind": Browser, ":agent": agent})
	return all, similar, err
}

// Sessions returns at most limit sessions of a subject, most recently used first.
func (tx Tx) Sessions(sub string, after Place, limit int64, now time.Time) (found []Session, err error) {
	err = tx.exec(`SELECT * FROM Sessions WHERE subjectId = :sub AND expiresAt >= :now
		AND (lastUsedAt < :at OR lastUsedAt = :at AND id > :id) ORDER BY lastUsedAt DESC, id LIMIT :limit`,
		args{":sub": sub, ":now": now.UnixMilli(), ":at": after.At, ":id": after.ID, ":limit": limit}, func(stmt *sqlite.Stmt) {
			found = append(found, Session{
				ID: stmt.GetText("id"), Subject: sub, Kind: stmt.GetText("kind"), Label: stmt.GetText("label"),
				Origin:    Origin{IP: stmt.GetText("ip"), Site: stmt.GetText("site"), Agent: stmt.GetText("agent")},
				CreatedAt: stmt.GetInt64("createdAt"), LastUsedAt: stmt.GetInt64("lastUsedAt"), ExpiresAt: stmt.GetInt64("expiresAt"),
			})
		})
	return found, err
}

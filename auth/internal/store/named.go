package store

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// NamedToken is an access token with a name. Times are milliseconds since 1970.
type NamedToken struct {
	ID, Name, Subject    string
	Admin                bool // it carries admin rights
	CreatedAt, ExpiresAt int64
	LastUsedAt           int64 // 0: never
}

func scanNamed(stmt *sqlite.Stmt) NamedToken {
	return NamedToken{ID: stmt.GetText("id"), Name: stmt.GetText("name"), Admin: stmt.GetBool("isAdmin"), Subject: stmt.GetText("subjectId"),
		CreatedAt: stmt.GetInt64("createdAt"), ExpiresAt: stmt.GetInt64("expiresAt"), LastUsedAt: stmt.GetInt64("lastUsedAt")}
}

// InsertNamed stores a named token.
func (tx Tx) InsertNamed(token string, t NamedToken) error {
	return tx.exec(`INSERT INTO NamedTokens (id, tokenHash, subjectId, name, isAdmin, createdAt, expiresAt)
		VALUES (:id, :hash, :sub, :name, :admin, :created, :expires)`,
		args{":id": t.ID, ":hash": secret.Hash(token), ":sub": t.Subject, ":name": t.Name, ":admin": t.Admin,
			":created": t.CreatedAt, ":expires": t.ExpiresAt}, nil)
}

// NamedToken returns a named token, or [ErrNotFound].
func (tx Tx) NamedToken(token string) (NamedToken, error) {
	return tx.namedBy("tokenHash", secret.Hash(token))
}

// NamedTokenByID returns the named token with an id, or [ErrNotFound].
func (tx Tx) NamedTokenByID(id string) (NamedToken, error) { return tx.namedBy("id", id) }

func (tx Tx) namedBy(column, value string) (t NamedToken, err error) {
	found, err := tx.one("SELECT * FROM NamedTokens WHERE "+column+" = :value", args{":value": value},
		func(stmt *sqlite.Stmt) { t = scanNamed(stmt) })
	if err == nil && !found {
		err = ErrNotFound
	}
	return t, err
}

// DeleteNamed deletes a named token.
func (tx Tx) DeleteNamed(id string) error {
	return tx.exec("DELETE FROM NamedTokens WHERE id = :id", args{":id": id}, nil)
}

// CountNamed returns how many unexpired named tokens a subject has.
func (tx Tx) CountNamed(sub string, now time.Time) (int64, error) {
	return tx.number("SELECT count(*) FROM NamedTokens WHERE subjectId = :sub AND expiresAt >= :now",
		args{":sub": sub, ":now": now.UnixMilli()})
}

// NamedTokens returns the unexpired named tokens of a subject, newest first.
func (tx Tx) NamedTokens(sub string, now time.Time) (list []NamedToken, err error) {
	err = tx.exec("SELECT * FROM NamedTokens WHERE subjectId = :sub AND expiresAt >= :now ORDER BY createdAt DESC, id",
		args{":sub": sub, ":now": now.UnixMilli()}, func(stmt *sqlite.Stmt) { list = append(list, scanNamed(stmt)) })
	return list, err
}

// IsNamedUnusedSince reports whether a named token was last used before a time.
func (tx Tx) IsNamedUnusedSince(token string, since time.Time) (bool, error) {
	return tx.one("SELECT 1 FROM NamedTokens WHERE tokenHash = :hash AND coalesce(lastUsedAt, 0) < :since",
		args{":hash": secret.Hash(token), ":since": since.UnixMilli()}, nil)
}

// NoteNamedUse sets LastUsedAt, unless it is already since or later.
func (tx Tx) NoteNamedUse(token string, now, since time.Time) error {
	return tx.exec("UPDATE NamedTokens SET lastUsedAt = :now WHERE tokenHash = :hash AND coalesce(lastUsedAt, 0) < :since",
		args{":hash": secret.Hash(token), ":now": now.UnixMilli(), ":since": since.UnixMilli()}, nil)
}

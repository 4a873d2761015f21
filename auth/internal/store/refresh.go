package store

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// RotatedLongAgo is the RotatedAt of a token whose row has been forgotten.
const RotatedLongAgo = 1

// RefreshToken is a refresh token. Its family is the session that it belongs to.
type RefreshToken struct {
	Hash      string
	Family    string
	Subject   string
	ExpiresAt int64
	// RotatedAt is when the token was last exchanged for its successor, 0 if it has none yet, or
	// [RotatedLongAgo].
	RotatedAt int64
	Revoked   bool
	Began     time.Time // when its session began
}

// RefreshToken finds a token, or the family of a forgotten one.
func (tx Tx) RefreshToken(token string) (row RefreshToken, found bool, err error) {
	const query = `SELECT tokenHash, familyId, r.subjectId AS subjectId, r.expiresAt AS expiresAt, rotatedAt, revoked,
		coalesce(s.createdAt, r.createdAt) AS began
		FROM RefreshTokens r LEFT JOIN Sessions s ON s.id = familyId `
	scan := func(stmt *sqlite.Stmt) {
		row = RefreshToken{
			Hash:      stmt.GetText("tokenHash"),
			Family:    stmt.GetText("familyId"),
			Subject:   stmt.GetText("subjectId"),
			ExpiresAt: stmt.GetInt64("expiresAt"),
			RotatedAt: stmt.GetInt64("rotatedAt"),
			Revoked:   stmt.GetBool("revoked"),
			Began:     time.UnixMilli(stmt.GetInt64("began")),
		}
	}
	found, err = tx.one(query+"WHERE tokenHash = :hash", args{":hash": secret.Hash(token)}, scan)
	if err == nil && !found {
		found, err = tx.one(query+"WHERE familyHash = :hash ORDER BY r.expiresAt DESC LIMIT 1", args{":hash": secret.FamilyHash(token)}, scan)
		row.RotatedAt = RotatedLongAgo
	}
	return row, found, err
}

// InsertRefresh stores a token of a family. Parent is the hash of its predecessor, or "".
func (tx Tx) InsertRefresh(token, parent, family, sub string, now, expires time.Time) error {
	return tx.exec(`INSERT INTO RefreshTokens (tokenHash, parentHash, familyId, familyHash, subjectId, createdAt, expiresAt)
		VALUES (:hash, nullif(:parent, ''), :family, :familyHash, :sub, :now, :expires)`,
		args{":hash": secret.Hash(token), ":familyHash": secret.FamilyHash(token), ":parent": parent, ":family": family, ":sub": sub,
			":now": now.UnixMilli(), ":expires": expires.UnixMilli()}, nil)
}

// ExtendRefresh changes the expiry of a token.
func (tx Tx) ExtendRefresh(hash string, expires time.Time) error {
	return tx.exec("UPDATE RefreshTokens SET expiresAt = :ends WHERE tokenHash = :hash", args{":ends": expires.UnixMilli(), ":hash": hash}, nil)
}

// NoteRotation sets RotatedAt.
func (tx Tx) NoteRotation(hash string, now time.Time) error {
	return tx.exec("UPDATE RefreshTokens SET rotatedAt = :now WHERE tokenHash = :hash", args{":now": now.UnixMilli(), ":hash": hash}, nil)
}

// ForgetReplaced deletes the tokens of a family that were rotated before a time. While the family
// has any row, its tokens can be told from unknown ones by their prefix.
func (tx Tx) ForgetReplaced(family string, before time.Time) error {
	return tx.exec("DELETE FROM RefreshTokens WHERE familyId = :family AND familyHash IS NOT NULL AND rotatedAt < :since",
		args{":family": family, ":since": before.UnixMilli()}, nil)
}

package auth

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A data directory of the first version keeps its accounts and sessions.
func TestSessionsOfTheFirstVersionGoOn(t *testing.T) {
	dir := t.TempDir()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "auth.db"), sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	old := sqlitemigration.Schema{AppID: schema.AppID, Migrations: schema.Migrations[:1]}
	if err := sqlitemigration.Migrate(context.Background(), conn, old); err != nil {
		t.Fatal(err)
	}
	session, now := secret.New(), time.Now().UnixMilli()
	err = sqlitex.Execute(conn, "INSERT INTO Subjects (sub, email, emailVerified, adminApproved, createdAt) VALUES ('s', ?, 1, 1, 1)", &sqlitex.ExecOptions{Args: []any{ada}})
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.Execute(conn, "INSERT INTO RefreshTokens (tokenHash, familyId, subjectId, createdAt, expiresAt) VALUES (?, 'f', 's', ?, ?)",
		&sqlitex.ExecOptions{Args: []any{secret.Hash(session), now, now + 1e9}})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	f := start(t, Options{Dir: dir})
	access := f.access(session)
	if claims, err := f.svc.Verify(t.Context(), access); err != nil || claims.Subject != "s" || claims.Session != "f" {
		t.Errorf("got %+v, %v", claims, err)
	}
	f.want(f.as(access, "GET", "sessions", ""), 200, "")
}

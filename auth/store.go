package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"
)

var errClosed = errors.New("the auth service is closed")

// schema is applied in order. What is released is never edited, only added to.
// All times are milliseconds since 1970, all secrets are SHA-256 hashes.
var schema = sqlitemigration.Schema{
	AppID: 0x6c6d7a61, // "lmza"
	Migrations: []string{`
CREATE TABLE Subjects (
	sub               TEXT PRIMARY KEY,
	email             TEXT NOT NULL UNIQUE,
	emailVerified     INTEGER NOT NULL DEFAULT 0,
	adminApproved     INTEGER NOT NULL DEFAULT 0,
	isAdmin           INTEGER NOT NULL DEFAULT 0,
	approvalRevokedAt INTEGER,
	createdAt         INTEGER NOT NULL,
	lastLoginAt       INTEGER
) STRICT;

CREATE TABLE MagicLinks (
	tokenHash     TEXT PRIMARY KEY,
	email         TEXT NOT NULL,
	createdAt     INTEGER NOT NULL,
	expiresAt     INTEGER NOT NULL,
	-- Set when a terminal asked:
	codeChallenge TEXT,
	redirectUri   TEXT,
	state         TEXT,
	clientName    TEXT,
	hostname      TEXT
) STRICT;
CREATE INDEX MagicLinksByEmail ON MagicLinks (email, createdAt);

CREATE TABLE CliCodes (
	codeHash      TEXT PRIMARY KEY,
	subjectId     TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	codeChallenge TEXT NOT NULL,
	redirectUri   TEXT NOT NULL,
	expiresAt     INTEGER NOT NULL
) STRICT;
CREATE INDEX CliCodesBySubject ON CliCodes (subjectId);

-- A family is one session: the tokens that follow from one sign-in.
CREATE TABLE RefreshTokens (
	tokenHash  TEXT PRIMARY KEY,
	familyId   TEXT NOT NULL,
	parentHash TEXT,
	subjectId  TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	createdAt  INTEGER NOT NULL,
	expiresAt  INTEGER NOT NULL,
	rotatedAt  INTEGER,
	revoked    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX RefreshTokensByFamily  ON RefreshTokens (familyId);
CREATE INDEX RefreshTokensBySubject ON RefreshTokens (subjectId);
CREATE INDEX RefreshTokensByExpiry  ON RefreshTokens (expiresAt);
`},
}

// store is auth.db: one connection, lent to one transaction at a time. Other
// processes may have the file open as well.
type store struct {
	conn chan *sqlite.Conn // one slot; closed by close
}

func openStore(path string) (*store, error) {
	// SQLite gives its -wal and -shm files the mode of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), onlyOwner(path)); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL)
	if err != nil {
		return nil, err
	}
	if err := prepare(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), conn.Close())
	}
	s := &store{conn: make(chan *sqlite.Conn, 1)}
	s.conn <- conn
	return s, nil
}

func prepare(conn *sqlite.Conn) error {
	conn.SetBusyTimeout(10 * time.Second)
	// FULL: a link that was used or a token that was revoked stays so after a
	// power cut. Foreign keys are off by default and deletes rely on them.
	for _, pragma := range []string{"PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"} {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return err
		}
	}
	return sqlitemigration.Migrate(context.Background(), conn, schema)
}

// close waits for the transaction under way.
func (s *store) close() error {
	conn := <-s.conn
	if conn == nil {
		return nil
	}
	close(s.conn)
	return conn.Close()
}

// tx runs f as one transaction, which an error from f rolls back. When ctx ends
// first, nothing has happened.
func (s *store) tx(ctx context.Context, f func(db) error) (err error) {
	var conn *sqlite.Conn
	select {
	case conn = <-s.conn:
	case <-ctx.Done():
		return ctx.Err()
	}
	if conn == nil {
		return errClosed
	}
	defer func() { s.conn <- conn }()
	defer conn.SetInterrupt(conn.SetInterrupt(ctx.Done()))
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	return f(db{conn})
}

// args are the named parameters of a statement, with their prefix ":".
type args map[string]any

// db is a connection within a transaction.
type db struct{ conn *sqlite.Conn }

// exec runs query and calls row, unless it is nil, for each row of the answer.
func (d db) exec(query string, named args, row func(*sqlite.Stmt)) error {
	return sqlitex.Execute(d.conn, query, &sqlitex.ExecOptions{
		Named: named,
		ResultFunc: func(stmt *sqlite.Stmt) error {
			if row != nil {
				row(stmt)
			}
			return nil
		},
	})
}

// sweep deletes what can never be used again. Links stay as long as they count
// towards the mail limit, refresh tokens until reuse need not be noticed any more.
func (d db) sweep(now time.Time) error {
	return errors.Join(
		d.exec("DELETE FROM MagicLinks WHERE expiresAt < :now AND createdAt < :counted",
			args{":now": now.UnixMilli(), ":counted": now.Add(-mailWindow).UnixMilli()}, nil),
		d.exec("DELETE FROM CliCodes WHERE expiresAt < :now", args{":now": now.UnixMilli()}, nil),
		d.exec("DELETE FROM RefreshTokens WHERE expiresAt < :now", args{":now": now.UnixMilli()}, nil),
	)
}

// newToken returns 256 random bits as 43 characters.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// hash is the only form in which a token is stored. Tokens are random, so they
// need no salt.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// newUUID returns a random UUID (version 4) in lower case.
func newUUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Package store is auth.db, the SQLite database of sign-in: subjects and their rights, sessions,
// links, codes and tokens, queued mails, and the audit log. Each request is decided in one
// transaction, so that rights cannot be used while they are being revoked: [Store.Update] runs a
// function on a [Tx], whose methods are all the queries there are. The package contains no
// policy: that is its user's.
//
// Secrets are stored only as hashes, mails sealed by their sender.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/auth/internal/private"
)

var (
	// ErrNotFound is returned for a row that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExpired is returned for a link, invitation or code that exists but has expired.
	ErrExpired = errors.New("expired")
	// ErrClosed is returned by transactions after Close.
	ErrClosed = errors.New("the auth service is closed")
)

// Store is an open database: one connection that writes and one that reads, each lent to one
// transaction at a time, so that verifying a token never waits for a write. Other processes may
// have the file open as well. Its methods may be called from any goroutine.
type Store struct {
	writer, reader chan *sqlite.Conn // one slot each; closed by Close
	revoked        revocations
}

// Open opens or creates the database at path and brings its schema up to date.
func Open(path string) (*Store, error) {
	// SQLite gives its -wal and -shm files the permissions of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), private.Restrict(path)); err != nil {
		return nil, err
	}
	s := &Store{writer: make(chan *sqlite.Conn, 1), reader: make(chan *sqlite.Conn, 1)}
	var opened []*sqlite.Conn
	for _, slot := range []chan *sqlite.Conn{s.writer, s.reader} {
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL)
		if err == nil {
			opened = append(opened, conn)
			err = prepare(conn)
		}
		if err != nil {
			for _, conn := range opened {
				conn.Close()
			}
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
		slot <- conn
	}
	if err := s.revoked.watch(opened[0]); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func prepare(conn *sqlite.Conn) error {
	conn.SetBusyTimeout(10 * time.Second)
	// FULL: a used link or a revoked token stays so after a power failure. Foreign keys are off
	// by default, and deletes rely on them.
	for _, pragma := range []string{"PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"} {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return err
		}
	}
	return sqlitemigration.Migrate(context.Background(), conn, schema)
}

// Close waits for the transactions in progress. Later ones fail with [ErrClosed].
func (s *Store) Close() error {
	var errs []error
	for _, slot := range []chan *sqlite.Conn{s.reader, s.writer} {
		if conn := <-slot; conn != nil {
			close(slot)
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(errs...)
}

// Update runs f as one transaction, which an error from f rolls back. If ctx ends first,
// nothing has changed.
func (s *Store) Update(ctx context.Context, f func(Tx) error) error {
	return run(ctx, s.writer, s.transaction, f)
}

// View runs f, which must not write, on one state of the database.
func (s *Store) View(ctx context.Context, f func(Tx) error) error {
	begin := func(conn *sqlite.Conn) (func(*error), error) { return sqlitex.Transaction(conn), nil }
	return run(ctx, s.reader, begin, f)
}

func run(ctx context.Context, slot chan *sqlite.Conn, begin func(*sqlite.Conn) (func(*error), error), f func(Tx) error) (err error) {
	var conn *sqlite.Conn
	select {
	case conn = <-slot:
	case <-ctx.Done():
		return ctx.Err()
	}
	if conn == nil {
		return ErrClosed
	}
	defer func() { slot <- conn }()
	defer conn.SetInterrupt(conn.SetInterrupt(ctx.Done()))
	end, err := begin(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	return f(Tx{conn})
}

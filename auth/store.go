package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lumenize/lmz/auth/internal/private"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"
)

var errClosed = errors.New("the auth service is closed")

// store is auth.db: one connection that writes and one that reads, each lent to
// one transaction at a time, so that checking a token waits for no disk. Other
// processes may have the file open as well.
type store struct {
	writer, reader chan *sqlite.Conn // one slot each; closed by close
	revoked        revocations
}

func openStore(path string) (*store, error) {
	// SQLite gives its -wal and -shm files the mode of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), private.Restrict(path)); err != nil {
		return nil, err
	}
	s := &store{writer: make(chan *sqlite.Conn, 1), reader: make(chan *sqlite.Conn, 1)}
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
		return nil, errors.Join(err, s.close())
	}
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

// close waits for the transactions under way.
func (s *store) close() error {
	var errs []error
	for _, slot := range []chan *sqlite.Conn{s.reader, s.writer} {
		if conn := <-slot; conn != nil {
			close(slot)
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(errs...)
}

// tx runs f as one transaction, which an error from f rolls back. When ctx ends
// first, nothing has happened.
func (s *store) tx(ctx context.Context, f func(db) error) error {
	return run(ctx, s.writer, s.transaction, f)
}

// read runs f, which only reads, on one state of the database.
func (s *store) read(ctx context.Context, f func(db) error) error {
	begin := func(conn *sqlite.Conn) (func(*error), error) { return sqlitex.Transaction(conn), nil }
	return run(ctx, s.reader, begin, f)
}

func run(ctx context.Context, slot chan *sqlite.Conn, begin func(*sqlite.Conn) (func(*error), error), f func(db) error) (err error) {
	var conn *sqlite.Conn
	select {
	case conn = <-slot:
	case <-ctx.Done():
		return ctx.Err()
	}
	if conn == nil {
		return errClosed
	}
	defer func() { slot <- conn }()
	defer conn.SetInterrupt(conn.SetInterrupt(ctx.Done()))
	end, err := begin(conn)
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

// one runs query and reports whether it gave a row, which goes to row.
func (d db) one(query string, named args, row func(*sqlite.Stmt)) (found bool, err error) {
	err = d.exec(query, named, func(stmt *sqlite.Stmt) {
		found = true
		if row != nil {
			row(stmt)
		}
	})
	return found, err
}

// number runs a query that gives one number.
func (d db) number(query string, named args) (n int64, err error) {
	_, err = d.one(query, named, func(stmt *sqlite.Stmt) { n = stmt.ColumnInt64(0) })
	return n, err
}

// auditKept is how long audit events are kept.
const auditKept = 365 * 24 * time.Hour

// sweep deletes what can never be used again. The refresh tokens of a session that are
// left (see forgetReplaced) stay until reuse need not be noticed any more, terminals that were refused long enough to learn it.
func (d db) sweep(now time.Time) error {
	var errs []error
	for _, table := range []string{"MagicLinks", "InviteTokens", "CliCodes", "Devices", "RefreshTokens", "Sessions", "NamedTokens", "Outbox"} {
		errs = append(errs, d.exec("DELETE FROM "+table+" WHERE expiresAt < :now", args{":now": now.UnixMilli()}, nil))
	}
	errs = append(errs, d.exec("DELETE FROM Audit WHERE at < :since", args{":since": now.Add(-auditKept).UnixMilli()}, nil))
	return errors.Join(errs...)
}

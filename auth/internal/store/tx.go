package store

import (
	"errors"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Tx is a transaction. It must not be used after the function that received it has returned.
type Tx struct{ conn *sqlite.Conn }

// args are the named parameters of a statement, with their prefix ":".
type args map[string]any

// exec runs query and calls row, unless it is nil, for each row of the result.
func (tx Tx) exec(query string, named args, row func(*sqlite.Stmt)) error {
	return sqlitex.Execute(tx.conn, query, &sqlitex.ExecOptions{
		Named: named,
		ResultFunc: func(stmt *sqlite.Stmt) error {
			if row != nil {
				row(stmt)
			}
			return nil
		},
	})
}

// one runs query, passes its row to row, and reports whether there was one.
func (tx Tx) one(query string, named args, row func(*sqlite.Stmt)) (found bool, err error) {
	err = tx.exec(query, named, func(stmt *sqlite.Stmt) {
		found = true
		if row != nil {
			row(stmt)
		}
	})
	return found, err
}

// number runs a query whose result is one number.
func (tx Tx) number(query string, named args) (n int64, err error) {
	_, err = tx.one(query, named, func(stmt *sqlite.Stmt) { n = stmt.ColumnInt64(0) })
	return n, err
}

// auditKept is how long audit events are kept.
const auditKept = 365 * 24 * time.Hour

// Sweep deletes what can never be used again. The remaining refresh tokens of an ended session
// (see [Tx.ForgetReplaced]) stay until they expire, so that reuse is detected, and refused
// terminals stay long enough to be told.
func (tx Tx) Sweep(now time.Time) error {
	var errs []error
	for _, table := range []string{"MagicLinks", "InviteTokens", "CliCodes", "Devices", "RefreshTokens", "Sessions", "NamedTokens", "Outbox"} {
		errs = append(errs, tx.exec("DELETE FROM "+table+" WHERE expiresAt < :now", args{":now": now.UnixMilli()}, nil))
	}
	errs = append(errs, tx.exec("DELETE FROM Audit WHERE at < :since", args{":since": now.Add(-auditKept).UnixMilli()}, nil))
	return errors.Join(errs...)
}

// Place is a position in a list sorted by time, newest first, and then by id. It stays valid when
// the row there is deleted. The place before all rows has the largest time.
type Place struct {
	At int64 // milliseconds since 1970
	ID string
}

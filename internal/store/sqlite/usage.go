package sqlite

import (
	"errors"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// usageFile is the file of the totals in a data directory. If it is deleted, existing
// storage is charged to no one.
const usageFile = "usage.db"

// usage keeps the totals in a separate file. A write need not be on disk at once.
type usage struct{ conn *sqlite.Conn }

func openUsage(dir string) (*usage, error) {
	path := filepath.Join(dir, usageFile)
	open := func() (*sqlite.Conn, error) {
		if err := createFile(path); err != nil {
			return nil, err
		}
		conn, err := sqldb.Open(path, sqlite.OpenReadWrite)
		if err != nil {
			return nil, err
		}
		for _, statement := range []string{
			exclusive, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
			`CREATE TABLE IF NOT EXISTS lmz_usage (subject TEXT PRIMARY KEY NOT NULL,
				objects INTEGER NOT NULL, stored INTEGER NOT NULL, alarms INTEGER NOT NULL) WITHOUT ROWID`,
		} {
			if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
				return nil, errors.Join(err, sqldb.Close(conn))
			}
		}
		return conn, nil
	}
	conn, err := open()
	if store.IsDamaged(err) { // losing the totals is acceptable
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(path + suffix)
		}
		conn, err = open()
	}
	if err != nil {
		return nil, err
	}
	return &usage{conn}, nil
}

func (s *usage) Load() (map[string]store.Sums, error) {
	stored := make(map[string]store.Sums)
	err := sqlitex.ExecuteTransient(s.conn, `SELECT subject, objects, stored, alarms FROM lmz_usage`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			stored[row.ColumnText(0)] = store.Sums{row.ColumnInt64(1), row.ColumnInt64(2), row.ColumnInt64(3)}
			return nil
		},
	})
	return stored, err
}

func (s *usage) Write(changes map[string]store.Sums) (err error) {
	end, err := sqlitex.ImmediateTransaction(s.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for subject, n := range changes {
		query := `INSERT OR REPLACE INTO lmz_usage (subject, objects, stored, alarms) VALUES (?, ?, ?, ?)`
		args := []any{subject, n[0], n[1], n[2]}
		if n == (store.Sums{}) {
			query, args = `DELETE FROM lmz_usage WHERE subject = ?`, args[:1]
		}
		if err := sqlitex.Execute(s.conn, query, &sqlitex.ExecOptions{Args: args}); err != nil {
			return err
		}
	}
	return nil
}

func (s *usage) Close() error { return sqldb.Close(s.conn) }

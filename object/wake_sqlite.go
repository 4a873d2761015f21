package object

import (
	"errors"
	"fmt"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
)

// sqliteIndex is the index of wakes in a file of its own.
type sqliteIndex struct {
	conn *sqlite.Conn
}

const indexLayout = `CREATE TABLE IF NOT EXISTS lmz_wake (
	binding TEXT NOT NULL, instance TEXT NOT NULL,
	at INTEGER NOT NULL, -- Unix milliseconds; 0: at the next start
	PRIMARY KEY (binding, instance)) WITHOUT ROWID`

// openIndex opens or makes the index of the data directory dir.
func openIndex(dir string) (*sqliteIndex, error) {
	path := filepath.Join(dir, "index.db")
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("index of wakes: %w", withoutPath(err))
	}
	conn, err := openConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, fmt.Errorf("index of wakes: %w", withoutPath(err))
	}
	for _, command := range append(pragmas, indexLayout) {
		if err := sqlitex.ExecuteTransient(conn, command, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("index of wakes: %w", withoutPath(err)), closeConn(conn))
		}
	}
	return &sqliteIndex{conn}, nil
}

func (x *sqliteIndex) load() (map[lmz.Address]int64, error) {
	stored := make(map[lmz.Address]int64)
	err := sqlitex.Execute(x.conn, `SELECT binding, instance, at FROM lmz_wake`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			stored[lmz.At(row.ColumnText(0), row.ColumnText(1))] = row.ColumnInt64(2)
			return nil
		},
	})
	return stored, err
}

func (x *sqliteIndex) write(changes map[lmz.Address]int64) (err error) {
	end, err := sqlitex.ImmediateTransaction(x.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for a, at := range changes {
		query := `INSERT OR REPLACE INTO lmz_wake (binding, instance, at) VALUES ($binding, $instance, $at)`
		named := map[string]any{"$binding": a.Binding, "$instance": a.Instance, "$at": at}
		if at == neverWake {
			query = `DELETE FROM lmz_wake WHERE binding = $binding AND instance = $instance`
			delete(named, "$at")
		}
		if err := sqlitex.Execute(x.conn, query, &sqlitex.ExecOptions{Named: named}); err != nil {
			return err
		}
	}
	return nil
}

func (x *sqliteIndex) close() error { return closeConn(x.conn) }

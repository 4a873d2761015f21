package sqlite

import (
	"errors"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
	"github.com/lumenize/lmz/internal/wake"
)

// wakeIndex is the wake index, in a separate file.
type wakeIndex struct {
	conn *sqlite.Conn
}

const indexLayout = `CREATE TABLE lmz_wake (
	binding TEXT NOT NULL, instance TEXT NOT NULL,
	at INTEGER NOT NULL, -- Unix milliseconds; 0: at the next start
	PRIMARY KEY (binding, instance)) WITHOUT ROWID`

// openIndex opens the wake index of the data directory dir. If there is none, it creates one
// from what lost returns.
func openIndex(dir string, lost func() (map[lmz.Address]int64, error)) (*wakeIndex, error) {
	path := filepath.Join(dir, "index.db")
	if err := createFile(path); err != nil {
		return nil, err
	}
	conn, err := sqldb.Open(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	x := &wakeIndex{conn}
	if err := x.prepare(lost); err != nil {
		return nil, errors.Join(whyNoIndex(err), sqldb.Close(conn))
	}
	return x, nil
}

// prepare sets up the connection, and creates and fills the table atomically if it does not
// exist.
func (x *wakeIndex) prepare(lost func() (map[lmz.Address]int64, error)) (err error) {
	for _, pragma := range pragmas {
		if err := sqlitex.ExecuteTransient(x.conn, pragma, nil); err != nil {
			return err
		}
	}
	if made, err := sqldb.HasTable(x.conn, "lmz_wake"); made || err != nil {
		return err
	}
	stored, err := lost()
	if err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(x.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	if err := sqlitex.ExecuteTransient(x.conn, indexLayout, nil); err != nil {
		return err
	}
	return x.put(stored)
}

// whyNoIndex says what to do about an index that cannot be read.
func whyNoIndex(err error) error {
	if store.IsDamaged(err) {
		return errors.New("index.db is damaged: delete it, and the next start rebuilds it from the files of the objects")
	}
	return err
}

func (x *wakeIndex) Load() (map[lmz.Address]int64, error) {
	stored := make(map[lmz.Address]int64)
	err := sqlitex.Execute(x.conn, `SELECT binding, instance, at FROM lmz_wake`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			stored[lmz.At(row.ColumnText(0), row.ColumnText(1))] = row.ColumnInt64(2)
			return nil
		},
	})
	return stored, whyNoIndex(err)
}

func (x *wakeIndex) Write(changes map[lmz.Address]int64) (err error) {
	end, err := sqlitex.ImmediateTransaction(x.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	return x.put(changes)
}

// put writes changes within a transaction.
func (x *wakeIndex) put(changes map[lmz.Address]int64) error {
	for a, at := range changes {
		query := `INSERT OR REPLACE INTO lmz_wake (binding, instance, at) VALUES ($binding, $instance, $at)`
		named := map[string]any{"$binding": a.Binding, "$instance": a.Instance, "$at": at}
		if at == wake.Never {
			query = `DELETE FROM lmz_wake WHERE binding = $binding AND instance = $instance`
			delete(named, "$at")
		}
		if err := sqlitex.Execute(x.conn, query, &sqlitex.ExecOptions{Named: named}); err != nil {
			return err
		}
	}
	return nil
}

func (x *wakeIndex) Close() error { return sqldb.Close(x.conn) }

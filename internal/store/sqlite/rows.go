package object

import (
	"errors"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// errStop ends the reading of rows.
var errStop = errors.New("stop")

func (s *sqliteStore) row(key string) (value []byte, found bool, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, false, err
	}
	err = sqlitex.Execute(s.conn, `SELECT value FROM lmz_row WHERE key = $key`, &sqlitex.ExecOptions{
		Named: map[string]any{"$key": key},
		ResultFunc: func(r *sqlite.Stmt) error {
			value, found = blob(r, 0), true
			return nil
		},
	})
	return value, found, err
}

func (s *sqliteStore) rows(prefix string, limit int) (found []row, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, err
	}
	err = sqlitex.Execute(s.conn, `SELECT key, value FROM lmz_row WHERE key >= $prefix ORDER BY key`, &sqlitex.ExecOptions{
		Named: map[string]any{"$prefix": prefix},
		ResultFunc: func(r *sqlite.Stmt) error {
			key := r.ColumnText(0)
			if len(found) == limit || !strings.HasPrefix(key, prefix) {
				return errStop
			}
			found = append(found, row{key, blob(r, 1)})
			return nil
		},
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return found, err
}

func (s *sqliteStore) putRow(key string, value []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.write(`INSERT OR REPLACE INTO lmz_row (key, value) VALUES ($key, $value)`, map[string]any{"$key": key, "$value": value})
}

func (s *sqliteStore) deleteRow(key string) error {
	if ok, err := s.beginRead(); !ok || err != nil {
		return err
	}
	return s.write(`DELETE FROM lmz_row WHERE key = $key`, map[string]any{"$key": key})
}

func blob(r *sqlite.Stmt, column int) []byte {
	value := make([]byte, r.ColumnLen(column))
	r.ColumnBytes(column, value)
	return value
}

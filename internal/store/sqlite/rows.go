package sqlite

import (
	"errors"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// errStop stops reading rows early.
var errStop = errors.New("stop")

// Row implements [store.Store].
func (s *Store) Row(key string) (value []byte, found bool, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, false, err
	}
	err = sqlitex.Execute(s.tx.Conn, `SELECT value FROM lmz_row WHERE key = $key`, &sqlitex.ExecOptions{
		Named: map[string]any{"$key": key},
		ResultFunc: func(r *sqlite.Stmt) error {
			value, found = sqldb.Bytes(r, 0), true
			return nil
		},
	})
	return value, found, err
}

// Rows implements [store.Store].
func (s *Store) Rows(prefix string, limit int) (found []store.Row, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, err
	}
	err = sqlitex.Execute(s.tx.Conn, `SELECT key, value FROM lmz_row WHERE key >= $prefix ORDER BY key`, &sqlitex.ExecOptions{
		Named: map[string]any{"$prefix": prefix},
		ResultFunc: func(r *sqlite.Stmt) error {
			key := r.ColumnText(0)
			if len(found) == limit || !strings.HasPrefix(key, prefix) {
				return errStop
			}
			found = append(found, store.Row{Key: key, Value: sqldb.Bytes(r, 1)})
			return nil
		},
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return found, err
}

// PutRow implements [store.Store].
func (s *Store) PutRow(key string, value []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.write(`INSERT OR REPLACE INTO lmz_row (key, value) VALUES ($key, $value)`, map[string]any{"$key": key, "$value": value})
}

// DeleteRow implements [store.Store].
func (s *Store) DeleteRow(key string) error {
	if ok, err := s.beginRead(); !ok || err != nil {
		return err
	}
	return s.write(`DELETE FROM lmz_row WHERE key = $key`, map[string]any{"$key": key})
}

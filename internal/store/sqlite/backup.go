package sqlite

import (
	"context"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// copyLimit is how long a backup may hold the object's turn, and how long a restore may
// check and change the copy.
const copyLimit = 5 * time.Minute

// Inspect implements [store.Store].
func (s *Store) Inspect(ctx context.Context, query string, args []any) (table store.Result, err error) {
	err = s.withFile(func(t *sqldb.Tx) error {
		table, err = t.Inspect(ctx, query, args)
		return err
	})
	return table, err
}

// withFile runs f with the connection to the object's file, which must exist. A connection
// opened for f is not set up for the object's own code.
func (s *Store) withFile(f func(t *sqldb.Tx) error) error {
	s.hold()
	defer s.rest()
	if s.tx.Conn != nil {
		return f(&s.tx)
	}
	conn, err := openFile(s.path, s.of)
	if err != nil {
		return whyUnreadable(err)
	}
	t, err := sqldb.Authorized(conn)
	if err == nil {
		err = f(t)
	}
	if closing := t.Close(); err == nil {
		err = closing // joining would hide an err that may be shown
	}
	return err
}

// whyUnreadable returns what an administrator may see of the error of a file that cannot be
// opened.
func whyUnreadable(err error) error {
	if store.IsDamaged(err) {
		return lmz.Errorf("the object cannot be read: %s", store.Damaged)
	}
	return fmt.Errorf("the object cannot be read: %w", store.WithoutPath(err))
}

// Backup implements [store.Store]. The copy is an SQLite database.
func (s *Store) Backup(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists: a backup goes to a new file", path)
	}
	partial := path + ".partial"
	err := s.withFile(func(t *sqldb.Tx) error {
		if err := os.Remove(partial); err != nil && !os.IsNotExist(err) {
			return err // left behind by a killed backup
		}
		if err := createFile(partial); err != nil {
			return err
		}
		failpoint.Here("backup begun")
		defer t.Limit(copyLimit)()
		return sqlitex.ExecuteTransient(t.Conn, `VACUUM INTO $path`, &sqlitex.ExecOptions{Named: map[string]any{"$path": partial}})
	})
	if err == nil {
		err = syncFile(partial)
	}
	failpoint.Here("backup")
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		os.Remove(partial)
		return err
	}
	return syncParent(path)
}

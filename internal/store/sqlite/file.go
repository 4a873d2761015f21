package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// migrations bring a file to the current layout. Their number is in the file's
// user_version. Never change one that was released; append.
var migrations = []string{
	`CREATE TABLE lmz_identity (binding TEXT NOT NULL, instance TEXT NOT NULL);
	 CREATE TABLE lmz_kv (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL);`,
	`CREATE TABLE lmz_outcome (
		session BLOB NOT NULL, number INTEGER NOT NULL, caller TEXT NOT NULL,
		answered INTEGER NOT NULL, large INTEGER NOT NULL, failed TEXT NOT NULL, payload BLOB,
		expires INTEGER NOT NULL, -- Unix milliseconds
		PRIMARY KEY (session, number)) WITHOUT ROWID;
	 CREATE INDEX lmz_outcome_expires ON lmz_outcome (expires);
	 CREATE INDEX lmz_outcome_caller ON lmz_outcome (caller, expires);`,
	// The number of migrations applied to the object's own tables.
	`ALTER TABLE lmz_identity ADD COLUMN schema INTEGER NOT NULL DEFAULT 0`,
	`CREATE TABLE lmz_row (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL);`,
}

// openFile opens or creates the file of the object at a.
func openFile(path string, a lmz.Address) (*sqlite.Conn, error) {
	if err := createFile(path); err != nil {
		return nil, err
	}
	conn, err := sqldb.Open(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	// Only we hold the file for long; someone inspecting it with a tool must not hang the
	// object.
	conn.SetBusyTimeout(time.Second)
	if err := prepare(conn, a); err != nil {
		return nil, errors.Join(err, sqldb.Close(conn))
	}
	return conn, nil
}

// createFile creates an empty file that only its owner can read, which SQLite would not do.
// SQLite's side files inherit the mode.
func createFile(path string) error {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// prepare sets up the connection, migrates the file and checks its owner.
func prepare(conn *sqlite.Conn, a lmz.Address) error {
	for _, pragma := range pragmas {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	if err := migrate(conn, a); err != nil {
		return err
	}
	owner, err := ownerOn(conn)
	if err != nil {
		return err
	}
	if owner != a {
		return fmt.Errorf("the file belongs to another object, %q: it was moved or renamed", owner)
	}
	return nil
}

// migrate applies the missing migrations, and stores the object's identity with the first,
// all in one transaction.
func migrate(conn *sqlite.Conn, a lmz.Address) (err error) {
	var version int
	err = sqlitex.ExecuteTransient(conn, `PRAGMA user_version`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			version = row.ColumnInt(0)
			return nil
		},
	})
	switch {
	case err != nil:
		return err
	case version > len(migrations):
		return fmt.Errorf("the file has layout %d and this program knows up to %d: use a newer program", version, len(migrations))
	case version == len(migrations):
		return nil
	}
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for _, script := range migrations[version:] {
		if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
			return err
		}
	}
	if version == 0 {
		err := sqlitex.ExecuteTransient(conn, `INSERT INTO lmz_identity (binding, instance) VALUES ($binding, $instance)`,
			&sqlitex.ExecOptions{Named: map[string]any{"$binding": a.Binding, "$instance": a.Instance}})
		if err != nil {
			return err
		}
	}
	return sqlitex.ExecuteTransient(conn, fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations)), nil)
}

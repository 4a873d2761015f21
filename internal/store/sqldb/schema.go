package sqldb

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/store"
)

// Authorized returns a connection restricted to what the runtime's own statements may do,
// and that can be inspected.
func Authorized(conn *sqlite.Conn) (*Tx, error) {
	t := &Tx{Conn: conn}
	return t, conn.SetAuthorizer(&t.authorizer)
}

// Use sets up a newly opened connection: the durability of its commits, the restrictions on
// the object's own code, and the tables of that code. It reports whether it migrated these.
func (t *Tx) Use(k store.Options) (migrated bool, err error) {
	if k.Relaxed {
		if err := sqlitex.ExecuteTransient(t.Conn, `PRAGMA synchronous = NORMAL`, nil); err != nil {
			return false, err
		}
	}
	// Not SetDefensive: the library passes SQLite one argument of two, and SQLite writes
	// through whatever pointer is in place of the other. The authorizer refuses what
	// SetDefensive would.
	if err := t.Conn.SetAuthorizer(&t.authorizer); err != nil {
		return false, err
	}
	if migrated, err = t.migrateOwn(k.Schema); err != nil {
		return false, err
	}
	return migrated, sqlitex.ExecuteTransient(t.Conn, `PRAGMA foreign_keys = ON`, nil)
}

// migrateOwn applies the missing migrations of the object's own tables, in one transaction
// that is separate from any turn's. It reports whether there were any.
func (t *Tx) migrateOwn(schema []string) (migrated bool, err error) {
	version, err := ownVersion(t.Conn)
	switch {
	case err != nil:
		return false, err
	case version > len(schema):
		return false, lmz.Errorf("its data has schema version %d, and this program knows up to %d: run a newer program", version, len(schema))
	case version == len(schema):
		return false, nil
	}
	writes := t.writes
	defer func() { t.writes = writes }() // they do not belong to the turn
	end, err := sqlitex.ImmediateTransaction(t.Conn)
	if err != nil {
		return false, err
	}
	defer end(&err)
	defer t.Limit(MigrationLimit)()
	for i, script := range schema[version:] {
		if err := t.script(script); err != nil {
			return false, fmt.Errorf("schema version %d: %w", version+i+1, err)
		}
	}
	if err := checkForeignKeys(t.Conn); err != nil {
		return false, err
	}
	failpoint.Here("migration")
	return true, sqlitex.ExecuteTransient(t.Conn, `UPDATE lmz_identity SET schema = `+strconv.Itoa(len(schema)), nil)
}

// MigrationLimit is how long the migrations of an object's own tables may take: beyond it
// they are rolled back, and the object does not open.
var MigrationLimit = 5 * time.Minute

// Limit interrupts the statements of the connection after d, unless end is called first.
func (t *Tx) Limit(d time.Duration) (end func()) {
	over := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(over) })
	t.Conn.SetInterrupt(over)
	return func() {
		timer.Stop()
		t.Conn.SetInterrupt(nil)
	}
}

func ownVersion(conn *sqlite.Conn) (version int, err error) {
	err = sqlitex.ExecuteTransient(conn, `SELECT schema FROM lmz_identity`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			version = row.ColumnInt(0)
			return nil
		},
	})
	return version, err
}

// checkForeignKeys finds violations caused by migrations, which run with foreign keys off.
func checkForeignKeys(conn *sqlite.Conn) error {
	return sqlitex.ExecuteTransient(conn, `PRAGMA foreign_key_check`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			return errors.New("the migration leaves rows in " + row.ColumnText(0) + " whose foreign keys lead nowhere")
		},
	})
}

// script runs all statements of a query.
func (t *Tx) script(query string) error {
	for query != "" {
		s, rest, err := t.prepare(query, nil)
		if s == nil {
			return err
		}
		err = s.all()
		if err != nil {
			return err
		}
		query = rest
	}
	return nil
}

// all runs the statement to its end and closes it.
func (s *statement) all() error {
	defer s.close()
	for {
		if row, err := s.step(); !row || err != nil {
			return err
		}
	}
}

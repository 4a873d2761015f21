package object

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
)

// use makes a connection that has just been opened one of a kind: how durable it is,
// what the object's own code may do there, and the tables of that code. It reports whether
// it migrated these.
func (t *txn) use(k Kind) (migrated bool, err error) {
	if k.Relaxed {
		if err := sqlitex.ExecuteTransient(t.conn, `PRAGMA synchronous = NORMAL`, nil); err != nil {
			return false, err
		}
	}
	// Not SetDefensive: the library hands SQLite one argument of two, and SQLite writes
	// through whatever pointer it finds in place of the other. The guard refuses what that
	// would.
	if err := t.conn.SetAuthorizer(&t.guard); err != nil {
		return false, err
	}
	if migrated, err = t.migrateOwn(k.Schema); err != nil {
		return false, err
	}
	return migrated, sqlitex.ExecuteTransient(t.conn, `PRAGMA foreign_keys = ON`, nil)
}

// migrateOwn applies the migrations of the object's own tables that the file does not
// have yet, all in one transaction of its own, which is no part of any turn's. It reports
// whether there were any.
func (t *txn) migrateOwn(schema []string) (migrated bool, err error) {
	version, err := ownVersion(t.conn)
	switch {
	case err != nil:
		return false, err
	case version > len(schema):
		return false, lmz.Errorf("its data has schema version %d, and this program knows up to %d: run a newer program", version, len(schema))
	case version == len(schema):
		return false, nil
	}
	writes := t.writes
	defer func() { t.writes = writes }() // else a turn that writes nothing would seem to have something to commit
	end, err := sqlitex.ImmediateTransaction(t.conn)
	if err != nil {
		return false, err
	}
	defer end(&err)
	defer t.limit(migrationLimit)()
	for i, script := range schema[version:] {
		if err := t.script(script); err != nil {
			return false, fmt.Errorf("schema version %d: %w", version+i+1, err)
		}
	}
	if err := checkForeignKeys(t.conn); err != nil {
		return false, err
	}
	failpoint("migration")
	return true, sqlitex.ExecuteTransient(t.conn, `UPDATE lmz_identity SET schema = `+strconv.Itoa(len(schema)), nil)
}

// migrationLimit is how long the migrations of an object's own tables may take: beyond it
// they are undone, and the object does not open.
var migrationLimit = 5 * time.Minute

// limit interrupts the statements of the connection after some time, until the function
// that it returns is called.
func (t *txn) limit(d time.Duration) (end func()) {
	over := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(over) })
	t.conn.SetInterrupt(over)
	return func() {
		timer.Stop()
		t.conn.SetInterrupt(nil)
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

// checkForeignKeys finds what migrations, which run with foreign keys off, have broken.
func checkForeignKeys(conn *sqlite.Conn) error {
	return sqlitex.ExecuteTransient(conn, `PRAGMA foreign_key_check`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			return errors.New("the migration leaves rows in " + row.ColumnText(0) + " whose foreign keys lead nowhere")
		},
	})
}

// script runs all statements of a query.
func (t *txn) script(query string) error {
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

package object

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// exclusive says that one process and one connection ever use the file (the data directory
// is locked). Set before WAL, this spares the shared memory file and half of the time of a
// read.
const exclusive = "PRAGMA locking_mode = EXCLUSIVE"

// pragmas are set on every connection, in this order.
var pragmas = []string{
	exclusive,
	// A commit appends to one file and syncs it once; the other modes sync two or
	// three times.
	"PRAGMA journal_mode = WAL",
	// A commit returns when it is on disk: what was acknowledged survives a power
	// cut. NORMAL would survive only the death of the process.
	"PRAGMA synchronous = FULL",
	// On macOS fsync leaves data in the drive's cache, and this does not. Other
	// systems ignore it.
	"PRAGMA fullfsync = ON",
}

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
	// How many migrations of the object's own tables the file has.
	`ALTER TABLE lmz_identity ADD COLUMN schema INTEGER NOT NULL DEFAULT 0`,
	`CREATE TABLE lmz_row (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL);`,
}

// sqliteStore is a store in a SQLite file. The file is made by the first write:
// looking at an object that never wrote leaves no trace.
type sqliteStore struct {
	path string
	of   lmz.Address
	kind Kind
	txn

	files   *openFiles    // nil: not counted
	held    bool          // the turn uses the file; of whoever has the turn
	away    bool          // the file was closed while no turn used it; as conn
	rests   *list.Element // in openFiles.resting; guarded by its mu
	leaving chan struct{} // closed when the file is; nil unless it is being closed; guarded by the mu of openFiles
}

func (s *sqliteStore) get(key string) (value []byte, found bool, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, false, err
	}
	err = sqlitex.Execute(s.conn, `SELECT value FROM lmz_kv WHERE key = $key`, &sqlitex.ExecOptions{
		Named: map[string]any{"$key": key},
		ResultFunc: func(row *sqlite.Stmt) error {
			found = true
			value = make([]byte, row.ColumnLen(0))
			row.ColumnBytes(0, value)
			return nil
		},
	})
	return value, found, err
}

func (s *sqliteStore) put(key string, value []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.write(`INSERT INTO lmz_kv (key, value) VALUES ($key, $value)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value`,
		map[string]any{"$key": key, "$value": value})
}

func (s *sqliteStore) delete(key string) error {
	if ok, err := s.beginRead(); !ok || err != nil {
		return err
	}
	return s.write(`DELETE FROM lmz_kv WHERE key = $key`, map[string]any{"$key": key})
}

func (s *sqliteStore) write(query string, named map[string]any) error {
	if err := sqlitex.Execute(s.conn, query, &sqlitex.ExecOptions{Named: named}); err != nil {
		return err
	}
	s.writes += s.conn.Changes()
	return nil
}

func (s *sqliteStore) deleteAll() (n int, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return 0, err
	}
	err = s.write(`DELETE FROM lmz_kv`, nil)
	return s.conn.Changes(), err
}

func (s *sqliteStore) entries(r Range) (entries []Entry, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, err
	}
	// Texts compare by their bytes, so a prefix is a range too.
	query, named := `SELECT key, value FROM lmz_kv WHERE key >= $start`, map[string]any{"$start": max(r.Prefix, r.Start)}
	if end := r.end(); end != "" {
		query, named["$end"] = query+` AND key < $end`, end
	}
	query += ` ORDER BY key`
	if r.Reverse {
		query += ` DESC`
	}
	if r.Limit > 0 {
		query, named["$limit"] = query+` LIMIT $limit`, r.Limit
	}
	size := 0
	err = sqlitex.Execute(s.conn, query, &sqlitex.ExecOptions{
		Named: named,
		ResultFunc: func(row *sqlite.Stmt) error {
			entries = append(entries, Entry{row.ColumnText(0), columnBytes(row, 1)})
			if size += row.ColumnLen(1); r.Bytes > 0 && size >= r.Bytes {
				return errEnough
			}
			return nil
		},
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return entries, err
}

// errEnough ends a query whose further rows nobody wants.
var errEnough = errors.New("enough")

func (s *sqliteStore) outcome(id proto.CallID) (kept outcome, found bool, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return kept, false, err
	}
	err = sqlitex.Execute(s.conn, `SELECT caller, answered, large, failed, payload FROM lmz_outcome
		WHERE session = $session AND number = $number`, &sqlitex.ExecOptions{
		Named: callKey(id),
		ResultFunc: func(row *sqlite.Stmt) error {
			found = true
			kept.id, kept.caller = id, row.ColumnText(0)
			kept.answered, kept.large = row.ColumnBool(1), row.ColumnBool(2)
			kept.answer.Failed = lmz.Code(row.ColumnText(3))
			kept.answer.Payload = make([]byte, row.ColumnLen(4))
			row.ColumnBytes(4, kept.answer.Payload)
			return nil
		},
	})
	return kept, found, err
}

func callKey(id proto.CallID) map[string]any {
	return map[string]any{"$session": id.Session[:], "$number": int64(id.Number)}
}

func (s *sqliteStore) keep(kept outcome, acknowledged []proto.CallID, now time.Time) error {
	if err := s.begin(); err != nil {
		return err
	}
	for _, id := range acknowledged {
		if err := s.write(`DELETE FROM lmz_outcome WHERE session = $session AND number = $number`, callKey(id)); err != nil {
			return err
		}
	}
	err := s.write(`DELETE FROM lmz_outcome WHERE expires < $now`, map[string]any{"$now": now.UnixMilli()})
	if err != nil {
		return err
	}
	if kept.id.Number%pruneEvery == 0 && !kept.lasting {
		if err := s.prune(kept.caller); err != nil {
			return err
		}
	}
	row := callKey(kept.id)
	row["$caller"], row["$answered"], row["$large"] = kept.caller, kept.answered, kept.large
	row["$failed"], row["$payload"], row["$expires"] = string(kept.answer.Failed), kept.answer.Payload, kept.expires.UnixMilli()
	return s.write(`INSERT OR REPLACE INTO lmz_outcome (session, number, caller, answered, large, failed, payload, expires)
		VALUES ($session, $number, $caller, $answered, $large, $failed, $payload, $expires)`, row)
}

// prune drops the oldest outcomes of a caller that has more than any honest one: a
// session has at most 256 calls in flight (PROTOCOL.md, "Limits").
func (s *sqliteStore) prune(caller string) error {
	return s.write(`DELETE FROM lmz_outcome WHERE (session, number) IN (
		SELECT session, number FROM lmz_outcome WHERE caller = $caller ORDER BY expires DESC LIMIT -1 OFFSET $kept)`,
		map[string]any{"$caller": caller, "$kept": maxOutcomes})
}

// How many outcomes of one caller an object keeps, and after how many calls it looks.
const (
	maxOutcomes = 512
	pruneEvery  = 64
)

// beginRead is begin for access that changes nothing where there is no file: it
// reports false then.
func (s *sqliteStore) beginRead() (bool, error) {
	s.hold()
	if s.conn == nil {
		if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
	}
	return true, s.begin()
}

// begin opens the file, and gives the turn its transaction, or a savepoint in that of
// the turns before it.
func (s *sqliteStore) begin() error {
	s.hold()
	if s.conn == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	return s.txn.begin()
}

func (s *sqliteStore) beginPart() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.txn.beginPart()
}

func (s *sqliteStore) tables() (*txn, error) { return &s.txn, s.begin() }

// size opens a file that was closed meanwhile.
func (s *sqliteStore) size() (int64, error) {
	if s.hold(); s.away {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	return s.txn.size()
}

func (s *sqliteStore) commit() (wrote bool, err error) {
	defer s.rest()
	return s.txn.commit()
}

func (s *sqliteStore) undo() error {
	defer s.rest()
	return s.txn.undo()
}

func (s *sqliteStore) rollback() error {
	defer s.rest()
	return s.txn.rollback()
}

func (s *sqliteStore) close() error {
	s.hold()
	defer func() { s.held = false }()
	if s.conn != nil && s.files != nil {
		defer s.files.give()
	}
	return s.txn.close()
}

func (s *sqliteStore) ready() error {
	s.hold()
	if _, err := os.Stat(s.path); s.conn != nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.open()
}

func (s *sqliteStore) open() error {
	conn, err := s.openRoom()
	if err != nil {
		return err
	}
	s.conn, s.away = conn, false
	_, err = s.use(s.kind)
	if err != nil {
		s.close()
	}
	return err
}

// openSQLite opens or makes the file of the object at a.
func openSQLite(path string, a lmz.Address) (*sqlite.Conn, error) {
	if err := createFile(path); err != nil {
		return nil, err
	}
	conn, err := openConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	// Nobody has the file for long but us; somebody who looks into it with a tool
	// must not hang the object.
	conn.SetBusyTimeout(time.Second)
	if err := prepare(conn, a); err != nil {
		return nil, errors.Join(err, closeConn(conn))
	}
	return conn, nil
}

// createFile makes an empty file that only its owner can read, which SQLite would
// not: its side files take the mode from this one.
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

// prepare sets the connection up, migrates the file and checks whose it is.
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

// migrate applies the migrations that the file does not have yet, and stores its
// identity with the first, all in one transaction.
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

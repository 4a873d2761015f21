package sqlite

import (
	"container/list"
	"errors"
	"io/fs"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// Store is a [store.Store] in an SQLite file. The first write creates the file: reading an
// object that never wrote leaves no trace.
type Store struct {
	path string
	of   lmz.Address
	kind store.Options
	tx   sqldb.Tx

	files   *openFiles    // nil if not limited
	held    bool          // the turn uses the file; accessed only with the turn
	away    bool          // the file was closed while no turn used it; guarded like conn
	rests   *list.Element // in openFiles.resting; guarded by its mu
	leaving chan struct{} // closed when the file is; nil unless it is being closed; guarded like rests
}

// Get implements [store.Store].
func (s *Store) Get(key string) (value []byte, found bool, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, false, err
	}
	err = sqlitex.Execute(s.tx.Conn, `SELECT value FROM lmz_kv WHERE key = $key`, &sqlitex.ExecOptions{
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

// Put implements [store.Store].
func (s *Store) Put(key string, value []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.write(`INSERT INTO lmz_kv (key, value) VALUES ($key, $value)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value`,
		map[string]any{"$key": key, "$value": value})
}

// Delete implements [store.Store].
func (s *Store) Delete(key string) error {
	if ok, err := s.beginRead(); !ok || err != nil {
		return err
	}
	return s.write(`DELETE FROM lmz_kv WHERE key = $key`, map[string]any{"$key": key})
}

func (s *Store) write(query string, named map[string]any) error {
	if err := sqlitex.Execute(s.tx.Conn, query, &sqlitex.ExecOptions{Named: named}); err != nil {
		return err
	}
	s.tx.Wrote(s.tx.Conn.Changes())
	return nil
}

// DeleteAll implements [store.Store].
func (s *Store) DeleteAll() (n int, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return 0, err
	}
	err = s.write(`DELETE FROM lmz_kv`, nil)
	return s.tx.Conn.Changes(), err
}

// Entries implements [store.Store].
func (s *Store) Entries(r store.Range) (entries []store.Entry, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return nil, err
	}
	// Texts compare by their bytes, so a prefix is also a range.
	query, named := `SELECT key, value FROM lmz_kv WHERE key >= $start`, map[string]any{"$start": max(r.Prefix, r.Start)}
	if end := r.Before(); end != "" {
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
	err = sqlitex.Execute(s.tx.Conn, query, &sqlitex.ExecOptions{
		Named: named,
		ResultFunc: func(row *sqlite.Stmt) error {
			entries = append(entries, store.Entry{Key: row.ColumnText(0), Value: sqldb.Bytes(row, 1)})
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

// errEnough ends a query early.
var errEnough = errors.New("enough")

// Outcome implements [store.Store].
func (s *Store) Outcome(id proto.CallID) (kept store.Outcome, found bool, err error) {
	if ok, err := s.beginRead(); !ok || err != nil {
		return kept, false, err
	}
	err = sqlitex.Execute(s.tx.Conn, `SELECT caller, answered, large, failed, payload FROM lmz_outcome
		WHERE session = $session AND number = $number`, &sqlitex.ExecOptions{
		Named: callKey(id),
		ResultFunc: func(row *sqlite.Stmt) error {
			found = true
			kept.ID, kept.Caller = id, row.ColumnText(0)
			kept.Answered, kept.Large = row.ColumnBool(1), row.ColumnBool(2)
			kept.Answer.Failed = lmz.Code(row.ColumnText(3))
			kept.Answer.Payload = make([]byte, row.ColumnLen(4))
			row.ColumnBytes(4, kept.Answer.Payload)
			return nil
		},
	})
	return kept, found, err
}

func callKey(id proto.CallID) map[string]any {
	return map[string]any{"$session": id.Session[:], "$number": int64(id.Number)}
}

// Keep implements [store.Store].
func (s *Store) Keep(kept store.Outcome, acknowledged []proto.CallID, now time.Time) error {
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
	if kept.ID.Number%pruneEvery == 0 && !kept.Lasting {
		if err := s.prune(kept.Caller); err != nil {
			return err
		}
	}
	row := callKey(kept.ID)
	row["$caller"], row["$answered"], row["$large"] = kept.Caller, kept.Answered, kept.Large
	row["$failed"], row["$payload"], row["$expires"] = string(kept.Answer.Failed), kept.Answer.Payload, kept.Expires.UnixMilli()
	return s.write(`INSERT OR REPLACE INTO lmz_outcome (session, number, caller, answered, large, failed, payload, expires)
		VALUES ($session, $number, $caller, $answered, $large, $failed, $payload, $expires)`, row)
}

// prune drops the oldest outcomes of a caller that has more than an honest one can have: a
// session has at most 256 calls in flight (PROTOCOL.md, "Limits").
func (s *Store) prune(caller string) error {
	return s.write(`DELETE FROM lmz_outcome WHERE (session, number) IN (
		SELECT session, number FROM lmz_outcome WHERE caller = $caller ORDER BY expires DESC LIMIT -1 OFFSET $kept)`,
		map[string]any{"$caller": caller, "$kept": maxOutcomes})
}

// How many outcomes of one caller an object keeps, and after how many calls it prunes.
const (
	maxOutcomes = 512
	pruneEvery  = 64
)

// beginRead is begin for access that needs no file to exist: it reports whether there is
// one.
func (s *Store) beginRead() (bool, error) {
	s.hold()
	if s.tx.Conn == nil {
		if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
	}
	return true, s.begin()
}

// begin opens the file, and begins the turn's transaction, or a savepoint in that of earlier
// turns.
func (s *Store) begin() error {
	s.hold()
	if s.tx.Conn == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	return s.tx.Begin()
}

// BeginPart implements [store.Store].
func (s *Store) BeginPart() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.tx.BeginPart()
}

// Tables implements [store.Store].
func (s *Store) Tables() (store.Tables, error) { return &s.tx, s.begin() }

// size opens a file that was closed meanwhile.
func (s *Store) Size() (int64, error) {
	if s.hold(); s.away {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	return s.tx.Size()
}

// Commit implements [store.Store]. COMMIT waits for the disk.
func (s *Store) Commit(durable func(error)) (wrote bool, err error) {
	wrote, err = s.tx.Commit()
	s.rest()
	if wrote && err == nil {
		durable(nil)
	}
	return wrote, err
}

// Mark implements [store.Store].
func (s *Store) Mark() { s.tx.Mark() }

// EndPart implements [store.Store].
func (s *Store) EndPart(undo bool) error { return s.tx.EndPart(undo) }

// Changed implements [store.Store].
func (s *Store) Changed() bool { return s.tx.Changed() }

// Dirty implements [store.Store].
func (s *Store) Dirty() bool { return s.tx.Dirty() }

// Undo implements [store.Store].
func (s *Store) Undo() error {
	defer s.rest()
	return s.tx.Undo()
}

// Rollback implements [store.Store].
func (s *Store) Rollback() error {
	defer s.rest()
	return s.tx.Rollback()
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.hold()
	defer func() { s.held = false }()
	if s.tx.Conn != nil && s.files != nil {
		defer s.files.give()
	}
	return s.tx.Close()
}

// Ready implements [store.Store].
func (s *Store) Ready() error {
	s.hold()
	if _, err := os.Stat(s.path); s.tx.Conn != nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.open()
}

func (s *Store) open() error {
	conn, err := s.openRoom()
	if err != nil {
		return err
	}
	s.tx.Conn, s.away = conn, false
	_, err = s.tx.Use(s.kind)
	if err != nil {
		s.Close()
	}
	return err
}

package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// Store is a [store.Store] on a disk in memory.
type Store struct {
	disk       *Disk
	generation int
	of         lmz.Address
	kind       store.Options
	open       *commit // nil if nothing was written since the last commit
	marked     *commit // what open was when the turn began
	writes     int     // in the transaction
	before     int     // in the transaction before the turn
	parts      []part
	sql        sqldb.Tx // on a database in memory; each commit has a copy of it
}

// part is the state before a part of the turn.
type part struct {
	open   *commit
	writes int
	sql    bool // the part has also begun in sql
}

// read lets f read the durable state; its argument is nil if the object never wrote.
func (s *Store) read(f func(*file)) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.disk.generation != s.generation {
		return errCrashed
	}
	file := s.disk.files[s.of]
	if file != nil && file.owner != s.of {
		return fmt.Errorf("the file belongs to another object, %q: it was moved or renamed", file.owner)
	}
	f(file)
	return nil
}

func (s *Store) begin() *commit {
	if s.open == nil {
		s.open = &commit{of: s.of, kv: make(map[string][]byte), rows: make(map[string][]byte), outcomes: make(map[proto.CallID]*store.Outcome)}
	}
	return s.open
}

// Get implements [store.Store].
func (s *Store) Get(key string) (value []byte, found bool, err error) {
	err = s.read(func(f *file) {
		if f != nil {
			value, found = f.kv[key]
		}
	})
	if s.open != nil {
		if written, ok := s.open.kv[key]; ok {
			value, found = written, written != nil
		}
	}
	return bytes.Clone(value), found, err
}

// Put implements [store.Store].
func (s *Store) Put(key string, value []byte) error {
	old, found, err := s.Get(key)
	if err != nil || found && bytes.Equal(old, value) {
		return err
	}
	s.begin().kv[key] = append([]byte{}, value...) // never nil
	s.writes++
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(key string) error {
	_, found, err := s.Get(key)
	if found && err == nil {
		s.begin().kv[key] = nil
		s.writes++
	}
	return err
}

// DeleteAll implements [store.Store].
func (s *Store) DeleteAll() (n int, err error) {
	entries, err := s.Entries(store.Range{})
	for _, e := range entries {
		s.begin().kv[e.Key] = nil
		s.writes++
	}
	return len(entries), err
}

// Entries implements [store.Store].
func (s *Store) Entries(r store.Range) (entries []store.Entry, err error) {
	all := make(map[string][]byte)
	err = s.read(func(f *file) {
		if f != nil {
			maps.Copy(all, f.kv)
		}
	})
	if s.open != nil {
		maps.Copy(all, s.open.kv)
	}
	for key, value := range all {
		if value != nil && strings.HasPrefix(key, r.Prefix) && key >= r.Start && (r.End == "" || key < r.End) {
			entries = append(entries, store.Entry{Key: key, Value: bytes.Clone(value)})
		}
	}
	slices.SortFunc(entries, func(a, b store.Entry) int { return strings.Compare(a.Key, b.Key) })
	if r.Reverse {
		slices.Reverse(entries)
	}
	if r.Limit > 0 && len(entries) > r.Limit {
		entries = entries[:r.Limit]
	}
	for i, size := 0, 0; r.Bytes > 0 && i < len(entries); i++ {
		if size += len(entries[i].Value); size >= r.Bytes {
			entries = entries[:i+1]
		}
	}
	return entries, err
}

// Outcome implements [store.Store].
func (s *Store) Outcome(id proto.CallID) (kept store.Outcome, found bool, err error) {
	err = s.read(func(f *file) {
		if f != nil {
			kept, found = f.outcomes[id]
		}
	})
	if s.open == nil {
		return kept, found, err
	}
	if found && kept.Expires.Before(s.open.expired) {
		kept, found = store.Outcome{}, false
	}
	if written, ok := s.open.outcomes[id]; ok {
		if found = written != nil; found {
			kept = *written
		}
	}
	return kept, found, err
}

// Keep implements [store.Store].
func (s *Store) Keep(kept store.Outcome, acknowledged []proto.CallID, now time.Time) error {
	if err := s.read(func(*file) {}); err != nil {
		return err
	}
	c := s.begin()
	for _, id := range acknowledged {
		c.outcomes[id] = nil
	}
	c.expired = now
	kept.Answer.Payload = bytes.Clone(kept.Answer.Payload)
	c.outcomes[kept.ID] = &kept
	s.writes++
	return nil
}

// Mark implements [store.Store].
func (s *Store) Mark() {
	s.marked, s.before, s.parts = s.open.clone(), s.writes, s.parts[:0]
	s.sql.Mark()
}

// clone returns a copy independent of c.
func (c *commit) clone() *commit {
	if c == nil {
		return nil
	}
	copied := *c
	copied.kv, copied.rows, copied.outcomes = maps.Clone(c.kv), maps.Clone(c.rows), maps.Clone(c.outcomes)
	return &copied
}

// Undo implements [store.Store].
func (s *Store) Undo() error {
	s.open, s.writes, s.parts = s.marked.clone(), s.before, s.parts[:0]
	return s.sql.Undo()
}

// BeginPart implements [store.Store].
func (s *Store) BeginPart() error {
	s.parts = append(s.parts, part{s.open.clone(), s.writes, s.sql.Begun()})
	if s.sql.Begun() {
		return s.sql.BeginPart()
	}
	return s.read(func(*file) {})
}

// EndPart implements [store.Store].
func (s *Store) EndPart(undo bool) error {
	last := len(s.parts) - 1
	part := s.parts[last]
	s.parts = s.parts[:last]
	if undo {
		s.open, s.writes = part.open, part.writes
	}
	switch {
	case part.sql:
		return s.sql.EndPart(undo)
	case undo:
		return s.sql.Undo()
	}
	return nil
}

// Ready implements [store.Store].
func (s *Store) Ready() error {
	stored := false
	err := s.read(func(f *file) { stored = f != nil })
	if !stored || err != nil || len(s.kind.Schema) == 0 || s.sql.Conn != nil {
		return err
	}
	return s.openTables()
}

// Tables implements [store.Store].
func (s *Store) Tables() (store.Tables, error) {
	if s.sql.Conn == nil {
		if err := s.openTables(); err != nil {
			return &s.sql, err
		}
	}
	return &s.sql, s.sql.Begin()
}

// openTables opens a copy of the durable tables, or new ones. Migrations become durable at
// once if the object has stored something, else with the first commit.
func (s *Store) openTables() error {
	var exists bool
	var stored []byte
	if err := s.read(func(f *file) {
		if f != nil {
			exists, stored = true, f.tables
		}
	}); err != nil {
		return err
	}
	conn, err := sqldb.Open(":memory:", sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	s.sql.Conn = conn
	if stored != nil {
		err = conn.Deserialize("main", stored)
	} else {
		err = sqlitex.ExecuteScript(conn, `CREATE TABLE lmz_identity (schema INTEGER); INSERT INTO lmz_identity VALUES (0);`, nil)
	}
	var migrated bool
	if err == nil {
		migrated, err = s.sql.Use(s.kind)
	}
	if migrated && exists && err == nil {
		err = s.keepTables()
	}
	if err != nil {
		return errors.Join(err, s.sql.Close())
	}
	return nil
}

// keepTables makes the tables durable, and nothing else.
func (s *Store) keepTables() error {
	tables, err := s.sql.Conn.Serialize("main")
	if err != nil {
		return err
	}
	return s.disk.sync(s.generation, &commit{of: s.of, tables: tables}, s.kind.Relaxed)
}

// Size implements [store.Store].
func (s *Store) Size() (n int64, err error) {
	err = s.read(func(f *file) {
		if f == nil {
			f = new(file)
		}
		c := s.open
		if c == nil {
			c = new(commit)
		}
		n = bytesOf(f.kv, c.kv) + bytesOf(f.rows, c.rows)
		for _, kept := range f.outcomes {
			n += int64(len(kept.Answer.Payload))
		}
	})
	tables, errTables := s.sql.Size()
	return (n+sqldb.PageSize-1)/sqldb.PageSize*sqldb.PageSize + tables, errors.Join(err, errTables)
}

// bytesOf returns the size of stored after the writes in written.
func bytesOf(stored, written map[string][]byte) (n int64) {
	for key, value := range stored {
		if _, ok := written[key]; !ok {
			n += int64(len(key) + len(value))
		}
	}
	for key, value := range written {
		if value != nil {
			n += int64(len(key) + len(value))
		}
	}
	return n
}

// Changed implements [store.Store].
func (s *Store) Changed() bool { return s.writes > s.before || s.sql.Changed() }

// Dirty implements [store.Store].
func (s *Store) Dirty() bool { return s.writes > 0 || s.sql.Dirty() }

// Commit implements [store.Store]. It waits for the disk.
func (s *Store) Commit(durable func(error)) (wrote bool, err error) {
	if err := s.read(func(*file) {}); err != nil || !s.Dirty() { // fails after a crash
		return false, errors.Join(err, s.sql.Rollback())
	}
	wroteSQL, err := s.sql.Commit()
	if wroteSQL {
		s.begin().tables, err = s.sql.Conn.Serialize("main")
	}
	if err == nil {
		err = s.disk.sync(s.generation, s.open, s.kind.Relaxed)
	}
	if err != nil {
		return false, err
	}
	err = s.Rollback()
	durable(nil)
	return true, err
}

// Rollback implements [store.Store].
func (s *Store) Rollback() error {
	s.open, s.marked, s.writes, s.before, s.parts = nil, nil, 0, 0, nil
	return s.sql.Rollback()
}

// Close implements [store.Store].
func (s *Store) Close() error { return errors.Join(s.Rollback(), s.sql.Close()) }

// Rest implements [store.Store].
func (s *Store) Rest() error { return nil }

// Hold implements [store.Store].
func (s *Store) Hold() {}

// Inspect implements [store.Store].
func (s *Store) Inspect(context.Context, string, []any) (store.Result, error) {
	return store.Result{}, store.ErrNoFiles
}

// Backup implements [store.Store].
func (s *Store) Backup(string) error { return store.ErrNoFiles }

package object

import (
	"bytes"
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
)

// memStore is a store on a disk in memory.
type memStore struct {
	disk       *MemoryDisk
	generation int
	of         lmz.Address
	kind       Kind
	open       *memCommit // nil when nothing was written since the last commit
	marked     *memCommit // what open was when the turn began
	writes     int        // in the transaction
	before     int        // in the transaction before the turn
	parts      []memPart
	sql        txn // on a database in memory, of which each commit has a copy
}

// memPart is what there was before a part of the turn.
type memPart struct {
	open   *memCommit
	writes int
	sql    bool // the part is one of sql as well
}

// read lets f read what is durable; its argument is nil if the object never wrote.
func (s *memStore) read(f func(*memFile)) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.disk.generation != s.generation {
		return errCrashed
	}
	file := s.disk.files[filePath("", s.of)]
	if file != nil && file.owner != s.of {
		return fmt.Errorf("the file belongs to another object, %q: it was moved or renamed", file.owner)
	}
	f(file)
	return nil
}

func (s *memStore) begin() *memCommit {
	if s.open == nil {
		s.open = &memCommit{of: s.of, kv: make(map[string][]byte), rows: make(map[string][]byte), outcomes: make(map[proto.CallID]*outcome)}
	}
	return s.open
}

func (s *memStore) get(key string) (value []byte, found bool, err error) {
	err = s.read(func(f *memFile) {
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

func (s *memStore) put(key string, value []byte) error {
	old, found, err := s.get(key)
	if err != nil || found && bytes.Equal(old, value) {
		return err
	}
	s.begin().kv[key] = append([]byte{}, value...) // never nil
	s.writes++
	return nil
}

func (s *memStore) delete(key string) error {
	_, found, err := s.get(key)
	if found && err == nil {
		s.begin().kv[key] = nil
		s.writes++
	}
	return err
}

func (s *memStore) deleteAll() (n int, err error) {
	entries, err := s.entries(Range{})
	for _, e := range entries {
		s.begin().kv[e.Key] = nil
		s.writes++
	}
	return len(entries), err
}

func (s *memStore) entries(r Range) (entries []Entry, err error) {
	all := make(map[string][]byte)
	err = s.read(func(f *memFile) {
		if f != nil {
			maps.Copy(all, f.kv)
		}
	})
	if s.open != nil {
		maps.Copy(all, s.open.kv)
	}
	for key, value := range all {
		if value != nil && strings.HasPrefix(key, r.Prefix) && key >= r.Start && (r.End == "" || key < r.End) {
			entries = append(entries, Entry{key, bytes.Clone(value)})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	if r.Reverse {
		slices.Reverse(entries)
	}
	if r.Limit > 0 && len(entries) > r.Limit {
		entries = entries[:r.Limit]
	}
	for i, size := 0, 0; r.Bytes > 0 && i < len(entries); i++ {
		if size += len(entries[i].value); size >= r.Bytes {
			entries = entries[:i+1]
		}
	}
	return entries, err
}

func (s *memStore) outcome(id proto.CallID) (kept outcome, found bool, err error) {
	err = s.read(func(f *memFile) {
		if f != nil {
			kept, found = f.outcomes[id]
		}
	})
	if s.open == nil {
		return kept, found, err
	}
	if found && kept.expires.Before(s.open.expired) {
		kept, found = outcome{}, false
	}
	if written, ok := s.open.outcomes[id]; ok {
		if found = written != nil; found {
			kept = *written
		}
	}
	return kept, found, err
}

func (s *memStore) keep(kept outcome, acknowledged []proto.CallID, now time.Time) error {
	if err := s.read(func(*memFile) {}); err != nil {
		return err
	}
	c := s.begin()
	for _, id := range acknowledged {
		c.outcomes[id] = nil
	}
	c.expired = now
	kept.answer.Payload = bytes.Clone(kept.answer.Payload)
	c.outcomes[kept.id] = &kept
	s.writes++
	return nil
}

func (s *memStore) mark() {
	s.marked, s.before, s.parts = s.open.clone(), s.writes, s.parts[:0]
	s.sql.mark()
}

// clone returns a copy that is not changed with c.
func (c *memCommit) clone() *memCommit {
	if c == nil {
		return nil
	}
	copied := *c
	copied.kv, copied.rows, copied.outcomes = maps.Clone(c.kv), maps.Clone(c.rows), maps.Clone(c.outcomes)
	return &copied
}

func (s *memStore) undo() error {
	s.open, s.writes, s.parts = s.marked.clone(), s.before, s.parts[:0]
	return s.sql.undo()
}

func (s *memStore) beginPart() error {
	s.parts = append(s.parts, memPart{s.open.clone(), s.writes, s.sql.begun})
	if s.sql.begun {
		return s.sql.beginPart()
	}
	return s.read(func(*memFile) {})
}

func (s *memStore) endPart(undo bool) error {
	last := len(s.parts) - 1
	part := s.parts[last]
	s.parts = s.parts[:last]
	if undo {
		s.open, s.writes = part.open, part.writes
	}
	switch {
	case part.sql:
		return s.sql.endPart(undo)
	case undo:
		return s.sql.undo()
	}
	return nil
}

func (s *memStore) ready() error {
	stored := false
	err := s.read(func(f *memFile) { stored = f != nil })
	if !stored || err != nil || len(s.kind.Schema) == 0 || s.sql.conn != nil {
		return err
	}
	return s.openTables()
}

func (s *memStore) tables() (*txn, error) {
	if s.sql.conn == nil {
		if err := s.openTables(); err != nil {
			return &s.sql, err
		}
	}
	return &s.sql, s.sql.begin()
}

// openTables makes a copy of the tables that are durable, or new ones. What it migrates is
// durable at once if the object has stored something, and else with the first commit.
func (s *memStore) openTables() error {
	var file bool
	var stored []byte
	if err := s.read(func(f *memFile) {
		if f != nil {
			file, stored = true, f.tables
		}
	}); err != nil {
		return err
	}
	conn, err := openConn(":memory:", sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	s.sql.conn = conn
	if stored != nil {
		err = conn.Deserialize("main", stored)
	} else {
		err = sqlitex.ExecuteScript(conn, `CREATE TABLE lmz_identity (schema INTEGER); INSERT INTO lmz_identity VALUES (0);`, nil)
	}
	var migrated bool
	if err == nil {
		migrated, err = s.sql.use(s.kind)
	}
	if migrated && file && err == nil {
		err = s.keepTables()
	}
	if err != nil {
		return errors.Join(err, s.sql.close())
	}
	return nil
}

// keepTables makes the tables durable, and nothing else.
func (s *memStore) keepTables() error {
	tables, err := s.sql.conn.Serialize("main")
	if err != nil {
		return err
	}
	return s.disk.sync(s.generation, &memCommit{of: s.of, tables: tables}, s.kind.Relaxed)
}

func (s *memStore) size() (n int64, err error) {
	err = s.read(func(f *memFile) {
		if f == nil {
			f = new(memFile)
		}
		c := s.open
		if c == nil {
			c = new(memCommit)
		}
		n = bytesOf(f.kv, c.kv) + bytesOf(f.rows, c.rows)
		for _, kept := range f.outcomes {
			n += int64(len(kept.answer.Payload))
		}
	})
	tables, errTables := s.sql.size()
	return (n+pageSize-1)/pageSize*pageSize + tables, errors.Join(err, errTables)
}

// bytesOf is how many bytes there are of what is stored and was written since.
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

func (s *memStore) changed() bool { return s.writes > s.before || s.sql.changed() }

func (s *memStore) dirty() bool { return s.writes > 0 || s.sql.dirty() }

func (s *memStore) commit() (wrote bool, err error) {
	if err := s.read(func(*memFile) {}); err != nil || !s.dirty() { // the dead do not go on
		return false, errors.Join(err, s.sql.rollback())
	}
	wroteSQL, err := s.sql.commit()
	if wroteSQL {
		s.begin().tables, err = s.sql.conn.Serialize("main")
	}
	if err == nil {
		err = s.disk.sync(s.generation, s.open, s.kind.Relaxed)
	}
	if err != nil {
		return false, err
	}
	return true, s.rollback()
}

func (s *memStore) rollback() error {
	s.open, s.marked, s.writes, s.before, s.parts = nil, nil, 0, 0, nil
	return s.sql.rollback()
}

func (s *memStore) close() error { return errors.Join(s.rollback(), s.sql.close()) }

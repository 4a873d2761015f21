package object

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// MemoryDisk is a data directory in memory that can crash, for tests; package
// meshtest has a mesh on one. The zero value is an empty disk on which a commit is
// durable at once. Set its fields before its first use. Its methods may be called
// from any goroutine.
type MemoryDisk struct {
	// Latency is how long a commit of the object takes to become durable; nil means no
	// time. It is slept, in virtual time in a bubble of testing/synctest.
	Latency func(lmz.Address) time.Duration

	// Survives is asked for each commit that was on its way to the disk at a crash:
	// true means it got there. Nil means none did. It is called with the disk locked.
	Survives func() bool

	mu         sync.Mutex // guards the following fields
	files      map[string]*memFile
	unsynced   []*memCommit
	generation int // counts crashes: who has an older one is dead
	inUse      bool
}

// memFile is what is durable of one object.
type memFile struct {
	owner    lmz.Address
	kv       map[string][]byte
	outcomes map[proto.CallID]outcome
}

// memCommit is a transaction: what it puts, and deletes where there is nil.
type memCommit struct {
	of       lmz.Address
	kv       map[string][]byte
	outcomes map[proto.CallID]*outcome
	expired  time.Time // outcomes that expire before are dropped
}

var errCrashed = errors.New("the disk has crashed")

// OpenMemory is [Open] on a disk in memory.
func OpenMemory(disk *MemoryDisk, mesh proto.Node, log *slog.Logger) (*Runtime, error) {
	disk.mu.Lock()
	defer disk.mu.Unlock()
	if disk.inUse {
		return nil, fmt.Errorf("%w: another gateway runs on this memory", ErrInUse)
	}
	disk.inUse = true
	generation := disk.generation
	open := func(a lmz.Address) store { return &memStore{disk: disk, generation: generation, of: a} }
	return newRuntime(mesh, log, &memLock{disk, generation}, open), nil
}

// memLock is the right to use a disk until the next crash.
type memLock struct {
	disk       *MemoryDisk
	generation int
}

// Close gives the disk back.
func (l *memLock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.generation == l.disk.generation {
		l.disk.inUse = false
	}
	return nil
}

// Crash is the death of the process that uses the disk: commits that were on their
// way are lost, unless they survive, and the runtime that made them can neither read
// nor write any more. Another one can be opened then.
func (d *MemoryDisk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.unsynced {
		if d.Survives != nil && d.Survives() {
			d.apply(c)
		}
	}
	d.unsynced, d.inUse = nil, false
	d.generation++
}

// apply makes a commit durable. d.mu is held.
func (d *MemoryDisk) apply(c *memCommit) {
	path := filePath("", c.of)
	f := d.files[path]
	if f == nil {
		f = &memFile{owner: c.of, kv: make(map[string][]byte), outcomes: make(map[proto.CallID]outcome)}
		if d.files == nil {
			d.files = make(map[string]*memFile)
		}
		d.files[path] = f
	}
	for key, value := range c.kv {
		if value == nil {
			delete(f.kv, key)
		} else {
			f.kv[key] = value
		}
	}
	maps.DeleteFunc(f.outcomes, func(_ proto.CallID, kept outcome) bool { return kept.expires.Before(c.expired) })
	for id, kept := range c.outcomes {
		if kept == nil {
			delete(f.outcomes, id)
		} else {
			f.outcomes[id] = *kept
		}
	}
}

// sync makes a commit durable, in its time.
func (d *MemoryDisk) sync(generation int, c *memCommit) error {
	var latency time.Duration
	if d.Latency != nil {
		latency = d.Latency(c.of)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation != generation {
		return errCrashed
	}
	if latency > 0 {
		d.unsynced = append(d.unsynced, c)
		d.mu.Unlock()
		time.Sleep(latency)
		d.mu.Lock()
		if d.generation != generation {
			return errors.Join(errCrashed, errMaybeStored)
		}
		d.unsynced = slices.DeleteFunc(d.unsynced, func(other *memCommit) bool { return other == c })
	}
	d.apply(c)
	return nil
}

// memStore is a store on a disk in memory.
type memStore struct {
	disk       *MemoryDisk
	generation int
	of         lmz.Address
	open       *memCommit // nil when nothing was written since the last commit
	marked     *memCommit // what open was when the turn began
	writes     int        // in the transaction
	before     int        // in the transaction before the turn
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
		s.open = &memCommit{of: s.of, kv: make(map[string][]byte), outcomes: make(map[proto.CallID]*outcome)}
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

func (s *memStore) list(prefix string) (keys []string, err error) {
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
		if value != nil && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, err
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

func (s *memStore) mark() { s.marked, s.before = s.open.clone(), s.writes }

// clone returns a copy that is not changed with c.
func (c *memCommit) clone() *memCommit {
	if c == nil {
		return nil
	}
	copied := *c
	copied.kv, copied.outcomes = maps.Clone(c.kv), maps.Clone(c.outcomes)
	return &copied
}

func (s *memStore) undo() error {
	s.open, s.writes = s.marked.clone(), s.before
	return nil
}

func (s *memStore) changed() bool { return s.writes > s.before }

func (s *memStore) dirty() bool { return s.writes > 0 }

func (s *memStore) commit() (wrote bool, err error) {
	if !s.dirty() {
		return false, s.read(func(*memFile) {}) // the dead do not go on
	}
	if err := s.disk.sync(s.generation, s.open); err != nil {
		return false, err
	}
	return true, s.rollback()
}

func (s *memStore) rollback() error {
	s.open, s.marked, s.writes, s.before = nil, nil, 0, 0
	return nil
}

func (s *memStore) close() error { return s.rollback() }

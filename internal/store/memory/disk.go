package object

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
	// time. The zero address is the index of the objects that have to be woken. It is
	// slept, in virtual time in a bubble of testing/synctest.
	Latency func(lmz.Address) time.Duration

	// Survives is asked for each commit that was on its way to the disk at a crash:
	// true means it got there. Nil means none did. It is called with the disk locked.
	Survives func() bool

	// Full is asked for each commit of the object, and of the index for the zero address:
	// true means that there is no room for it, so that it fails and changes nothing. Nil
	// means there always is.
	Full func(lmz.Address) bool

	mu         sync.Mutex // guards the following fields
	files      map[string]*memFile
	wakes      map[lmz.Address]int64 // the index
	removed    map[lmz.Address]bool
	unsynced   []*memCommit
	generation int // counts crashes: who has an older one is dead
	inUse      bool
	usage      map[string]sums // what subjects hold
}

// memFile is what is durable of one object.
type memFile struct {
	owner    lmz.Address
	kv       map[string][]byte
	rows     map[string][]byte
	outcomes map[proto.CallID]outcome
	tables   []byte // an SQLite database with the object's own tables
}

// memCommit is a transaction: what it puts, and deletes where there is nil.
type memCommit struct {
	of       lmz.Address
	kv       map[string][]byte
	rows     map[string][]byte
	outcomes map[proto.CallID]*outcome
	expired  time.Time // outcomes that expire before are dropped
	tables   []byte    // nil: as they were

	wakes   map[lmz.Address]int64 // or it is a write of the index of wakes, and nothing else
	removal int                   // or it is the removal of the object, see removalBegins
}

var (
	errCrashed = errors.New("the disk has crashed")
	errFull    = errors.New("the disk is full")
)

// OpenMemory is [Open] on a disk in memory.
func OpenMemory(disk *MemoryDisk, mesh proto.Mesh, log *slog.Logger) (*Runtime, error) {
	generation, err := disk.use()
	if err != nil {
		return nil, err
	}
	open := func(a lmz.Address, k Kind) store {
		return &memStore{disk: disk, generation: generation, of: a, kind: k}
	}
	rt, err := newRuntime(mesh, log, &memLock{disk, generation}, open, &memIndex{disk, generation}, &memUsage{disk, generation})
	if err != nil {
		return nil, err
	}
	rt.removals = memRemovals{disk, generation}
	rt.exists = func(a lmz.Address) bool {
		disk.mu.Lock()
		defer disk.mu.Unlock()
		return disk.files[filePath("", a)] != nil
	}
	rt.peek = func(a lmz.Address, k Kind) (peeked, bool, error) {
		return peeked{open(a, k), func() {}}, rt.exists(a), nil
	}
	return rt, nil
}

// use takes the disk until the next crash, which ends its generation.
func (d *MemoryDisk) use() (generation int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse {
		return 0, fmt.Errorf("%w: another gateway runs on this memory", ErrInUse)
	}
	d.inUse = true
	return d.generation, nil
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
	if c.wakes != nil {
		d.applyWakes(c.wakes)
		return
	}
	if c.removal != 0 {
		d.applyRemoval(c)
		return
	}
	path := filePath("", c.of)
	f := d.files[path]
	if f == nil {
		f = &memFile{owner: c.of, kv: make(map[string][]byte), rows: make(map[string][]byte), outcomes: make(map[proto.CallID]outcome)}
		if d.files == nil {
			d.files = make(map[string]*memFile)
		}
		d.files[path] = f
	}
	merge(f.kv, c.kv)
	merge(f.rows, c.rows)
	if c.tables != nil {
		f.tables = c.tables
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

// merge puts what a commit wrote into what is durable.
func merge(durable, written map[string][]byte) {
	for key, value := range written {
		if value == nil {
			delete(durable, key)
		} else {
			durable[key] = value
		}
	}
}

// sync makes a commit durable, in its time: at once if it is relaxed, because the
// process may die here, but not the machine.
func (d *MemoryDisk) sync(generation int, c *memCommit, relaxed bool) error {
	if d.Full != nil && d.Full(c.of) {
		return errFull
	}
	var latency time.Duration
	if d.Latency != nil && !relaxed {
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

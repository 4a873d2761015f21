package memory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
)

// Disk is a [store.Disk] in memory that can crash. The zero value is an empty disk on which
// a commits are durable at once. Set its fields before first use. Its methods are safe for
// concurrent use.
type Disk struct {
	// Latency is how long a commit of the object takes to become durable; nil means no time.
	// The zero address stands for the wake index. The disk sleeps for it, in virtual time
	// within a testing/synctest bubble.
	Latency func(lmz.Address) time.Duration

	// Survives is called for each commit that was on its way to the disk at a crash, and
	// reports whether it got there. Nil means none did. It is called with the disk locked.
	Survives func() bool

	// Full is called for each commit of the object, and of the wake index with the zero
	// address; true means that the disk is full, so the commit fails and changes nothing. Nil
	// means that there is always room.
	Full func(lmz.Address) bool

	mu         sync.Mutex // guards the following fields
	files      map[lmz.Address]*file
	wakes      map[lmz.Address]int64 // the wake index
	removed    map[lmz.Address]bool
	unsynced   []*commit
	generation int // counts crashes: users with an older one are dead
	inUse      bool
	usage      map[string]store.Sums // totals of subjects
}

// file is the durable state of one object.
type file struct {
	owner    lmz.Address
	kv       map[string][]byte
	rows     map[string][]byte
	outcomes map[proto.CallID]store.Outcome
	tables   []byte // an SQLite database with the object's own tables
}

// commit is a transaction: what it puts, with nil to delete.
type commit struct {
	of       lmz.Address
	kv       map[string][]byte
	rows     map[string][]byte
	outcomes map[proto.CallID]*store.Outcome
	expired  time.Time // outcomes that expire before it are dropped
	tables   []byte    // nil if unchanged

	wakes   map[lmz.Address]int64 // only for a write of the wake index, with nothing else
	removal int                   // only for a removal of the object, see removalBegins
}

var (
	errCrashed = errors.New("the disk has crashed")
	errFull    = errors.New("the disk is full")
)

// User is a disk in use by one process, until the next crash: then the process can no longer
// read or write, and another one can use the disk. It implements [store.Disk].
type User struct {
	disk       *Disk
	generation int
}

var _ store.Disk = (*User)(nil)

// Use locks the disk. It fails with [store.ErrInUse] while another process has it.
func (d *Disk) Use() (*User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse {
		return nil, fmt.Errorf("%w: another gateway runs on this memory", store.ErrInUse)
	}
	d.inUse = true
	return &User{d, d.generation}, nil
}

// Crash simulates the death of the process that uses the disk: commits in flight are lost
// unless they survive, and the runtime that made them can no longer read or write. A new one
// can then be opened.
func (d *Disk) Crash() {
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
func (d *Disk) apply(c *commit) {
	if c.wakes != nil {
		d.applyWakes(c.wakes)
		return
	}
	if c.removal != 0 {
		d.applyRemoval(c)
		return
	}
	f := d.files[c.of]
	if f == nil {
		f = &file{owner: c.of, kv: make(map[string][]byte), rows: make(map[string][]byte), outcomes: make(map[proto.CallID]store.Outcome)}
		if d.files == nil {
			d.files = make(map[lmz.Address]*file)
		}
		d.files[c.of] = f
	}
	merge(f.kv, c.kv)
	merge(f.rows, c.rows)
	if c.tables != nil {
		f.tables = c.tables
	}
	maps.DeleteFunc(f.outcomes, func(_ proto.CallID, kept store.Outcome) bool { return kept.Expires.Before(c.expired) })
	for id, kept := range c.outcomes {
		if kept == nil {
			delete(f.outcomes, id)
		} else {
			f.outcomes[id] = *kept
		}
	}
}

// merge applies a commit's writes to the durable state.
func merge(durable, written map[string][]byte) {
	for key, value := range written {
		if value == nil {
			delete(durable, key)
		} else {
			durable[key] = value
		}
	}
}

// sync makes a commit durable, after its latency, or at once if it is relaxed, because the
// simulated crash is of the process, not of the machine.
func (d *Disk) sync(generation int, c *commit, relaxed bool) error {
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
			return errors.Join(errCrashed, store.ErrMaybeStored)
		}
		d.unsynced = slices.DeleteFunc(d.unsynced, func(other *commit) bool { return other == c })
	}
	d.apply(c)
	return nil
}

// Rows returns the keys of the durable rows of the object at a, in no particular order.
func (d *Disk) Rows(a lmz.Address) (keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[a]; f != nil {
		for key := range f.rows {
			keys = append(keys, key)
		}
	}
	return keys
}

// WakeTimes returns the durable state of the wake index.
func (d *Disk) WakeTimes() map[lmz.Address]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.wakes)
}

// Move moves the durable state of an object to another name, as renaming its file would.
// CopyTo copies it to another disk, or removes it there if there is none.
func (d *Disk) Move(from, to lmz.Address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[to] = d.files[from]
	delete(d.files, from)
}

// CopyTo is documented at Move.
func (d *Disk) CopyTo(other *Disk, a lmz.Address) {
	d.mu.Lock()
	f := d.files[a].clone()
	d.mu.Unlock()
	other.mu.Lock()
	defer other.mu.Unlock()
	if f == nil {
		delete(other.files, a)
		return
	}
	if other.files == nil {
		other.files = make(map[lmz.Address]*file)
	}
	other.files[a] = f
}

// clone returns a copy independent of f.
func (f *file) clone() *file {
	if f == nil {
		return nil
	}
	copied := *f
	copied.kv, copied.rows, copied.outcomes = maps.Clone(f.kv), maps.Clone(f.rows), maps.Clone(f.outcomes)
	return &copied
}

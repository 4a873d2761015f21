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

// Disk is a [store.Disk] in memory that can crash. The zero value is an empty disk on which a
// commit is durable at once. Set its fields before its first use. Its methods may be called
// from any goroutine.
type Disk struct {
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
	files      map[lmz.Address]*file
	wakes      map[lmz.Address]int64 // the index
	removed    map[lmz.Address]bool
	unsynced   []*commit
	generation int // counts crashes: who has an older one is dead
	inUse      bool
	usage      map[string]store.Sums // what subjects hold
}

// file is what is durable of one object.
type file struct {
	owner    lmz.Address
	kv       map[string][]byte
	rows     map[string][]byte
	outcomes map[proto.CallID]store.Outcome
	tables   []byte // an SQLite database with the object's own tables
}

// commit is a transaction: what it puts, and deletes where there is nil.
type commit struct {
	of       lmz.Address
	kv       map[string][]byte
	rows     map[string][]byte
	outcomes map[proto.CallID]*store.Outcome
	expired  time.Time // outcomes that expire before are dropped
	tables   []byte    // nil: as they were

	wakes   map[lmz.Address]int64 // or it is a write of the index of wakes, and nothing else
	removal int                   // or it is the removal of the object, see removalBegins
}

var (
	errCrashed = errors.New("the disk has crashed")
	errFull    = errors.New("the disk is full")
)

// User is a disk in use by one process, which ends at the next crash: then the process can
// neither read nor write any more, and another one can use the disk. It implements
// [store.Disk].
type User struct {
	disk       *Disk
	generation int
}

var _ store.Disk = (*User)(nil)

// Use takes the disk. It fails with [store.ErrInUse] while another process has it.
func (d *Disk) Use() (*User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse {
		return nil, fmt.Errorf("%w: another gateway runs on this memory", store.ErrInUse)
	}
	d.inUse = true
	return &User{d, d.generation}, nil
}

// Crash is the death of the process that uses the disk: commits that were on their
// way are lost, unless they survive, and the runtime that made them can neither read
// nor write any more. Another one can be opened then.
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

// Rows returns the keys of the rows that are durable of the object at a, in no order.
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

// WakeTimes returns what the index of wakes says durably.
func (d *Disk) WakeTimes() map[lmz.Address]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.wakes)
}

// Move moves what is durable of an object to another name, as somebody with a file manager
// would, and CopyTo copies it to another disk, or removes it there if there is nothing.
func (d *Disk) Move(from, to lmz.Address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[to] = d.files[from]
	delete(d.files, from)
}

// CopyTo is described with Move.
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

// clone returns a copy that is not changed with f.
func (f *file) clone() *file {
	if f == nil {
		return nil
	}
	copied := *f
	copied.kv, copied.rows, copied.outcomes = maps.Clone(f.kv), maps.Clone(f.rows), maps.Clone(f.outcomes)
	return &copied
}

package store

import (
	"io"
	"iter"
	"time"

	"github.com/lumenize/lmz"
)

// Disk stores the objects of one data directory, for one process at a time. Its methods are
// safe for concurrent use; opening, restoring or removing an object requires its turn.
type Disk interface {
	// Open returns the store of the object at a, without I/O, which begins with the first
	// access.
	Open(a lmz.Address, o Options) Store

	// Exists reports whether the object at a has stored something. Size returns how many bytes
	// a copy of it takes.
	Exists(a lmz.Address) bool
	Size(a lmz.Address) int64

	// Copy returns a store with a copy of the storage of the object at a, to which nothing may
	// be committed. Call drop after closing it.
	Copy(a lmz.Address, o Options) (s Store, exists bool, drop func(), err error)

	// Wakes returns the wake index.
	Wakes() WakeIndex

	// Usage returns the store of the subjects' totals.
	Usage() Usage

	// List returns the objects of a binding that have stored something, or of all bindings for
	// "", in the order of [Stored.Place], starting after the place after unless that is "".
	// open lists the objects whose files are in use. It fails with [ErrNoFiles] if objects are
	// not in files, and so do Store.Inspect, Store.Backup and Restore.
	List(binding, after string, open []lmz.Address) iter.Seq2[Stored, error]

	// Restore prepares a backup to become the object at a, which must not have stored
	// anything yet.
	Restore(backup string, a lmz.Address) (Restored, error)

	// Remove removes everything that an object has stored, durably and atomically. The removal
	// is remembered until Removed is called.
	Remove(a lmz.Address) error
	Removed(a lmz.Address) error

	// Removals returns the objects for which Remove was called but not Removed.
	Removals() ([]lmz.Address, error)

	// Close unlocks the disk. Close its stores, its index and its usage first.
	io.Closer
}

// Restored is a backup ready to become an object.
type Restored interface {
	Install() error // makes it the object, durably and atomically
	Discard()       // removes what the preparation left behind
}

// Stored is an object that has stored something.
type Stored struct {
	Address lmz.Address
	Size    int64     // bytes, including its write-ahead log
	Changed time.Time // time of the last write
	Open    bool      // its file is in use
	Place   string    // position in the list
}

// WakeIndex stores the latest time at which each object must be opened, so that a start need
// not read the objects. Times are Unix milliseconds; package wake defines their meaning.
type WakeIndex interface {
	// Load returns all entries.
	Load() (map[lmz.Address]int64, error)

	// Write makes changes durable, all or none. wake.Never deletes.
	Write(changes map[lmz.Address]int64) error

	io.Closer
}

// Usage stores the totals of each subject. After a crash they may be slightly out of date.
type Usage interface {
	Load() (map[string]Sums, error)
	Write(changes map[string]Sums) error // zero sums delete the entry
	io.Closer
}

// Sums are the totals of one subject: objects, stored bytes and alarms.
type Sums [3]int64

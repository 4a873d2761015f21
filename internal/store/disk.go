package store

import (
	"io"
	"iter"
	"time"

	"github.com/lumenize/lmz"
)

// Disk is where the objects of one data directory are kept, for one process at a time. Its
// methods may be called from any goroutine; whoever opens, restores or removes an object
// holds its turn.
type Disk interface {
	// Open returns the store of the object at a, without I/O: that begins with the first
	// access.
	Open(a lmz.Address, o Options) Store

	// Exists reports whether the object at a has stored something, and Size how many bytes
	// a copy of it takes.
	Exists(a lmz.Address) bool
	Size(a lmz.Address) int64

	// Copy returns a store with a copy of what the object at a has stored, to which nothing
	// is committed. Call drop after closing it.
	Copy(a lmz.Address, o Options) (s Store, exists bool, drop func(), err error)

	// Wakes is the index of when objects have to be woken.
	Wakes() WakeIndex

	// Usage is what subjects hold.
	Usage() Usage

	// List returns the objects of a binding that have stored something, or of all bindings
	// for "", in the order of [Stored.Place], and only those after the place, unless that is
	// "". The open ones are those whose files are in use. It fails with [ErrNoFiles] where
	// objects are not in files, and so do Store.Inspect, Store.Backup and Restore.
	List(binding, after string, open []lmz.Address) iter.Seq2[Stored, error]

	// Restore prepares a backup to become the object at a, which must not have stored
	// anything yet.
	Restore(backup string, a lmz.Address) (Restored, error)

	// Remove makes an object one that has stored nothing, durably and in one step. That it
	// was removed is remembered until Removed is called.
	Remove(a lmz.Address) error
	Removed(a lmz.Address) error

	// Removals returns the objects of which Remove was called, and not Removed.
	Removals() ([]lmz.Address, error)

	// Close frees the disk for others. Close its stores, its index and its usage first.
	io.Closer
}

// Restored is a backup that is ready to become an object.
type Restored interface {
	Install() error // makes it the object, durably and in one step
	Discard()       // frees what the preparation has left
}

// Stored is an object that has stored something.
type Stored struct {
	Address lmz.Address
	Size    int64     // bytes, including what is not merged into its file yet
	Changed time.Time // when it was last written to
	Open    bool      // its file is in use
	Place   string    // in the list
}

// WakeIndex says durably when each object has to be opened at the latest, so that a start
// need not look into the objects. Times are Unix milliseconds; package wake says what they
// mean.
type WakeIndex interface {
	// Load reads everything.
	Load() (map[lmz.Address]int64, error)

	// Write makes changes durable, all or none. wake.Never deletes.
	Write(changes map[lmz.Address]int64) error

	io.Closer
}

// Usage keeps what each subject holds. After a crash it may be that of a moment before.
type Usage interface {
	Load() (map[string]Sums, error)
	Write(changes map[string]Sums) error // zero sums delete
	io.Closer
}

// Sums are what one subject holds: objects, stored bytes and alarms.
type Sums [3]int64

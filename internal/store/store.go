package object

import (
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// store is the storage of one object. Whoever holds the object's turn uses it,
// nobody else. Several turns may share one transaction: each begins with mark.
// Access after a commit or rollback begins the next transaction.
//
// After an error the state of the turn is unknown: undo it and close the store.
type store interface {
	get(key string) (value []byte, found bool, err error)
	put(key string, value []byte) error // writes nothing when the value is already there
	delete(key string) error
	deleteAll() (n int, err error)
	entries(r Range) ([]Entry, error)

	// The runtime's own rows: alarms, stored sends, watches. rows returns those whose
	// keys begin with prefix, in byte order, and no more than limit.
	row(key string) (value []byte, found bool, err error)
	rows(prefix string, limit int) ([]row, error)
	putRow(key string, value []byte) error
	deleteRow(key string) error

	// outcome returns what is kept of a call, and keep stores it, while it drops those
	// that were acknowledged and those that had expired by now.
	outcome(id proto.CallID) (kept outcome, found bool, err error)
	keep(kept outcome, acknowledged []proto.CallID, now time.Time) error

	// mark begins a turn, and undo takes back what was written since: when it fails,
	// the whole transaction is lost.
	mark()
	undo() error

	// beginPart begins a part of the turn, which endPart keeps or undoes. Parts nest.
	beginPart() error
	endPart(undo bool) error

	// tables is where the tables of the object's own code are, in the turn's transaction.
	tables() (*txn, error)

	// size is how many bytes are stored, with what the turn has written so far: whole
	// pages of the file.
	size() (int64, error)

	// ready finds out whether what is stored can be used, if there is something.
	ready() error

	// changed reports whether the turn has written something, and dirty whether there is
	// something to commit.
	changed() bool
	dirty() bool

	// commit makes everything since the last commit durable. It reports whether there
	// was anything, because that is what costs. An error that is errMaybeStored leaves
	// that open.
	commit() (wrote bool, err error)
	rollback() error // everything since the last commit

	// close rolls back and frees the file.
	close() error
}

// row is something that the runtime itself keeps of an object.
type row struct {
	key   string
	value []byte
}

// noLimit is no limit to a number of rows.
const noLimit = 1 << 30

// storeOpener makes the store of the object at an address, without I/O: that
// begins with the first access.
type storeOpener func(a lmz.Address, k Kind) store

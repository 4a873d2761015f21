package store

import (
	"context"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// Store is the storage of one object. Using it requires the object's turn. Several turns may
// share one transaction: each begins with Mark. Access after a commit or rollback begins the
// next transaction.
//
// After an error the state of the turn is unknown: undo it and close the store.
type Store interface {
	Values
	Rows

	// Outcome returns the stored outcome of a call. Keep stores one, and drops those that are
	// acknowledged or have expired by now.
	Outcome(id proto.CallID) (kept Outcome, found bool, err error)
	Keep(kept Outcome, acknowledged []proto.CallID, now time.Time) error

	// Tables returns the SQL tables of the object's own code, in the turn's transaction.
	Tables() (Tables, error)

	// Mark begins a turn, and Undo rolls back everything since. If Undo fails, the whole
	// transaction is lost.
	Mark()
	Undo() error

	// BeginPart begins a part of the turn, which EndPart keeps or undoes. Parts nest.
	BeginPart() error
	EndPart(undo bool) error

	// Changed reports whether the turn has written anything, and Dirty whether there is
	// anything to commit.
	Changed() bool
	Dirty() bool

	// Size returns the stored bytes, in whole pages, including the turn's writes so far.
	Size() (int64, error)

	// Ready checks that the stored data, if any, can be used.
	Ready() error

	// Commit ends the transaction. Without an error it is applied: the next turn may begin.
	// wrote reports whether there was anything to store, which is what costs.
	//
	// If it wrote something, durable is called once, on any goroutine, possibly before Commit
	// returns: with nil when the commit can no longer be lost, or with the reason why it was
	// lost. The calls come one at a time, in the order of the commits; after the first loss all
	// later commits are lost too, until the store is closed. The call must come, even if it
	// takes as long as a failover: its waiter holds the turn. durable must not block. After an
	// error from Commit, durable is not called.
	//
	// After [ErrMaybeStored] it is unknown whether the commit was stored.
	Commit(durable func(lost error)) (wrote bool, err error)

	// Rollback undoes everything since the last commit.
	Rollback() error

	// Rest declares that no turn uses the store until Hold is called, so that it may release
	// the resources of an open file. It keeps uncommitted writes.
	Rest() error
	Hold()

	// Close rolls back and releases all resources. All commits must be durable or lost.
	Close() error

	// Inspect runs a read-only query for an administrator, and Backup writes the storage to a
	// new file. Neither starts the object, and there must be nothing to commit.
	Inspect(ctx context.Context, query string, args []any) (Result, error)
	Backup(path string) error
}

// Values are the keys and values of the object's own code.
type Values interface {
	Get(key string) (value []byte, found bool, err error)
	Put(key string, value []byte) error // writes nothing if the value is unchanged
	Delete(key string) error
	DeleteAll() (n int, err error)
	Entries(r Range) ([]Entry, error)
}

// Rows are the runtime's own records of an object: alarms, stored sends, watches.
type Rows interface {
	Row(key string) (value []byte, found bool, err error)

	// Rows returns at most limit rows whose keys begin with prefix, in byte order.
	Rows(prefix string, limit int) ([]Row, error)

	PutRow(key string, value []byte) error
	DeleteRow(key string) error
}

// Row is one of [Rows].
type Row struct {
	Key   string
	Value []byte
}

// NoLimit means any number of rows.
const NoLimit = 1 << 30

// The key prefixes of rows. Only those that package wake and a restore need to distinguish
// are here.
const (
	DueRows     = "due/"     // alarms that are not dead, by when they are due
	SendRows    = "send/"    // stored sends
	SettledRows = "settled/" // targets of stored sends that are settled
	WatchRows   = "watch/"   // work for the end of a session
	DeadRows    = "dead/"    // dead letters
)

// Range selects entries. The zero value selects all, in byte order.
type Range struct {
	Prefix  string // keys that begin with it
	Start   string // keys >= Start
	End     string // keys < End; "" means no end
	Limit   int    // at most this many; 0 means no limit
	Bytes   int    // stop once the values have this many bytes; 0 means no limit
	Reverse bool   // from the last to the first
}

// Before returns the exclusive end of the range, or "": End, or the first key after all that
// begin with the prefix. It need not be valid UTF-8.
func (r Range) Before() string {
	if r.Prefix == "" {
		return r.End
	}
	after := []byte(r.Prefix)
	after[len(after)-1]++ // no byte of UTF-8 is 0xff
	if r.End != "" && r.End < string(after) {
		return r.End
	}
	return string(after)
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	Value []byte
}

// Outcome is the stored outcome of a call.
type Outcome struct {
	ID       proto.CallID
	Caller   string // the address that made the call; only it may ask
	Answered bool   // false: the call has begun, and changed or sent something
	Large    bool   // the answer was too large to keep
	Answer   proto.Answer
	Expires  time.Time
	Lasting  bool // of a stored send, which asks for it until acknowledged; not stored
}

// Options configures the storage of an object.
type Options struct {
	// Schema lists the migrations of the object's own SQL tables, in order.
	Schema []string

	// Relaxed commits survive the death of the process, but not of the machine.
	Relaxed bool
}

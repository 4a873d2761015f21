package store

import (
	"context"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// Store is the storage of one object. Whoever holds the object's turn uses it, nobody else.
// Several turns may share one transaction: each begins with Mark. Access after a commit or
// rollback begins the next transaction.
//
// After an error the state of the turn is unknown: undo it and close the store.
type Store interface {
	Values
	Rows

	// Outcome returns what is kept of a call, and Keep stores it, while it drops those
	// that were acknowledged and those that had expired by now.
	Outcome(id proto.CallID) (kept Outcome, found bool, err error)
	Keep(kept Outcome, acknowledged []proto.CallID, now time.Time) error

	// Tables returns the SQL tables of the object's own code, in the turn's transaction.
	Tables() (Tables, error)

	// Mark begins a turn, and Undo takes back what was written since. If Undo fails, the
	// whole transaction is lost.
	Mark()
	Undo() error

	// BeginPart begins a part of the turn, which EndPart keeps or undoes. Parts nest.
	BeginPart() error
	EndPart(undo bool) error

	// Changed reports whether the turn has written something, and Dirty whether there is
	// something to commit.
	Changed() bool
	Dirty() bool

	// Size returns how many bytes are stored, including what the turn has written so far,
	// in whole pages.
	Size() (int64, error)

	// Ready finds out whether what is stored can be used, if there is something.
	Ready() error

	// Commit ends the transaction. Without an error it is applied: the next turn may begin.
	// wrote reports whether there was anything to store, because that is what costs.
	//
	// If it wrote something, durable is called once, on any goroutine, possibly before
	// Commit returns: with nil when the commit can no longer be lost, or with the reason why
	// it was lost. The calls come one at a time, in the order of the commits; after the
	// first loss all later commits are lost too, until the store is closed. The call must
	// come, although it may take as long as a failover: who waits for it holds the turn.
	// durable must not block. After an error from Commit, durable is not called.
	//
	// An error that is [ErrMaybeStored] leaves open whether the commit was stored.
	Commit(durable func(lost error)) (wrote bool, err error)

	// Rollback takes back everything since the last commit.
	Rollback() error

	// Rest says that no turn uses the store until Hold is called, so that it may let go of
	// what an open file takes. It keeps what is not committed.
	Rest() error
	Hold()

	// Close rolls back and frees what the store holds. All commits have had both ends.
	Close() error

	// Inspect runs a query that only reads, for an administrator, and Backup writes what is
	// stored to a new file. Neither starts the object, and nothing is to be committed.
	Inspect(ctx context.Context, query string, args []any) (Result, error)
	Backup(path string) error
}

// Values are the keys and values of the object's own code.
type Values interface {
	Get(key string) (value []byte, found bool, err error)
	Put(key string, value []byte) error // writes nothing when the value is already there
	Delete(key string) error
	DeleteAll() (n int, err error)
	Entries(r Range) ([]Entry, error)
}

// Rows are what the runtime itself keeps of an object: alarms, stored sends, watches.
type Rows interface {
	Row(key string) (value []byte, found bool, err error)

	// Rows returns the rows whose keys begin with prefix, in byte order, and no more than
	// limit.
	Rows(prefix string, limit int) ([]Row, error)

	PutRow(key string, value []byte) error
	DeleteRow(key string) error
}

// Row is one of [Rows].
type Row struct {
	Key   string
	Value []byte
}

// NoLimit is no limit to a number of rows.
const NoLimit = 1 << 30

// The prefixes of the keys of rows, by what they hold. Only what package wake and a restore
// need to tell apart is here.
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
	Start   string // keys from it on
	End     string // keys before it; "" means no end
	Limit   int    // at most this many; 0 means no limit
	Bytes   int    // no more once their values have this many bytes; 0 means no limit
	Reverse bool   // from the last to the first
}

// Before returns the key before which the range ends, or "": the first after all that begin
// with the prefix, or End. It need not be valid UTF-8.
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

// Outcome is what is stored of a call.
type Outcome struct {
	ID       proto.CallID
	Caller   string // the address that made the call, which alone may ask
	Answered bool   // false: it has begun, and changed or sent something
	Large    bool   // the answer was too large to be kept
	Answer   proto.Answer
	Expires  time.Time
	Lasting  bool // of a stored send: it is asked for until it is acknowledged; not stored
}

// Options says how an object is kept.
type Options struct {
	// Schema has the migrations of the object's own SQL tables, in order.
	Schema []string

	// Relaxed commits are durable for the death of the process only.
	Relaxed bool
}

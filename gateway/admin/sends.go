package admin

import (
	"time"

	"github.com/lumenize/lmz"
)

// Methods of [Binding] for administrators: clients whose token has the claim isAdmin.
const (
	// ListRetries returns what objects have sent to objects that cannot execute it at present,
	// one entry for each sender and receiver; see [object.Runtime.Retries].
	ListRetries lmz.Method1[SendQuery, RetryPage] = "listRetries"

	// ListDead returns the dead letters of objects; see [object.Runtime.DeadLetters]. A page
	// may be empty without being the last.
	ListDead lmz.Method1[SendQuery, DeadPage] = "listDead"

	// RemoveDead removes a dead letter of an object by its ID, or all for "", and returns how
	// many it removed.
	RemoveDead lmz.Method2[lmz.Address, string, int] = "removeDead"
)

// SendQuery selects the sends to list.
type SendQuery struct {
	Binding  string // of the senders; "" for all
	Instance string // "" for all of the binding
	After    string // Next of the previous page; "" for the first
	Limit    int    // of entries; 0 or above 1,000 means 1,000. Long texts shorten a page
	Args     bool   // include the arguments of dead letters
}

// RetryPage is a page of sends that will be retried.
type RetryPage struct {
	Retries []Retry
	Next    string // "after" of the next page; "" if this is the last
}

// Retry is what one object has sent to another that cannot execute it at present.
type Retry struct {
	From, To lmz.Address
	Waiting  int // messages
	Attempts int
	Since    time.Time // of the first attempt
	Next     time.Time // of the next
	Error    string
}

// DeadPage is a page of dead letters.
type DeadPage struct {
	Letters []DeadLetter
	Next    string // "after" of the next page; "" if this is the last
}

// DeadLetter is a one-way send of an object that failed for good, or whose outcome is
// unknown. Texts are truncated to 1 KiB, except Args.
type DeadLetter struct {
	From, To lmz.Address
	ID       string
	Work     string // names of the methods to call
	Args     string // the same with arguments, as JSON, if requested; "" if they were too large to keep
	Died     time.Time
	Error    string
	Unknown  bool // it may have been executed
}

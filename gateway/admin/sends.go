package admin

import (
	"time"

	"github.com/lumenize/lmz"
)

// Methods of [Binding] for administrators: clients whose token has the claim isAdmin.
const (
	// ListRetries returns what objects have sent to objects that cannot execute it just now,
	// one entry for each sender and receiver, see [object.Runtime.Retries].
	ListRetries lmz.Method1[SendQuery, RetryPage] = "listRetries"

	// ListDead returns what objects have sent in vain, see [object.Runtime.DeadLetters]. A
	// page may be empty and not the last.
	ListDead lmz.Method1[SendQuery, DeadPage] = "listDead"

	// RemoveDead removes a dead letter of an object by its ID, or all for "", and returns how
	// many.
	RemoveDead lmz.Method2[lmz.Address, string, int] = "removeDead"
)

// SendQuery says which sends to list.
type SendQuery struct {
	Binding  string // of the senders; "" for all
	Instance string // "" for all of the binding
	After    string // what Next of the page before was; "" for the first page
	Limit    int    // of entries; 0, and more than 1,000, mean 1,000. Long texts make a page shorter
	Args     bool   // dead letters come with their arguments
}

// RetryPage is some of what is tried again.
type RetryPage struct {
	Retries []Retry
	Next    string // to go on with; "" if there are no more
}

// Retry is what one object has sent to another that cannot execute it just now.
type Retry struct {
	From, To lmz.Address
	Waiting  int // messages
	Attempts int
	Since    time.Time // of the first attempt
	Next     time.Time // of the next
	Error    string
}

// DeadPage is some of the dead letters.
type DeadPage struct {
	Letters []DeadLetter
	Next    string // to go on with; "" if there are no more
}

// DeadLetter is something that an object has sent without wanting a reply, and that was not
// executed for good, or may not have been. Texts are cut after 1 KiB, but for Args.
type DeadLetter struct {
	From, To lmz.Address
	ID       string
	Work     string // names the methods that were to be called
	Args     string // the same with the arguments, as JSON, if they were asked for; "" if they were too large to be kept
	Died     time.Time
	Error    string
	Unknown  bool // it may have been executed
}

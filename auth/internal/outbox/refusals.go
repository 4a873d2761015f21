package outbox

import (
	"sync"
	"time"
)

const (
	refusedKept = 24 * time.Hour // how long a refused address is remembered
	refusedMax  = 10000          // addresses
)

// Refusals remembers the permanent refusals of mail servers. Requesting another link does not
// help then, so users who do are told, and so are the admins. The next mail is tried
// nevertheless: it finds out whether the cause has been fixed. Its methods may be called from any
// goroutine.
type Refusals struct {
	now func() time.Time

	mu  sync.Mutex // guards the following fields
	why string     // why all mails are refused, or ""
	to  map[string]time.Time
}

// NewRefusals returns an empty Refusals.
func NewRefusals(now func() time.Time) *Refusals {
	return &Refusals{now: now, to: make(map[string]time.Time)}
}

// Refused reports whether all mails are refused, and whether those to an address are.
func (f *Refusals) Refused(address string) (all, this bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, found := f.to[address]
	return f.why != "", found && f.now().Sub(at) < refusedKept
}

// Why returns why all mails are refused, or "".
func (f *Refusals) Why() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}

// Delivered records that a mail was accepted.
func (f *Refusals) Delivered(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.why = ""
	delete(f.to, address)
}

// RefuseAll records that every mail is refused, and reports whether that is new.
func (f *Refusals) RefuseAll(why string) (isNew bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	isNew = f.why == ""
	f.why = why
	return isNew
}

// Refuse records that mails to an address are refused.
func (f *Refusals) Refuse(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.to) >= refusedMax {
		for other, at := range f.to {
			if f.now().Sub(at) >= refusedKept || len(f.to) >= refusedMax {
				delete(f.to, other)
			}
		}
	}
	f.to[address] = f.now()
}

// Forget forgets all refusals.
func (f *Refusals) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.why = ""
	clear(f.to)
}

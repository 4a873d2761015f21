package object

import (
	"sync"
	"time"

	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/store"
)

// durable are the kinds whose totals outlive the process, in their order on disk.
var durable = [...]budget.Kind{budget.Objects, budget.Stored, budget.Alarms}

var _ [len(store.Sums{})]budget.Kind = durable

// usageDelay is how long changes are collected before they are written. After a crash the
// totals may be that old.
const usageDelay = 5 * time.Second

// usage persists the totals of the accounts, some time after they changed. Its methods are
// safe for concurrent use.
type usage struct {
	accounts *budget.Accounts
	stored   store.Usage
	failed   func(error)

	mu     sync.Mutex // guards the following fields
	dirty  map[string]bool
	timer  *time.Timer
	closed bool

	writing sync.Mutex // one write at a time
}

// openUsage loads the stored totals into the accounts.
func openUsage(accounts *budget.Accounts, stored store.Usage, failed func(error)) (*usage, error) {
	sums, err := stored.Load()
	if err != nil {
		return nil, err
	}
	for subject, s := range sums {
		for i, k := range durable {
			accounts.Add(subject, k, s[i])
		}
	}
	return &usage{accounts: accounts, stored: stored, failed: failed, dirty: make(map[string]bool)}, nil
}

// changed records that a subject's total has changed.
func (u *usage) changed(subject string, k budget.Kind) {
	if k != budget.Objects && k != budget.Stored && k != budget.Alarms {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.dirty[subject] = true
	if u.timer == nil && !u.closed {
		u.timer = time.AfterFunc(usageDelay, u.write)
	}
}

// write writes the changed totals.
func (u *usage) write() {
	u.writing.Lock()
	defer u.writing.Unlock()
	u.mu.Lock()
	dirty := u.dirty
	u.dirty, u.timer = make(map[string]bool), nil
	u.mu.Unlock()
	changes := make(map[string]store.Sums, len(dirty))
	for subject := range dirty {
		var s store.Sums
		for i, k := range durable {
			s[i] = u.accounts.Held(subject, k)
		}
		changes[subject] = s
	}
	if len(changes) == 0 {
		return
	}
	if err := u.stored.Write(changes); err != nil {
		u.failed(err)
		u.mu.Lock()
		for subject := range dirty { // retry with the next change
			u.dirty[subject] = true
		}
		u.mu.Unlock()
	}
}

// close writes the changed totals and closes the store.
func (u *usage) close() error {
	u.mu.Lock()
	u.closed = true
	if u.timer != nil {
		u.timer.Stop()
	}
	u.mu.Unlock()
	u.write()
	return u.stored.Close()
}

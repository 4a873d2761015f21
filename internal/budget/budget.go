// Package budget keeps one subject from taking more than its share. It keeps an account per
// subject of what the subject uses of every shared resource, and how much it may use. It does
// no I/O; its only input is the clock. Code charges for something before using it, or
// afterwards where the cost is known only then.
//
// A rate ([Steps], [Time], [Connects]) is a debt that time pays off. Charges made afterwards may
// exceed the burst: then nothing more is granted until the debt is paid. Everything else is a
// quantity that is held until it is given back.
package budget

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
)

// Kind is something that subjects use.
type Kind uint8

// The kinds.
const (
	Steps    Kind = iota // method calls: each step of a chain is one
	Time                 // nanoseconds of objects' turns and of workers
	Connects             // connections that clients open
	Waiting              // bytes that wait at the gateway: requests in progress, and unacknowledged data
	Sessions             // sessions of clients
	Objects              // objects that the subject's calls have created
	Stored               // bytes that the subject's turns have added to objects
	Watches              // sessions that objects watch on the subject's behalf
	Alarms               // alarms that the subject's turns have set
	kinds
)

const rates = Connects + 1 // kinds below this are rates

var names = [kinds]string{"steps", "time", "connects", "waiting", "sessions", "objects", "stored", "watches", "alarms"}

// String returns the name of the kind in errors and metrics.
func (k Kind) String() string { return names[k] }

// Limit bounds one kind. The zero value means no limit.
type Limit struct {
	Most      int64   // held at once; for a rate, the burst
	PerSecond float64 // of a rate, in the long run
}

func (l Limit) none() bool { return l.Most <= 0 }

// Limits are the limits of one subject, by kind.
type Limits [kinds]Limit

// Accounts that belong to no subject.
const (
	System = ""  // the gateway's own work, which is not charged
	Nobody = "~" // all requests that were admitted without a subject; no subject has this name
)

// longestDebt bounds how long a charge made afterwards can block a subject.
const longestDebt = time.Minute

// longestPay bounds how long it takes to pay something off: longer is as good as never, and sums
// of it fit in a Duration.
const longestPay = 100 * 365 * 24 * time.Hour

// sweepEvery is how often empty accounts are deleted.
const sweepEvery = time.Minute

// Accounts are the accounts of all subjects. The zero value and a nil pointer have no
// limits; a nil pointer counts nothing either. Methods may be called from any goroutine.
type Accounts struct {
	limits func(subject string) *Limits

	mu      sync.Mutex // guards the following fields
	of      map[string]*account
	sweep   time.Time
	refused [kinds]uint64 // over all accounts
}

type account struct {
	held    [kinds]int64     // quantities; for rates, what was used since the account was created
	paid    [rates]time.Time // when the debt of a rate is paid off
	refused [kinds]uint64
}

// New returns accounts. limits returns the limits of a subject; it must be fast, because it is
// called for every charge. Nil means no limits.
func New(limits func(subject string) *Limits) *Accounts { return &Accounts{limits: limits} }

// Take charges n of kind k before it is used. If that would exceed the subject's limit,
// nothing is charged, and the error names the budget and, for a rate, when to try again.
func (a *Accounts) Take(subject string, k Kind, n int64) *lmz.Error {
	if a == nil || subject == System {
		return nil
	}
	limit := a.limit(subject, k)
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.account(subject)
	if refused := a.exceeded(acc, k, limit, n); refused != nil {
		return refused
	}
	acc.charge(k, limit, n)
	return nil
}

// Check returns the error that Take would return for n more, and charges nothing.
func (a *Accounts) Check(subject string, k Kind, n int64) *lmz.Error {
	if a == nil || subject == System {
		return nil
	}
	limit := a.limit(subject, k)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.exceeded(a.account(subject), k, limit, n)
}

// Add charges n of kind k that was already used, or gives -n back.
func (a *Accounts) Add(subject string, k Kind, n int64) {
	if a == nil || subject == System || n == 0 {
		return
	}
	limit := a.limit(subject, k)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(subject).charge(k, limit, n)
}

// Held returns how much a subject holds of a quantity.
func (a *Accounts) Held(subject string, k Kind) int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if acc := a.of[subject]; acc != nil {
		return acc.held[k]
	}
	return 0
}

func (a *Accounts) limit(subject string, k Kind) Limit {
	if a.limits == nil {
		return Limit{}
	}
	if l := a.limits(subject); l != nil {
		return l[k]
	}
	return Limit{}
}

// account returns the account of a subject. a.mu is held.
func (a *Accounts) account(subject string) *account {
	if now := time.Now(); now.After(a.sweep) {
		a.sweep = now.Add(sweepEvery)
		for s, acc := range a.of {
			if acc.idle(now) {
				delete(a.of, s)
			}
		}
	}
	acc := a.of[subject]
	if acc == nil {
		acc = new(account)
		if a.of == nil {
			a.of = make(map[string]*account)
		}
		a.of[subject] = acc
	}
	return acc
}

// idle reports whether an account is equivalent to a new one.
func (acc *account) idle(now time.Time) bool {
	for k := range rates {
		if acc.paid[k].After(now) {
			return false
		}
	}
	for k := rates; k < kinds; k++ {
		if acc.held[k] != 0 {
			return false
		}
	}
	return true
}

func (acc *account) charge(k Kind, limit Limit, n int64) {
	acc.held[k] += n
	if k >= rates {
		acc.held[k] = max(acc.held[k], 0)
		return
	}
	if limit.none() || n <= 0 {
		return
	}
	now := time.Now()
	paid := acc.paid[k]
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(limit.pays(n))
	if most := now.Add(limit.pays(limit.Most) + longestDebt); paid.After(most) {
		paid = most
	}
	acc.paid[k] = paid
}

// pays returns the time in which n is paid off.
func (l Limit) pays(n int64) time.Duration {
	return time.Duration(min(float64(n)/l.PerSecond, longestPay.Seconds()) * float64(time.Second))
}

// exceeded returns the error for n more than is held, or nil. a.mu is held.
func (a *Accounts) exceeded(acc *account, k Kind, limit Limit, n int64) *lmz.Error {
	if limit.none() {
		return nil
	}
	var wait time.Duration
	if k < rates {
		n := min(n, limit.Most) // a charge above the burst must be granted eventually
		if owed := max(time.Until(acc.paid[k]), 0); owed+limit.pays(n) > limit.pays(limit.Most) {
			wait = max(owed+limit.pays(n)-limit.pays(limit.Most), time.Millisecond)
		}
	} else if acc.held[k]+n > limit.Most {
		wait = -1
	}
	if wait == 0 {
		return nil
	}
	acc.refused[k]++
	a.refused[k]++
	if k == Waiting { // waiting data drains by itself
		wait = time.Second
	}
	if wait > 0 {
		return node.NewRateLimited(k.String(), wait)
	}
	return node.NewQuotaExceeded(k.String(), limit.Most)
}

// Usage is what one subject uses.
type Usage struct {
	Subject string
	Held    [kinds]int64  // for rates, used since the account was created
	Wait    time.Duration // until every rate grants something
	Refused [kinds]uint64

	paid [rates]time.Time
}

// Usage returns the usage of at most limit subjects, ordered by name, starting after one.
func (a *Accounts) Usage(after string, limit int) []Usage {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	var all []Usage
	for s, acc := range a.of {
		if s > after {
			all = append(all, Usage{Subject: s, Held: acc.held, Refused: acc.refused, paid: acc.paid})
		}
	}
	a.mu.Unlock()
	slices.SortFunc(all, func(x, y Usage) int { return cmp.Compare(x.Subject, y.Subject) })
	all = all[:min(limit, len(all))]
	for i := range all {
		u := &all[i]
		for k := range rates {
			if limit := a.limit(u.Subject, k); !limit.none() {
				u.Wait = max(u.Wait, max(time.Until(u.paid[k]), 0)-limit.pays(limit.Most))
			}
		}
	}
	return all
}

// Refused returns how often each kind was refused to any subject since the start.
func (a *Accounts) Refused() (n [kinds]uint64) {
	if a == nil {
		return n
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

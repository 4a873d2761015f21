package gateway

import (
	"cmp"
	"math"
	"time"

	"github.com/lumenize/lmz/internal/budget"
)

// Rate is how often one subject may do something. The zero value means no limit.
type Rate struct {
	PerSecond float64 // in the long run
	Burst     int     // at once; 0 means 1
}

// Budget is how much one subject may use, over all its clients together. The subject at the
// origin of a call pays for it and for everything that follows from it: the calls that its
// callees make, and what they store, send and set alarms for. For quantities, 0 means the
// default and a negative number no limit. A call that would exceed the budget is not
// executed; its error is [lmz.ErrRateLimited], which says when to call again, or
// [lmz.ErrQuotaExceeded], and [lmz.Exceeded] names the budget. The defaults exceed what
// people and their programs need.
type Budget struct {
	// Connects is how often clients may connect, and Calls how many method calls they may make:
	// each step of a chain and each continuation among its arguments counts as one. The zero
	// values mean no limits; public deployments should set [PublicConnectRate] and
	// [PublicCallRate].
	Connects, Calls Rate

	// Time is how many seconds turns of objects and workers may spend on the subject's behalf,
	// excluding waits in calls and commits. It is charged afterwards. The zero value means
	// [DefaultTime].
	Time Rate

	Waiting  int64 // bytes of requests in progress and of unacknowledged data; by default 48 MiB
	Sessions int   // of clients; by default 1,000
	Objects  int   // that calls create; by default 100,000
	Stored   int64 // bytes in objects; by default 16 GiB
	Watches  int   // of clients' sessions by objects; by default 20,000
	Alarms   int   // by default 20,000

	// Workers is how many of the subject's calls may run in workers at once; by default 16. A
	// call that waits for another call does not count. Further calls wait. [Options].BudgetOf
	// does not change it.
	Workers int
}

const defaultWorkers = 16

// DefaultTime is the default of [Budget].Time: half of one processor, with a burst of half a
// minute.
var DefaultTime = Rate{PerSecond: 0.5, Burst: 30}

// Rates for a gateway that serves people. A page that reconnects and a fast typist stay far
// below them; a runaway program does not.
var (
	PublicConnectRate = Rate{PerSecond: 0.5, Burst: 30}
	PublicCallRate    = Rate{PerSecond: 100, Burst: 500}
)

// limits converts a budget for package budget.
func (b Budget) limits() *budget.Limits {
	if b.Time == (Rate{}) {
		b.Time = DefaultTime
	}
	held := func(n, standard int64) budget.Limit { return budget.Limit{Most: max(cmp.Or(n, standard), 0)} }
	return &budget.Limits{
		budget.Steps:    b.Calls.limit(1),
		budget.Connects: b.Connects.limit(1),
		budget.Time:     b.Time.limit(int64(time.Second)),
		budget.Waiting:  held(b.Waiting, 48<<20),
		budget.Sessions: held(int64(b.Sessions), 1000),
		budget.Objects:  held(int64(b.Objects), 100_000),
		budget.Stored:   held(b.Stored, 16<<30),
		budget.Watches:  held(int64(b.Watches), 20_000),
		budget.Alarms:   held(int64(b.Alarms), 20_000),
	}
}

func (r Rate) limit(unit int64) budget.Limit {
	if r.PerSecond <= 0 {
		return budget.Limit{}
	}
	return budget.Limit{Most: min(int64(max(r.Burst, 1)), math.MaxInt64/unit) * unit, PerSecond: r.PerSecond * float64(unit)}
}

// newAccounts makes the accounts of all subjects.
func newAccounts(o Options) *budget.Accounts {
	everybody := o.Budget.limits()
	return budget.New(func(subject string) *budget.Limits {
		if o.BudgetOf == nil {
			return everybody
		}
		own := o.BudgetOf(subject)
		if own == nil {
			return everybody
		}
		return own.limits()
	})
}

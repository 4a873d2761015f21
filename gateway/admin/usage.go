package admin

import (
	"time"

	"github.com/lumenize/lmz"
)

// ListUsage takes after and limit, and returns what subjects use of their budgets, in the order
// of their names: a method of [Binding] for administrators. Subjects that hold
// nothing and owe nothing are left out. after is UsagePage.Next of the page before, or ""
// for the first page; a limit of 0 or of more than 1,000 means 1,000.
const ListUsage lmz.Method2[string, int, UsagePage] = "usage"

// UsagePage is some of the subjects that use something.
type UsagePage struct {
	Subjects []SubjectUsage
	Next     string // to go on with; "" if there are no more
}

// SubjectUsage is what one subject uses.
type SubjectUsage struct {
	Subject  string
	Sessions int64         // of its clients now
	Calls    int64         // steps, since the gateway knows the subject
	Time     time.Duration // of turns and workers, since the gateway knows the subject
	Wait     time.Duration // until the subject may call again; 0 if it may now
	Waiting  int64         // bytes
	Objects  int64
	Stored   int64 // bytes
	Watches  int64
	Alarms   int64
	Refused  map[string]uint64 // how often, by what was exceeded
}

package admin

import (
	"time"

	"github.com/lumenize/lmz"
)

// ListUsage takes after and limit, and returns what subjects use of their budgets, sorted by
// name. It is a method of [Binding] for administrators. Subjects that hold nothing and owe
// nothing are omitted. after is UsagePage.Next of the previous page, or "" for the first
// page; a limit of 0 or above 1,000 means 1,000.
const ListUsage lmz.Method2[string, int, UsagePage] = "usage"

// UsagePage is a page of subjects that use something.
type UsagePage struct {
	Subjects []SubjectUsage
	Next     string // "after" of the next page; "" if this is the last
}

// SubjectUsage is what one subject uses.
type SubjectUsage struct {
	Subject  string
	Sessions int64         // open sessions of its clients
	Calls    int64         // steps, since its account was created
	Time     time.Duration // of turns and workers, since its account was created
	Wait     time.Duration // until the subject may call again; 0 if it may now
	Waiting  int64         // bytes
	Objects  int64
	Stored   int64 // bytes
	Watches  int64
	Alarms   int64
	Refused  map[string]uint64 // refusals by exceeded budget
}

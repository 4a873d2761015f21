package gateway

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
)

// ListUsage takes after and limit, and returns what subjects use ([Budget]), in the order
// of their names: a method of [AdminBinding] for administrators. Subjects that hold
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

func (g *Gateway) listUsage(_ context.Context, after string, limit int) (UsagePage, error) {
	list, room := UsagePage{Subjects: []SubjectUsage{}}, newPage(limit)
	for _, u := range g.accounts.Usage(after, pageEntries+1) {
		if !room.takes(u.Subject) {
			list.Next = after
			break
		}
		after = u.Subject
		list.Subjects = append(list.Subjects, usageOf(u))
	}
	return list, nil
}

func usageOf(u budget.Usage) SubjectUsage {
	s := SubjectUsage{
		Subject: u.Subject, Sessions: u.Held[budget.Sessions], Calls: u.Held[budget.Steps], Time: time.Duration(u.Held[budget.Time]),
		Waiting: u.Held[budget.Waiting], Objects: u.Held[budget.Objects], Stored: u.Held[budget.Stored],
		Watches: u.Held[budget.Watches], Alarms: u.Held[budget.Alarms], Wait: u.Wait,
	}
	for k, n := range u.Refused {
		if n > 0 {
			if s.Refused == nil {
				s.Refused = make(map[string]uint64)
			}
			s.Refused[budget.Kind(k).String()] = n
		}
	}
	return s
}

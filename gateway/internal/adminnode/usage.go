package adminnode

import (
	"context"
	"time"

	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/internal/budget"
)

func (n *Node) listUsage(_ context.Context, after string, limit int) (admin.UsagePage, error) {
	list, room := admin.UsagePage{Subjects: []admin.SubjectUsage{}}, newPage(limit)
	for _, u := range n.accounts.Usage(after, pageEntries+1) {
		if !room.takes(u.Subject) {
			list.Next = after
			break
		}
		after = u.Subject
		list.Subjects = append(list.Subjects, usageOf(u))
	}
	return list, nil
}

func usageOf(u budget.Usage) admin.SubjectUsage {
	s := admin.SubjectUsage{
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

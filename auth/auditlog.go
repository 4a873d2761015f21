package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/store"
)

// auditList is a page of events. Next is the before of the next page, if there is one.
type auditList struct {
	Events []store.Event `json:"events"`
	Next   int64         `json:"next,omitempty"`
}

// listAudit lists events, newest first. Query: limit, before (an id), event, outcome, sub (actor or
// target).
func (s *Service) listAudit(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	limit, err := wholeNumber(q.Get("limit"), 50, 1, 500)
	if err != nil {
		return err
	}
	before, err := wholeNumber(q.Get("before"), 1<<53, 1, 1<<53)
	if err != nil {
		return err
	}
	list := newListPage[store.Event](limit)
	err = s.asAdmin(r, func(tx store.Tx, _ caller) error {
		query := store.EventQuery{Before: before, Limit: limit + 1, Event: q.Get("event"), Outcome: q.Get("outcome"), Sub: q.Get("sub")}
		return tx.Events(query, func(e store.Event) {
			if !list.more {
				list.add(e)
			}
		})
	})
	if err != nil {
		return err
	}
	out := auditList{Events: list.entries}
	if list.more {
		out.Next = out.Events[len(out.Events)-1].ID
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

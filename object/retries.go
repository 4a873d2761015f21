package object

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
)

// Retrying describes messages from one object to another that cannot execute them now.
type Retrying struct {
	From, To lmz.Address
	Waiting  int // number of messages
	Attempts int
	Since    time.Time // of the first attempt
	Next     time.Time // of the next
	Error    string    // of the last
	Cursor   string    // position in the list, for [Runtime.Retries]
}

// Retries returns the messages being retried that were sent by the object with an instance
// name, by all objects of a binding if instance is "", or by all objects if both are, in
// order of their names. If after is not empty, it is the cursor to continue after. Retries
// opens no objects.
func (rt *Runtime) Retries(binding, instance, after string) []Retrying {
	var list []Retrying
	rt.mu.Lock()
	for k, l := range rt.lanes {
		if l.row.Failures == 0 || binding != "" && k.from.Binding != binding || instance != "" && k.from.Instance != instance {
			continue
		}
		r := Retrying{
			From: k.from, To: k.to, Waiting: l.sends.Len(), Attempts: l.row.Failures, Error: l.row.Error,
			Since: time.UnixMilli(l.row.Since), Next: time.UnixMilli(l.row.Next),
			Cursor: strconv.Quote(k.from.String()) + " " + strconv.Quote(k.to.String()),
		}
		if r.Cursor > after {
			list = append(list, r)
		}
	}
	rt.mu.Unlock()
	slices.SortFunc(list, func(a, b Retrying) int { return cmp.Compare(a.Cursor, b.Cursor) })
	return list
}

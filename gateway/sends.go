package gateway

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
)

// deadEntries is how many dead letters are read for a page: they may be large.
const deadEntries = 200

// Methods of [AdminBinding] for administrators: clients whose token has the claim isAdmin.
const (
	// ListRetries returns what objects have sent to objects that cannot execute it just now,
	// one entry for each sender and receiver, see [object.Runtime.Retries].
	ListRetries lmz.Method1[SendQuery, RetryPage] = "listRetries"

	// ListDead returns what objects have sent in vain, see [object.Runtime.DeadLetters]. A
	// page may be empty and not the last.
	ListDead lmz.Method1[SendQuery, DeadPage] = "listDead"

	// RemoveDead removes a dead letter of an object by its ID, or all for "", and returns how
	// many.
	RemoveDead lmz.Method2[lmz.Address, string, int] = "removeDead"
)

// SendQuery says which sends to list.
type SendQuery struct {
	Binding  string // of the senders; "" for all
	Instance string // "" for all of the binding
	After    string // what Next of the page before was; "" for the first page
	Limit    int    // of entries; 0, and more than 1,000, mean 1,000. Long texts make a page shorter
	Args     bool   // dead letters come with their arguments
}

// RetryPage is some of what is tried again.
type RetryPage struct {
	Retries []Retry
	Next    string // to go on with; "" if there are no more
}

// Retry is what one object has sent to another that cannot execute it just now.
type Retry struct {
	From, To lmz.Address
	Waiting  int // messages
	Attempts int
	Since    time.Time // of the first attempt
	Next     time.Time // of the next
	Error    string
}

// DeadPage is some of the dead letters.
type DeadPage struct {
	Letters []DeadLetter
	Next    string // to go on with; "" if there are no more
}

// DeadLetter is something that an object has sent without wanting a reply, and that was not
// executed for good, or may not have been. Texts are cut after 1 KiB, but for Args.
type DeadLetter struct {
	From, To lmz.Address
	ID       string
	Work     string // names the methods that were to be called
	Args     string // the same with the arguments, as JSON, if they were asked for; "" if they were too large to be kept
	Died     time.Time
	Error    string
	Unknown  bool // it may have been executed
}

// exposeSends exposes what administrators do with what was sent.
func (g *Gateway) exposeSends(methods *lmz.Mux) {
	ListRetries.Expose(methods, g.administrator, g.listRetries,
		lmz.Params("query"), lmz.Doc("Lists the messages between objects that are tried again."), lmz.ReadOnly)
	ListDead.Expose(methods, g.administrator, g.listDead,
		lmz.Params("query"), lmz.Doc("Lists the messages between objects that were given up."), lmz.ReadOnly)
	RemoveDead.Expose(methods, g.administrator, g.removeDead,
		lmz.Params("object", "id"), lmz.Doc("Removes a dead letter of an object, or all without an id."), lmz.Destructive)
}

func (g *Gateway) listRetries(_ context.Context, q SendQuery) (RetryPage, error) {
	list, room := RetryPage{Retries: []Retry{}}, newPage(q.Limit)
	after := q.After
	for _, r := range g.objects.Retries(q.Binding, q.Instance, q.After) {
		shown := Retry{r.From, r.To, r.Waiting, r.Attempts, r.Since.UTC(), r.Next.UTC(), cut(r.Error)}
		if !room.takes(r.From.Instance, r.To.Instance, shown.Error) {
			list.Next = after
			break
		}
		after = r.Cursor
		list.Retries = append(list.Retries, shown)
	}
	return list, nil
}

func (g *Gateway) listDead(ctx context.Context, q SendQuery) (DeadPage, error) {
	list, room := DeadPage{Letters: []DeadLetter{}}, newPage(q.Limit)
	found, next, err := g.objects.DeadLetters(ctx, q.Binding, q.Instance, q.After, deadEntries)
	after := q.After
	for _, d := range found {
		shown := DeadLetter{From: d.From, To: d.To, ID: d.ID, Work: cut(d.Work), Died: d.Died.UTC(), Error: cut(d.Error), Unknown: d.Unknown}
		if q.Args {
			shown.Args = d.Args
		}
		if !room.takes(d.From.Instance, d.To.Instance, shown.Work, shown.Error, shown.Args) {
			next = after
			break
		}
		after = d.Cursor
		list.Letters = append(list.Letters, shown)
	}
	list.Next = next
	return list, named(err)
}

func (g *Gateway) removeDead(ctx context.Context, a lmz.Address, id string) (int, error) {
	n, err := g.objects.RemoveDead(ctx, a, id)
	if n == 0 && id != "" && err == nil {
		err = lmz.Errorf("%s has no dead letter %q", a, id)
	}
	return n, named(err)
}

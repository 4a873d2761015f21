package adminnode

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
)

// deadEntries is how many dead letters are read for a page, because they may be large.
const deadEntries = 200

// exposeSends exposes the methods for sends.
func (n *Node) exposeSends(methods *lmz.Mux) {
	admin.ListRetries.Expose(methods, n.administrator, n.listRetries,
		lmz.Params("query"), lmz.Doc("Lists the messages between objects that are tried again."), lmz.ReadOnly)
	admin.ListDead.Expose(methods, n.administrator, n.listDead,
		lmz.Params("query"), lmz.Doc("Lists the messages between objects that were given up."), lmz.ReadOnly)
	admin.RemoveDead.Expose(methods, n.administrator, n.removeDead,
		lmz.Params("object", "id"), lmz.Doc("Removes a dead letter of an object, or all without an id."), lmz.Destructive)
}

func (n *Node) listRetries(_ context.Context, q admin.SendQuery) (admin.RetryPage, error) {
	list, room := admin.RetryPage{Retries: []admin.Retry{}}, newPage(q.Limit)
	after := q.After
	for _, r := range n.objects.Retries(q.Binding, q.Instance, q.After) {
		shown := admin.Retry{
			From: r.From, To: r.To, Waiting: r.Waiting, Attempts: r.Attempts,
			Since: r.Since.UTC(), Next: r.Next.UTC(), Error: cut(r.Error),
		}
		if !room.takes(r.From.Instance, r.To.Instance, shown.Error) {
			list.Next = after
			break
		}
		after = r.Cursor
		list.Retries = append(list.Retries, shown)
	}
	return list, nil
}

func (n *Node) listDead(ctx context.Context, q admin.SendQuery) (admin.DeadPage, error) {
	list, room := admin.DeadPage{Letters: []admin.DeadLetter{}}, newPage(q.Limit)
	found, next, err := n.objects.DeadLetters(ctx, q.Binding, q.Instance, q.After, deadEntries)
	after := q.After
	for _, d := range found {
		shown := admin.DeadLetter{From: d.From, To: d.To, ID: d.ID, Work: cut(d.Work), Died: d.Died.UTC(), Error: cut(d.Error), Unknown: d.Unknown}
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

func (n *Node) removeDead(ctx context.Context, a lmz.Address, id string) (int, error) {
	removed, err := n.objects.RemoveDead(ctx, a, id)
	if removed == 0 && id != "" && err == nil {
		err = lmz.Errorf("%s has no dead letter %q", a, id)
	}
	return removed, named(err)
}

package object

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// watchRows are the rows of watches.
const watchRows = "watch/"

// watchRow is work for when a client's session has ended.
type watchRow struct {
	Client  []string // binding and instance
	Session []byte
	Chain   []byte
	Work    string
}

// Watch has the object do work, a continuation on itself, once when the session that
// the client has now has ended: it did not come back within its grace period, closed its
// connection for good, or another one has taken its place (PROTOCOL.md, "Sessions"). The
// work runs like a reply: in a turn, without guards, and with a fresh call chain. If the
// client has no session it runs as soon as this turn is over.
//
// The watch is stored with the turn. A gateway that was restarted knows no session of
// before, so the work runs then. To watch the same session for the same work again
// changes nothing. Watch wants the ctx of a handler that has the turn.
func (o *Object) Watch(ctx context.Context, client lmz.Address, work lmz.Continuation) error {
	chain, err := proto.MarshalChain(work)
	if err != nil {
		return fmt.Errorf("%s: %w", work, err)
	}
	session := o.rt.mesh.Session(client)
	w := watchRow{Client: []string{client.Binding, client.Instance}, Session: session[:], Chain: chain, Work: work.String()}
	value, err := proto.Marshal(w)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(value)
	key := fmt.Sprintf("%s%x", watchRows, hash[:16])
	fresh := false
	err = o.use(ctx, func(st store) error {
		_, found, err := st.row(key)
		if found || err != nil {
			return err
		}
		fresh, o.stirred = true, true
		return st.putRow(key, value)
	})
	if err != nil || !fresh {
		return err
	}
	return o.runOf(ctx).after(func() {
		o.rt.watch(watched{o.id.Address, key})
		o.rt.mesh.AfterSession(client, session, func() { o.rt.sessionEnded(watched{o.id.Address, key}, w) })
	})
}

// watched names a watch.
type watched struct {
	object lmz.Address
	key    string
}

// watch says that a watch is known in this life of the gateway, and reports whether it
// was already.
func (rt *Runtime) watch(x watched) (known bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	known = rt.watching[x]
	rt.watching[x] = true
	return known
}

// resumeWatch runs a watch of an earlier life of the gateway.
func (o *Object) resumeWatch(r row) error {
	w, err := decodeRow[watchRow](r)
	if x := (watched{o.id.Address, r.key}); err == nil && !o.rt.watch(x) {
		o.rt.sessionEnded(x, w)
	}
	return err
}

// sessionEnded has an object do what waited for the end of a session. It does not block.
func (rt *Runtime) sessionEnded(x watched, w watchRow) {
	rt.serveChore(x.object, chore{
		what: "watch", work: w.Work,
		wanted: func() bool { return rt.watching[x] },
		do:     func(ctx context.Context, h lmz.Handler) (any, error) { return proto.Execute(ctx, h, w.Chain) },
		ran: func(o *Object) (saved func(), err error) {
			return func() {
				rt.mu.Lock()
				delete(rt.watching, x)
				rt.mu.Unlock()
			}, o.store.deleteRow(x.key)
		},
	})
}

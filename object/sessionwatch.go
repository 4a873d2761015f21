package object

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/value"
)

// watchRow is work to do when a client's session has ended.
type watchRow struct {
	Client  []string `cbor:"client"` // binding and instance
	Session []byte   `cbor:"session"`
	Chain   []byte   `cbor:"chain"`
	Work    string   `cbor:"work"`
	Payer   string   `cbor:"payer,omitempty"` // see proto.WithPayer
}

// watchKey is the key of a watch, derived from the session and the methods of the work.
// Version 1 derived it from the whole row, and so stored a watch for each argument.
func watchKey(w watchRow) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(w.Client[0]), []byte(w.Client[1]), w.Session, []byte(w.Work)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return fmt.Sprintf("%s%x", store.WatchRows, h.Sum(nil)[:16])
}

// Watch makes the object do work, a continuation on itself, once when the client's current
// session has ended: it did not come back within its grace period, closed its connection for
// good, or was replaced by another session (PROTOCOL.md, "Sessions"). The work runs like a
// reply: in a turn, without guards, and with a fresh call chain. If the client has no
// session, it runs as soon as this turn is over.
//
// An object has one watch for each session and method: watching the same session again
// replaces the arguments, so a client that subscribes a thousand times is watched once. If
// many objects watch one session, only a few at a time do their work.
//
// The watch is stored with the turn. A restarted gateway knows no earlier sessions, so the
// work runs then. Watch requires the ctx of a handler that has the turn. It can fail with
// [lmz.ErrQuotaExceeded].
func (o *Object) Watch(ctx context.Context, client lmz.Address, work lmz.Continuation) error {
	chain, err := value.MarshalChain(work)
	if err != nil {
		return fmt.Errorf("%s: %w", work, err)
	}
	session := o.rt.mesh.Session(client)
	w := watchRow{
		Client: []string{client.Binding, client.Instance}, Session: session[:],
		Chain: chain, Work: work.String(), Payer: proto.PayerOf(ctx),
	}
	data, err := record.Marshal(w)
	if err != nil {
		return err
	}
	key, fresh := watchKey(w), false
	var refused *lmz.Error
	err = o.use(ctx, func(st store.Store) error {
		before, found, err := st.Row(key)
		if err != nil || found && bytes.Equal(before, data) {
			return err
		}
		if fresh = !found; fresh {
			if refused = o.rt.accounts.Check(w.Payer, budget.Watches, 1); refused != nil {
				return nil
			}
		}
		o.stirred = true
		return st.PutRow(key, data)
	})
	switch {
	case err != nil || refused == nil && !fresh:
		return err
	case refused != nil:
		return refused
	}
	x := watched{o.id.Address, key}
	return o.runOf(ctx).after(func() {
		o.rt.watch(x, w.Payer)
		o.rt.mesh.AfterSession(client, session, func() { o.rt.sessionEnded(x, w.Work, w.Payer, nil) })
	})
}

// watched identifies a watch.
type watched struct {
	object lmz.Address
	key    string
}

// watch registers a watch in this life of the gateway, and reports whether it was already
// registered.
func (rt *Runtime) watch(x watched, payer string) (known bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if _, known = rt.watching[x]; !known {
		rt.watching[x] = payer
		rt.accounts.Add(payer, budget.Watches, 1)
	}
	return known
}

// unwatch undoes watch. rt.mu is held.
func (rt *Runtime) unwatch(x watched) {
	if payer, known := rt.watching[x]; known {
		delete(rt.watching, x)
		rt.accounts.Add(payer, budget.Watches, -1)
	}
}

// resumeWatches runs the watches of an earlier life of the gateway. Of watches of version 1
// that differ only in their arguments, one runs: the greatest, which is the last if the
// arguments count up. The others are deleted with it.
func (o *Object) resumeWatches(rows []store.Row) error {
	type group struct {
		watchRow
		key  string
		also []string
	}
	groups := make(map[string]*group)
	var order []*group
	for _, r := range rows {
		w, err := decodeRow[watchRow](r)
		switch {
		case err != nil:
			return err
		case len(w.Client) != 2:
			return fmt.Errorf("the row %q is not a watch", r.Key)
		}
		g := groups[watchKey(w)]
		if g == nil {
			g = &group{w, r.Key, nil}
			groups[watchKey(w)] = g
			order = append(order, g)
			continue
		}
		other := r.Key
		if cmp.Or(cmp.Compare(len(w.Chain), len(g.Chain)), bytes.Compare(w.Chain, g.Chain)) > 0 {
			other, g.key, g.watchRow = g.key, r.Key, w
		}
		g.also = append(g.also, other)
	}
	for _, g := range order {
		if x := (watched{o.id.Address, g.key}); !o.rt.watch(x, g.Payer) {
			o.rt.sessionEnded(x, g.Work, g.Payer, g.also)
		}
	}
	return nil
}

// sessionEnded queues the object's work for the end of a session. The rows in also are
// deleted with it. It does not block.
func (rt *Runtime) sessionEnded(x watched, work, payer string, also []string) {
	c := chore{
		what: "watch", work: work, payer: payer,
		wanted: func() bool { _, known := rt.watching[x]; return known },
		do: func(ctx context.Context, h lmz.Handler) (any, error) {
			chain, found, err := watchedChain(ctx, x)
			if err != nil || !found {
				return nil, err
			}
			return proto.Execute(ctx, h, chain)
		},
		ran: func(o *Object) (saved func(), err error) {
			for _, key := range append(also, x.key) {
				if err := o.store.DeleteRow(key); err != nil {
					return func() {}, err
				}
			}
			return func() {
				rt.mu.Lock()
				defer rt.mu.Unlock()
				rt.unwatch(x)
			}, nil
		},
	}
	start := func(finished func()) {
		c := c
		c.finished = finished
		rt.serveChore(x.object, c)
	}
	c.again = func() { rt.ends.add(payer, start) }
	rt.ends.add(payer, start)
}

// watchedChain reads the work, which may have been replaced since.
func watchedChain(ctx context.Context, x watched) (chain []byte, found bool, err error) {
	r := ctx.Value(runKey{}).(*run)
	var data []byte
	err = r.o.use(ctx, func(st store.Store) (err error) {
		data, found, err = st.Row(x.key)
		return err
	})
	if err != nil || !found {
		return nil, false, err
	}
	w, err := decodeRow[watchRow](store.Row{Key: x.key, Value: data})
	return w.Chain, true, err
}

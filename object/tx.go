package object

import (
	"context"

	"github.com/lumenize/lmz/internal/store"
)

// Tx runs f. If f panics or returns an error, which Tx returns, everything that f wrote (KV
// and SQL) and sent is undone. Tx is part of the turn: its writes are committed or rolled
// back with the turn. Tx may be nested. CallRaw in f fails at once, because it would end the
// turn in the middle.
//
// It requires the ctx of a running handler of the object, as storage does.
func (o *Object) Tx(ctx context.Context, f func(ctx context.Context) error) (err error) {
	r := o.runOf(ctx)
	var before sent
	charges := 0
	err = o.use(ctx, func(s store.Store) error {
		r.parts++
		before, charges = r.sent(), len(o.charges)
		return s.BeginPart()
	})
	if err != nil {
		return err
	}
	undo := true // even if f panics
	defer func() {
		failure := o.use(ctx, func(s store.Store) error {
			r.parts--
			if undo {
				r.unsend(before)
				o.charges = o.charges[:charges]
			}
			return s.EndPart(undo)
		})
		if err == nil {
			err = failure
		}
	}()
	err = f(ctx)
	undo = err != nil
	return err
}

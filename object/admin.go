package object

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
	"github.com/lumenize/lmz/internal/wake"
)

// Due says when an object must be woken.
type Due struct {
	Object lmz.Address
	At     time.Time // of its next alarm; zero if it has sends or watches under way
	Cursor string    // position in the list, for [Runtime.Due]

	// Failures counts how often it has failed to do its own work since Since, because it does
	// not start or cannot store anything; Error is the reason. 0 means that it can.
	Failures int
	Since    time.Time
	Error    string
}

// Due returns the objects of a binding, or of all bindings if it is empty, that have work to
// do, the earliest first. If after is not empty, it is the cursor to continue after. Due
// opens no objects, and the times may be too early: they come from the wake index of the
// data directory.
func (rt *Runtime) Due(binding, after string) []Due {
	var list []Due
	for a, d := range rt.wakes.All() {
		due := Due{Object: a, Cursor: fmt.Sprintf("%016x %s", d.At, a), Failures: d.Unable.Failures, Since: d.Unable.Since, Error: d.Unable.Why}
		if binding != "" && a.Binding != binding || due.Cursor <= after || d.At == wake.Dead {
			continue
		}
		if d.At != wake.AtStart {
			due.At = time.UnixMilli(d.At)
		}
		list = append(list, due)
	}
	slices.SortFunc(list, func(a, b Due) int { return cmp.Compare(a.Cursor, b.Cursor) })
	return list
}

// WithAlarms runs f in a turn of the object at a, opening it if necessary. It is for
// administrators. f gets the object's alarms and the ctx to use them with. An object that
// has stored nothing does not exist, and is not created.
func (rt *Runtime) WithAlarms(ctx context.Context, a lmz.Address, f func(ctx context.Context, alarms *Alarms) error) error {
	return rt.administer(ctx, a, func(ctx context.Context, o *Object) error { return f(ctx, o.Alarms()) })
}

// administer runs f in a turn of an object that has stored something.
func (rt *Runtime) administer(ctx context.Context, a lmz.Address, f func(ctx context.Context, o *Object) error) error {
	if err := rt.mustExist(a); err != nil {
		return err
	}
	o, place, refused := rt.enter(a, turn.Who{Payer: proto.PayerOf(ctx)}, maxWaiting)
	if refused != nil {
		return refused
	}
	defer rt.leave(o)
	ctx, cancel := rt.bound(proto.Bare(ctx))
	defer cancel(nil)
	if refused := o.begin(ctx, place, false); refused != nil {
		return refused
	}
	r := o.newRun(ctx, cancel, place)
	var err error
	do(func() { err = f(context.WithValue(ctx, runKey{}, r), o) })
	ended := make(chan proto.Answer, 1)
	r.end(proto.NewAnswer(nil, err), func(a proto.Answer) { ended <- a })
	if _, failure := (<-ended).Result(); err == nil {
		err = failure
	}
	return err
}

// mustExist returns an error if the object has stored nothing. Invalid addresses are left to
// enter, which says what is wrong.
func (rt *Runtime) mustExist(a lmz.Address) error {
	rt.mu.Lock()
	_, known := rt.kinds[a.Binding]
	rt.mu.Unlock()
	if known && checkInstance(a.Instance) == nil && !rt.disk.Exists(a) {
		return absent(a.String() + " has stored nothing")
	}
	return nil
}

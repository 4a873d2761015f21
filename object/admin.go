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
)

// Due says when an object has to be woken.
type Due struct {
	Object lmz.Address
	At     time.Time // of its next alarm; zero: something that it sent or watches is under way
	Cursor string    // of the place in the list, for [Runtime.Due]
}

// Due returns the objects of a binding, or of all if it is empty, that have something to
// do, the next one first, and only those behind the place that a cursor names, unless that
// is empty. It opens none, and may be too early: it is what the index of the data directory
// says.
func (rt *Runtime) Due(binding, after string) []Due {
	var list []Due
	for a, at := range rt.wakes.all() {
		due := Due{Object: a, Cursor: fmt.Sprintf("%016x %s", at, a)}
		if binding != "" && a.Binding != binding || due.Cursor <= after {
			continue
		}
		if at != wakeAtStart {
			due.At = time.UnixMilli(at)
		}
		list = append(list, due)
	}
	slices.SortFunc(list, func(a, b Due) int { return cmp.Compare(a.Cursor, b.Cursor) })
	return list
}

// WithAlarms runs f in a turn of the object at a, which it opens if need be, for whoever
// administers it. f gets the object's alarms and the ctx that they want. An object that
// has stored nothing does not exist, and is not made.
func (rt *Runtime) WithAlarms(ctx context.Context, a lmz.Address, f func(ctx context.Context, alarms *Alarms) error) error {
	rt.mu.Lock()
	_, known := rt.kinds[a.Binding]
	rt.mu.Unlock()
	if known && checkInstance(a.Instance) == nil && !rt.exists(a) {
		return absent(a.String() + " has stored nothing, so it has no alarms")
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
	do(func() { err = f(context.WithValue(ctx, runKey{}, r), o.Alarms()) })
	ended := make(chan proto.Answer, 1)
	r.end(proto.NewAnswer(nil, err), func(a proto.Answer) { ended <- a })
	if _, failure := (<-ended).Result(); err == nil {
		err = failure
	}
	return err
}

package object

import (
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/wake"
)

// The methods of Object here are for whoever has the turn.

// nobody needs to know the end of a commit.
func nobody(error) {}

// announce prepares a commit that may change when the object has to be woken: the index
// of wakes must not say later than what will be stored. It returns what to do when the commit
// is durable, or has failed or was lost.
func (o *Object) announce() (ended func(error), err error) {
	if !o.stirred {
		return nobody, nil
	}
	a, wakes := o.id.Address, o.rt.wakes
	atStart, alarm, err := o.whenToWake()
	if err != nil {
		return nil, err
	}
	failpoint.Here("before index")
	if err := wakes.Announce(a, atStart); err != nil {
		wakes.Failed(a)
		return nil, err
	}
	failpoint.Here("after index")
	return func(err error) {
		if err != nil {
			wakes.Failed(a)
		} else {
			wakes.Committed(a, atStart, alarm)
		}
	}, nil
}

// whenToWake returns when the object has to be woken after a start, and when in this life.
func (o *Object) whenToWake() (atStart, alarm int64, err error) { return wake.When(o.store, o.firing) }

// resume takes up what the object has begun in an earlier life: it presents what was
// sent and not settled, and runs what watched clients that are gone. What is under way
// in this life of the gateway already stays so.
func (o *Object) resume() error {
	atStart, alarm, err := o.whenToWake()
	if err != nil {
		return err
	}
	o.rt.wakes.Known(o.id.Address, atStart, alarm)
	if atStart != wake.AtStart {
		return nil
	}
	if err := o.resumeLanes(); err != nil {
		return err
	}
	sends, err := o.store.Rows(store.SendRows, store.NoLimit)
	if err != nil {
		return err
	}
	for _, r := range sends {
		if err := o.presentAgain(r); err != nil {
			return err
		}
	}
	watches, err := o.store.Rows(store.WatchRows, store.NoLimit)
	if err != nil {
		return err
	}
	return o.resumeWatches(watches)
}

// decodeRow decodes what putEncoded has stored.
func decodeRow[T any](r store.Row) (v T, err error) {
	err = record.Unmarshal(r.Value, &v)
	return v, err
}

// tidy stores what was settled and waits for a commit, before the object is closed.
func (o *Object) tidy() {
	if o.store == nil {
		return
	}
	if err := o.commitAll(new(group), true); err != nil { // it is settled again in the next life
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
	}
}

package object

import (
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/wake"
)

// The methods of Object in this file require the turn.

// nobody is the callback for a commit whose end nothing waits for.
func nobody(error) {}

// announce prepares a commit that may change when the object must be woken: the wake index
// must never have a later time than what will be stored. It returns a function to call when
// the commit is durable, or has failed or was lost.
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

// whenToWake returns when the object must be woken after a start of the gateway, and when in
// this life.
func (o *Object) whenToWake() (atStart, alarm int64, err error) { return wake.When(o.store, o.firing) }

// resume continues what the object began in an earlier life: it presents unsettled sends
// again, and runs the work of watches whose clients are gone. What is already under way in
// this life of the gateway is left alone.
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

// decodeRow decodes a row stored by putEncoded.
func decodeRow[T any](r store.Row) (v T, err error) {
	err = record.Unmarshal(r.Value, &v)
	return v, err
}

// tidy stores settlements that wait for a commit, before the object is closed.
func (o *Object) tidy() {
	if o.store == nil {
		return
	}
	if err := o.commitAll(new(group), true); err != nil { // settled again in the next life
		o.logger().Error("storage failed", "error", store.WithoutPath(err))
	}
}

package object

import (
	"strconv"
	"strings"

	"github.com/lumenize/lmz/internal/proto"
)

// The methods of Object here are for whoever has the turn.

// announce prepares a commit that may change when the object has to be woken: the index
// of wakes must not say later than what will be on disk. It returns what to do with the
// outcome of the commit.
func (o *Object) announce() (committed func(error), err error) {
	if !o.stirred {
		return func(error) {}, nil
	}
	a, wakes := o.id.Address, o.rt.wakes
	atStart, alarm, err := o.whenToWake()
	if err != nil {
		return nil, err
	}
	failpoint("before index")
	if err := wakes.lower(a, atStart); err != nil {
		wakes.failed(a)
		return nil, err
	}
	failpoint("after index")
	return func(err error) {
		if err != nil {
			wakes.failed(a)
			return
		}
		o.stirred = false
		wakes.known(a, atStart, alarm)
	}, nil
}

// whenToWake returns when the object has to be woken after a start, and when in this
// life, where what was sent is under way and some alarms run already.
func (o *Object) whenToWake() (atStart, alarm int64, err error) {
	rows, err := o.store.rows(dueRows, len(o.firing)+1)
	if err != nil {
		return 0, 0, err
	}
	atStart, alarm = neverWake, o.nextAlarm(rows)
	if len(rows) > 0 {
		atStart, _, _ = parseDue(rows[0].key)
	}
	for _, prefix := range []string{sendRows, watchRows} {
		pending, err := o.store.rows(prefix, 1)
		if err != nil {
			return 0, 0, err
		}
		if len(pending) > 0 {
			atStart = wakeAtStart
		}
	}
	if atStart == neverWake {
		dead, err := o.store.rows(deadRows, 1)
		if err != nil {
			return 0, 0, err
		}
		if len(dead) > 0 {
			atStart = wakeDead
		}
	}
	return atStart, alarm, nil
}

// parseDue reads what dueKey has written.
func parseDue(key string) (at, rev int64, ok bool) {
	first, second, ok := strings.Cut(strings.TrimPrefix(key, dueRows), "/")
	at, err1 := strconv.ParseInt(first, 16, 64)
	rev, err2 := strconv.ParseInt(second, 16, 64)
	return at, rev, ok && err1 == nil && err2 == nil
}

// resume takes up what the object has begun in an earlier life: it presents what was
// sent and not settled, and runs what watched clients that are gone. What is under way
// in this life of the gateway already stays so.
func (o *Object) resume() error {
	atStart, alarm, err := o.whenToWake()
	if err != nil {
		return err
	}
	o.rt.wakes.known(o.id.Address, atStart, alarm)
	if atStart != wakeAtStart {
		return nil
	}
	if err := o.resumeLanes(); err != nil {
		return err
	}
	sends, err := o.store.rows(sendRows, noLimit)
	if err != nil {
		return err
	}
	for _, r := range sends {
		if err := o.presentAgain(r); err != nil {
			return err
		}
	}
	watches, err := o.store.rows(watchRows, noLimit)
	if err != nil {
		return err
	}
	return o.resumeWatches(watches)
}

// decodeRow decodes what putEncoded has stored.
func decodeRow[T any](r row) (v T, err error) {
	err = proto.Unmarshal(r.value, &v)
	return v, err
}

// tidy stores what was settled and waits for a commit, before the object is closed.
func (o *Object) tidy() {
	if o.store == nil {
		return
	}
	if err := o.commitAll(true); err != nil { // it is settled again in the next life
		o.logger().Error("storage failed", "error", withoutPath(err))
	}
}

package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/value"
)

// Alarms are the alarms of one object: work that it does at a given time, even if it is
// closed then; if the gateway was down, as soon as it runs again. The work is a continuation
// on the object itself. It runs like a reply: in a turn, without guards, and with a fresh
// call chain; [AlarmFrom] says which alarm it is. An alarm runs at least once: its last turn
// also stores that it has run, so work of a single turn takes effect once, and work that
// waits in CallRaw may be repeated after a crash. Work that fails is rolled back and retried
// as [Retry] says.
//
// Alarms of one object that are due together begin in order of their times; for equal times,
// in the order in which they were set.
//
// The methods require the ctx of a handler that has the turn, as those of [KV] do, and are
// part of the turn: an alarm set in a turn that fails was never set.
type Alarms struct {
	o *Object
}

// Alarms returns the object's alarms.
func (o *Object) Alarms() *Alarms { return &Alarms{o} }

// maxAlarmID is the maximum length of a new alarm's ID, in bytes.
const maxAlarmID = 1024

// Set sets an alarm: the object does work at the times given by s. An alarm with the same ID
// is replaced, even from within its own work.
func (a *Alarms) Set(ctx context.Context, s Schedule, work lmz.Continuation, options AlarmOptions) (Alarm, error) {
	switch {
	case !utf8.ValidString(options.ID):
		return Alarm{}, errors.New("the ID of an alarm must be valid UTF-8")
	case len(options.ID) > maxAlarmID:
		return Alarm{}, fmt.Errorf("the ID of an alarm has at most %d bytes, and this one has %d", maxAlarmID, len(options.ID))
	}
	chain, err := value.MarshalChain(work)
	if err != nil {
		return Alarm{}, fmt.Errorf("%s: %w", work, err)
	}
	set, err := newAlarm(s, options, 0, time.Now())
	if err != nil {
		return Alarm{}, err
	}
	set.Chain, set.Work, set.Payer = chain, work.String(), proto.PayerOf(ctx)
	var refused *lmz.Error
	err = a.o.use(ctx, func(st store.Store) (err error) {
		replaced, err := getAlarm(st, set.ID)
		if err != nil {
			return err
		}
		if replaced == nil || replaced.Payer != set.Payer {
			if refused = a.o.mayHold(set.Payer, budget.Alarms); refused != nil {
				return nil
			}
		}
		if set.Rev, err = nextRev(st); err != nil {
			return err
		}
		if set.ID == "" {
			set.ID = fmt.Sprintf("a%010s", strconv.FormatInt(set.Rev, 36))
		}
		return a.o.putAlarm(st, &set)
	})
	if err == nil && refused != nil {
		return Alarm{}, refused
	}
	return set.alarm(), err
}

// Get returns the alarm with an ID, and whether there is one.
func (a *Alarms) Get(ctx context.Context, id string) (found Alarm, ok bool, err error) {
	err = a.o.use(ctx, func(st store.Store) error {
		row, err := getAlarm(st, id)
		if row != nil {
			found, ok = row.alarm(), true
		}
		return err
	})
	return found, ok, err
}

// AlarmFilter selects alarms. Unset fields select all.
type AlarmFilter struct {
	Prefix string    // of the ID
	Kind   string    // "in", "at" or "cron"
	From   time.Time // those that run then or later
	Before time.Time // those that run before
	Dead   bool      // those that are dead
	After  string    // those that come after the one with this [Alarm.Cursor]
}

func (f AlarmFilter) matches(a Alarm) bool {
	switch {
	case !strings.HasPrefix(a.ID, f.Prefix),
		f.Kind != "" && string(a.Schedule.kind) != f.Kind,
		!f.From.IsZero() && (a.Dead || a.Next.Before(f.From)),
		!f.Before.IsZero() && (a.Dead || !a.Next.Before(f.Before)),
		f.Dead && !a.Dead,
		a.Cursor <= f.After:
		return false
	}
	return true
}

// List returns the alarms that a filter selects, in the order in which they run, followed by
// the dead ones.
func (a *Alarms) List(ctx context.Context, f AlarmFilter) ([]Alarm, error) {
	var rows []alarmRow
	err := a.o.use(ctx, func(st store.Store) error {
		found, err := st.Rows(alarmRows+f.Prefix, store.NoLimit)
		if err != nil {
			return err
		}
		for _, r := range found {
			row, err := decodeRow[alarmRow](r)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	var list []Alarm
	for i := range rows {
		if found := rows[i].alarm(); f.matches(found) {
			list = append(list, found)
		}
	}
	slices.SortFunc(list, func(a, b Alarm) int { return cmp.Compare(a.Cursor, b.Cursor) })
	return list, err
}

// Cancel removes the alarm with an ID, and returns it and whether there was one. Work that
// is already running is not interrupted.
func (a *Alarms) Cancel(ctx context.Context, id string) (cancelled Alarm, ok bool, err error) {
	err = a.o.use(ctx, func(st store.Store) error {
		row, err := getAlarm(st, id)
		if row == nil || err != nil {
			return err
		}
		cancelled, ok = row.alarm(), true
		return a.o.dropAlarm(st, row)
	})
	return cancelled, ok, err
}

// Run makes the alarm with an ID due now, reviving it if it is dead, and reports whether
// there is one. It runs when this turn is over. A cron alarm then continues with its next
// time.
func (a *Alarms) Run(ctx context.Context, id string) (ok bool, err error) {
	err = a.o.use(ctx, func(st store.Store) error {
		row, err := getAlarm(st, id)
		if row == nil || err != nil {
			return err
		}
		ok = true
		if err := a.o.dropAlarm(st, row); err != nil {
			return err
		}
		if row.Rev, err = nextRev(st); err != nil {
			return err
		}
		row.Dead = false
		row.aim(time.Now())
		return a.o.putAlarm(st, row)
	})
	return ok, err
}

// History returns the last runs of the alarm with an ID, or of all if it is empty, the
// latest last. The object remembers 200 runs in total.
func (a *Alarms) History(ctx context.Context, id string) ([]AlarmRun, error) {
	var runs []AlarmRun
	err := a.o.use(ctx, func(st store.Store) error {
		found, err := st.Rows(runRows, store.NoLimit)
		if err != nil {
			return err
		}
		for _, r := range found {
			run, err := decodeRow[runRow](r)
			if err != nil {
				return err
			}
			if id == "" || run.ID == id {
				runs = append(runs, AlarmRun(run))
			}
		}
		return nil
	})
	slices.SortStableFunc(runs, func(x, y AlarmRun) int { return x.Ended.Compare(y.Ended) })
	return runs, err
}

// putAlarm stores an alarm, replacing any with the same ID.
func (o *Object) putAlarm(st store.Store, a *alarmRow) error {
	before, err := getAlarm(st, a.ID)
	if err != nil {
		return err
	}
	if before != nil {
		if err := o.dropAlarm(st, before); err != nil {
			return err
		}
	}
	o.stirred = true
	o.charged(a.Payer, budget.Alarms, 1)
	if !a.Dead {
		if err := st.PutRow(dueKey(a), []byte(a.ID)); err != nil {
			return err
		}
	}
	return putEncoded(st, alarmRows+a.ID, a)
}

func (o *Object) dropAlarm(st store.Store, a *alarmRow) error {
	o.stirred = true
	o.charged(a.Payer, budget.Alarms, -1)
	if err := st.DeleteRow(dueKey(a)); err != nil {
		return err
	}
	return st.DeleteRow(alarmRows + a.ID)
}

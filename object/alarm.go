package object

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/cron"
	"github.com/lumenize/lmz/internal/node"
)

// AlarmOptions configures an alarm.
type AlarmOptions struct {
	// ID names the alarm within its object. An existing alarm with that ID is replaced. If
	// empty, a new ID is generated, which sorts after those generated before. At most 1 KiB.
	ID string

	// Retry says what happens when the work fails.
	Retry Retry

	// Late says what happens when the alarm is late; the default is [LateOnce].
	Late Late
}

// Alarm is the current state of an alarm.
type Alarm struct {
	ID       string
	Schedule Schedule
	Options  AlarmOptions
	Work     string    // names the methods that will be called: "remind()"
	Next     time.Time // when it runs next; zero if it is dead
	Created  time.Time

	// Failures counts the failed attempts of the run that is due; Error is the last one's
	// error.
	Failures int
	Error    string

	// Dead reports that its last attempt has failed: the alarm is kept but does not run until
	// it is run by hand, replaced or cancelled. For a cron alarm, a copy named ID@time is kept
	// for the time that failed, and the alarm itself continues.
	Dead bool

	Cursor string // position in a list, for [AlarmFilter]
}

// AlarmRun is one run of an alarm.
type AlarmRun struct {
	ID      string
	Due     time.Time // when it should have run
	Attempt int       // from 1
	Began   time.Time
	Ended   time.Time // zero while it runs
	Error   string    // "" if it succeeded
	Skipped bool      // it was late and did not run
	Over    string    `lmz:",omitempty"` // why the cron alarm ended with this run (no further time matches), else ""
}

// newAlarm returns the row of a new alarm.
func newAlarm(s Schedule, o AlarmOptions, rev int64, now time.Time) (alarmRow, error) {
	switch o.Late {
	case "":
		o.Late = LateOnce
	case LateOnce, LateSkip, LateAll:
	default:
		return alarmRow{}, fmt.Errorf("Late %q is none of once, skip and all", o.Late)
	}
	if s.kind == kindCron {
		if err := cron.Check(s.cron); err != nil {
			return alarmRow{}, err
		}
	}
	first, err := s.next(now)
	if err != nil {
		return alarmRow{}, err
	}
	retry := o.Retry.withDefaults()
	a := alarmRow{
		ID: o.ID, Rev: rev, Kind: string(s.kind), Delay: int64(s.delay), Cron: s.cron, Zone: s.zone,
		Attempts: retry.Attempts, First: int64(retry.First), Max: int64(retry.Max), Late: string(o.Late), Created: now.UnixMilli(),
	}
	if s.kind == kindAt {
		if s.at.IsZero() || s.at.Year() > 9999 {
			return alarmRow{}, errors.New("the time of the alarm is missing or beyond the year 9999")
		}
		a.At = s.at.UnixMicro()
	}
	a.aim(first)
	return a, nil
}

// aim sets the time for which the alarm runs next, rounded up to a millisecond so that it is
// never early.
func (a *alarmRow) aim(t time.Time) {
	a.Due = max(t.Add(time.Millisecond-1).UnixMilli(), 0)
	a.Next, a.Failures, a.Error = a.Due, 0, ""
}

func (a *alarmRow) schedule() Schedule {
	s := Schedule{kind: scheduleKind(a.Kind), delay: time.Duration(a.Delay), cron: a.Cron, zone: a.Zone}
	if s.kind == kindAt {
		s.at = time.UnixMicro(a.At)
	}
	return s
}

func (a *alarmRow) retry() Retry {
	return Retry{Attempts: a.Attempts, First: time.Duration(a.First), Max: time.Duration(a.Max)}
}

// skipped reports whether the alarm is too late to run.
func (a *alarmRow) skipped(now time.Time) bool {
	return Late(a.Late) == LateSkip && a.Failures == 0 && now.UnixMilli()-a.Due > lateAfter.Milliseconds()
}

// fate is what becomes of an alarm after a run.
type fate int

const (
	alarmAgain fate = iota // runs again, at Next
	alarmOver              // removed
	alarmDead              // kept, but does not run
)

// ran records that the alarm has run, or was skipped, and its error. A cron alarm whose last
// attempt failed is dead for that time only: grave is then the copy to keep. over is why a
// cron alarm ended.
func (a *alarmRow) ran(now time.Time, err error) (what fate, grave *alarmRow, over error) {
	if err != nil {
		a.Failures++
		a.Error = err.Error()
		if a.Failures < a.Attempts {
			a.Next = now.Add(a.retry().pause(a.Failures)).UnixMilli()
			return alarmAgain, nil, nil
		}
		died := *a
		died.Dead = true
		if scheduleKind(a.Kind) != kindCron {
			*a = died
			return alarmDead, nil, nil
		}
		died.Kind, died.At = string(kindAt), time.UnixMilli(a.Due).UnixMicro()
		died.ID += "@" + time.UnixMilli(a.Due).UTC().Format(time.RFC3339)
		grave = &died
	}
	if scheduleKind(a.Kind) != kindCron {
		return alarmOver, nil, nil
	}
	from := now
	if due := time.UnixMilli(a.Due); Late(a.Late) == LateAll || due.After(from) {
		from = due
	}
	next, failure := a.schedule().next(from)
	if failure != nil { // no future time matches
		return alarmOver, grave, failure
	}
	a.aim(next)
	return alarmAgain, grave, nil
}

// cursor is the position of the alarm in a list: ordered by when it runs, dead alarms last,
// and then by when it was set.
func (a *alarmRow) cursor() string {
	dead := 0
	if a.Dead {
		dead = 1
	}
	return fmt.Sprintf("%d %016x %016x", dead, a.Next, a.Rev)
}

// alarm is the row as its object sees it.
func (a *alarmRow) alarm() Alarm {
	out := Alarm{
		Cursor: a.cursor(),
		ID:     a.ID, Schedule: a.schedule(), Options: AlarmOptions{ID: a.ID, Retry: a.retry(), Late: Late(a.Late)},
		Work: a.Work, Created: time.UnixMilli(a.Created), Failures: a.Failures, Error: a.Error, Dead: a.Dead,
	}
	if !a.Dead {
		out.Next = time.UnixMilli(a.Next)
	}
	return out
}

// publicText is the part of an error that is kept: what a caller would see.
func publicText(err error) string {
	if e := node.PublicError(err); e != nil {
		return strings.ToValidUTF8(e.Error(), "\ufffd") // records hold only valid UTF-8
	}
	return "internal error"
}

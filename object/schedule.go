package object

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // time zones, also where the system has none

	"github.com/lumenize/lmz/internal/cron"
)

// Schedule says when an alarm runs. Make one with [In], [At] or [Cron].
type Schedule struct {
	kind  scheduleKind
	delay time.Duration
	at    time.Time
	cron  string
	zone  string
}

type scheduleKind string

const (
	kindIn   scheduleKind = "in"
	kindAt   scheduleKind = "at"
	kindCron scheduleKind = "cron"
)

// In is once, when d has passed since the alarm was set. A d that is not positive is
// now: as soon as the turn that set the alarm is over.
func In(d time.Duration) Schedule { return Schedule{kind: kindIn, delay: d} }

// At is once, at t, or now if t has passed.
func At(t time.Time) Schedule { return Schedule{kind: kindAt, at: t} }

// Cron is again and again, whenever the clock of a time zone matches the expression:
// minute, hour, day, month and weekday, or six fields that begin with the second, or
// seven that end with the year; lists, ranges, steps, names, L, W and # are understood,
// and @minutely, @hourly, @daily, @weekly, @monthly and @yearly. A range may go across the end, as
// FRI-MON and 22-2 do. The zone is a name like "Europe/Berlin"; empty means UTC. An
// expression that cannot be read, or never comes, is an error when the alarm is set. One
// that ends, because it names years, ends its alarm.
//
// When the clocks go forward, times that do not exist are left out. When they go back,
// the hour that comes twice counts twice for an expression whose hour begins with *,
// and once for others.
func Cron(expression, zone string) Schedule {
	return Schedule{kind: kindCron, cron: expression, zone: zone}
}

// String describes the schedule: "in 10s", "at 2026-01-02T15:04:05Z",
// "cron 0 9 * * 1-5 Europe/Berlin".
func (s Schedule) String() string {
	switch s.kind {
	case kindIn:
		return "in " + s.delay.String()
	case kindAt:
		return "at " + s.at.UTC().Format(time.RFC3339Nano)
	case kindCron:
		return strings.TrimSpace("cron " + s.cron + " " + s.zone)
	}
	return "never"
}

// next returns the first time after a moment, which is when the alarm is set or when
// it was last due.
func (s Schedule) next(after time.Time) (time.Time, error) {
	switch s.kind {
	case kindIn:
		return after.Add(max(s.delay, 0)), nil
	case kindAt:
		return s.at, nil
	case kindCron:
		return cron.Next(s.cron, s.zone, after)
	}
	return time.Time{}, errors.New("the schedule says nothing: make it with object.In, object.At or object.Cron")
}

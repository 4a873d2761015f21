package object

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // time zones, in case the system has none

	"github.com/lumenize/lmz/internal/cron"
)

// Schedule says when an alarm runs. Create one with [In], [At] or [Cron].
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

// In schedules an alarm to run once, d after it was set. If d is not positive, it runs as
// soon as the turn that set it is over.
func In(d time.Duration) Schedule { return Schedule{kind: kindIn, delay: d} }

// At schedules an alarm to run once, at t, or now if t has passed.
func At(t time.Time) Schedule { return Schedule{kind: kindAt, at: t} }

// Cron schedules an alarm to run repeatedly, whenever the clock of a time zone matches the
// expression: minute, hour, day, month and weekday, or six fields that begin with the
// second, or seven that end with the year. It supports lists, ranges, steps, names, L, W and
// #, and @minutely, @hourly, @daily, @weekly, @monthly and @yearly. Ranges may wrap around,
// as FRI-MON and 22-2 do. The zone is a name like "Europe/Berlin"; empty means UTC. Setting
// an alarm fails if the expression is invalid or never matches. An expression with years
// ends its alarm after the last match.
//
// When clocks go forward, times that do not exist are skipped. When they go back, the
// repeated hour counts twice for an expression whose hour field begins with *, and once for
// others.
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

// next returns the first time after the given one, which is when the alarm was set or last
// due.
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

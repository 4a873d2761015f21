package object

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
)

func parseTime(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheNextTimeOfASchedule(t *testing.T) {
	const now = "2025-03-01T12:00:00.5Z"
	for _, test := range []struct {
		s    Schedule
		want string
		text string
	}{
		{In(0), now, "in 0s"},
		{In(-time.Hour), now, "in -1h0m0s"},
		{In(1500 * time.Millisecond), "2025-03-01T12:00:02Z", "in 1.5s"},
		{At(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)), "2020-01-01T00:00:00Z", "at 2020-01-01T00:00:00Z"},
		{Cron("0 9 * * 1-5", ""), "2025-03-03T09:00:00Z", "cron 0 9 * * 1-5"},
		{Cron("0 9 * * mon", "America/New_York"), "2025-03-03T14:00:00Z", "cron 0 9 * * mon America/New_York"},
		{Cron("*/10 * * * * *", ""), "2025-03-01T12:00:10Z", "cron */10 * * * * *"},
		{Cron("@daily", "Asia/Tokyo"), "2025-03-01T15:00:00Z", "cron @daily Asia/Tokyo"},
		{Cron("0 0 29 2 *", ""), "2028-02-29T00:00:00Z", "cron 0 0 29 2 *"},
		{Cron("0 0 L * *", ""), "2025-03-31T00:00:00Z", "cron 0 0 L * *"},
	} {
		got, err := test.s.next(parseTime(t, now))
		wantNil(t, err)
		if want := parseTime(t, test.want); !got.Equal(want) || test.s.String() != test.text {
			t.Errorf("%s: got %s, want %s", test.s, got.UTC(), want)
		}
	}
	for _, s := range []Schedule{
		{}, Cron("", ""), Cron("0 9 * *", ""), Cron("60 * * * *", ""), Cron("0 9 * * 1-5", "Mars/Olympus"), Cron("0 0 30 2 *", ""),
	} {
		if _, err := s.next(parseTime(t, now)); err == nil {
			t.Errorf("%q has a next time", s)
		}
	}
}

// The validity of an expression does not depend on the day, and the error says what is
// wrong.
func TestTheReasonWhyACronIsRefused(t *testing.T) {
	for cron, want := range map[string]string{
		"*,99 * * * *":        `minute "99"`,
		"0 0 * * *,FOO":       `weekday "FOO"`,
		"0 25-3 * * *":        `hour "25-3"`,
		"0 0 * * * 2030-2026": `year "2030-2026"`,
		"0 0 * * 5-1/0":       `weekday "5-1/0"`,
		"0 0 * * 5-1-2":       `weekday "5-1-2"`,
		"0 0 1 1 * 2020":      "no time to come",
		"0 9 * *":             "5 to 7 fields",
		"0 0 1,,2 * *":        `day of the month ""`,
	} {
		_, err := newAlarm(Cron(cron, ""), AlarmOptions{}, 1, time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", cron, err, want)
		}
	}
}

func TestPauseBeforeARetry(t *testing.T) {
	var got []time.Duration
	for failures := 1; failures <= 6; failures++ {
		got = append(got, Retry{First: 2 * time.Second, Max: 20 * time.Second}.withDefaults().pause(failures))
	}
	want := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 20 * time.Second, 20 * time.Second}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	defaults := Retry{}.withDefaults()
	if defaults.pause(1000) != 5*time.Minute || defaults.Attempts != 5 || defaults.pause(1) != time.Second {
		t.Errorf("got %+v", defaults)
	}
}

// lives simulates the pure core of an alarm over time, without a disk; fails decides which
// runs fail. It returns the times of the runs, and the remaining rows.
func lives(t *testing.T, a alarmRow, now, until time.Time, fails func(run int) error) (runs []time.Time, left []alarmRow) {
	t.Helper()
	for run := 0; ; {
		if next := time.UnixMilli(a.Next); next.After(now) {
			now = next
		}
		if now.After(until) {
			return runs, append(left, a)
		}
		var err error
		if !a.skipped(now) {
			runs = append(runs, now.UTC())
			err = fails(run)
			run++
		}
		what, grave, _ := a.ran(now, err)
		if grave != nil {
			left = append(left, *grave)
		}
		if what == alarmOver {
			return runs, left
		}
		if what == alarmDead {
			return runs, append(left, a)
		}
	}
}

func TestFateOfAFailingAlarm(t *testing.T) {
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	no := func(int) error { return lmz.Errorf("no") }
	a, err := newAlarm(In(time.Minute), AlarmOptions{ID: "a", Retry: Retry{Attempts: 3}}, 1, start)
	wantNil(t, err)
	runs, left := lives(t, a, start, start.Add(time.Hour), no)
	want := []time.Time{start.Add(60 * time.Second), start.Add(61 * time.Second), start.Add(63 * time.Second)}
	if !slices.EqualFunc(runs, want, time.Time.Equal) || len(left) != 1 || !left[0].Dead || left[0].Error != "no" || left[0].Failures != 3 {
		t.Errorf("it ran at %v; left: %+v", runs, left)
	}

	a, err = newAlarm(Cron("0 * * * *", ""), AlarmOptions{ID: "a", Retry: Retry{Attempts: 2}}, 1, start)
	wantNil(t, err)
	runs, left = lives(t, a, start, start.Add(150*time.Minute), no)
	if len(runs) != 4 || len(left) != 3 || left[0].ID != "a@2025-01-01T01:00:00Z" || !left[0].Dead || left[2].Dead {
		t.Errorf("it ran at %v; left: %+v", runs, left)
	}
}

func TestWhatALateAlarmDoes(t *testing.T) {
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	down := start.Add(190 * time.Minute) // when the gateway comes back
	yes := func(int) error { return nil }
	for _, test := range []struct {
		s    Schedule
		late Late
		want []time.Time
	}{
		{Cron("0 * * * *", ""), LateOnce, []time.Time{down, start.Add(4 * time.Hour)}},
		{Cron("0 * * * *", ""), LateSkip, []time.Time{start.Add(4 * time.Hour)}},
		{Cron("0 * * * *", ""), LateAll, []time.Time{down, down, down, start.Add(4 * time.Hour)}},
		{In(time.Hour), LateOnce, []time.Time{down}},
		{In(time.Hour), LateSkip, nil},
		{In(time.Hour), LateAll, []time.Time{down}},
		{In(190*time.Minute - lateAfter), LateSkip, []time.Time{down}}, // not so late
	} {
		a, err := newAlarm(test.s, AlarmOptions{Late: test.late}, 1, start)
		wantNil(t, err)
		if runs, _ := lives(t, a, down, start.Add(4*time.Hour), yes); !slices.EqualFunc(runs, test.want, time.Time.Equal) {
			t.Errorf("%s, %s: it ran at %v, want %v", test.s, test.late, runs, test.want)
		}
	}
	if _, err := newAlarm(In(0), AlarmOptions{Late: "never"}, 1, start); err == nil {
		t.Error("there is no such policy")
	}
}

func TestAnAlarmIsNeverEarly(t *testing.T) {
	start := time.Date(2025, 1, 1, 0, 0, 0, 1, time.UTC)
	a, err := newAlarm(In(time.Millisecond), AlarmOptions{}, 1, start)
	wantNil(t, err)
	if next := time.UnixMilli(a.Next); next.Before(start.Add(time.Millisecond)) {
		t.Errorf("%s is early", next)
	}
}

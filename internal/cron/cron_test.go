package cron

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/adhocore/gronx"
)

// TestNicknames checks the nicknames of the original cron, in upper and lower case.
func TestNicknames(t *testing.T) {
	const now = "2025-03-01T12:00:00.5Z"
	for nickname, want := range map[string]string{
		"@yearly": "2026-01-01T00:00:00Z", "@annually": "2026-01-01T00:00:00Z", "@monthly": "2025-04-01T00:00:00Z", "@weekly": "2025-03-02T00:00:00Z",
		"@daily": "2025-03-02T00:00:00Z", "@hourly": "2025-03-01T13:00:00Z", "@minutely": "2025-03-01T12:01:00Z", "@Minutely": "2025-03-01T12:01:00Z",
	} {
		if got, err := Next(nickname, "", parseTime(t, now)); err != nil || !got.Equal(parseTime(t, want)) {
			t.Errorf("%s: got %s, %v, want %s", nickname, got.UTC(), err, want)
		}
	}
}

func TestNextTimeWhenTheClocksChange(t *testing.T) {
	for _, test := range []struct {
		cron, from string
		want       []string
	}{
		{"30 2 * * *", "2025-03-29T12:00:00Z", []string{"2025-03-31T00:30:00Z"}}, // there is no 02:30 on the 30th
		{"*/30 * * * *", "2025-03-30T00:15:00Z", []string{"2025-03-30T00:30:00Z", "2025-03-30T01:00:00Z"}},
		{"0 3 * * *", "2025-03-29T12:00:00Z", []string{"2025-03-30T01:00:00Z"}},
		{"30 2 * * *", "2025-10-25T12:00:00Z", []string{"2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"}}, // once
		{"*/30 * * * *", "2025-10-26T00:15:00Z", []string{"2025-10-26T00:30:00Z", "2025-10-26T01:00:00Z", "2025-10-26T01:30:00Z"}},
		{"0 3 * * *", "2025-10-25T12:00:00Z", []string{"2025-10-26T02:00:00Z"}},
	} {
		at := parseTime(t, test.from)
		for _, want := range test.want {
			next, err := Next(test.cron, "Europe/Berlin", at)
			wantNil(t, err)
			if !next.Equal(parseTime(t, want)) {
				t.Errorf("%s after %s: got %s, want %s", test.cron, at.UTC(), next.UTC(), want)
			}
			at = next
		}
	}
}

// In any zone, the next time is later, it matches on that zone's clock, and no time in
// between matches.
func TestNextTimeMatches(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	zones := []string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}
	crons := []string{"*/7 * * * *", "15 */3 * * *", "*/20 1-4 * * *", "5 2 * * sun", "0 0 */9 * *", "30 * * * *"}
	const rounds = 30
	due := gronx.New()
	for range rounds {
		cron, zone := crons[r.IntN(len(crons))], zones[r.IntN(len(zones))]
		location, err := time.LoadLocation(zone)
		wantNil(t, err)
		after := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(365 * 24 * time.Hour))))
		next, err := Next(cron, zone, after)
		wantNil(t, err)
		matches := func(at time.Time) bool {
			ok, err := due.IsDue(cron, onWall(at.In(location)))
			wantNil(t, err)
			return ok && at.Truncate(time.Minute).Equal(at)
		}
		if !next.After(after) || !matches(next) {
			t.Fatalf("%s in %q: %s comes after %s", cron, zone, next, after)
		}
		_, changes := after.In(location).ZoneBounds()
		for at := after.Truncate(time.Minute).Add(time.Minute); at.Before(next) && at.Before(changes); at = at.Add(time.Minute) {
			if matches(at) {
				t.Fatalf("%s in %q after %s: got %s, but %s matches", cron, zone, after, next, at)
			}
		}
	}
}

func TestNextTime(t *testing.T) {
	const now = "2026-11-28T12:00:00.5Z"
	for _, test := range []struct {
		cron, zone, from string
		want             string // "" if there is none
	}{
		// The end of leap years after 2037, where Go reports that the offset ended in the past.
		{"0 0 1 1 * 2090", "Europe/Berlin", now, "2089-12-31T23:00:00Z"},
		{"0 0 1 1 * 2041", "Europe/Berlin", "2040-12-31T12:00:00Z", "2040-12-31T23:00:00Z"},
		{"0 0 1 1 * 9000", "Europe/Berlin", now, "8999-12-31T23:00:00Z"},
		{"0 0 29 2 */1", "America/New_York", "2096-03-01T00:00:00Z", "2104-02-29T05:00:00Z"},
		{"30 2 * 3 0L", "Europe/Berlin", now, ""}, // always skipped by the clock change
		{"30 2 * 3 0L", "", now, "2027-03-28T02:30:00Z"},
		// Strictly after, even for the last time.
		{"0 0 12 28 11 * 2026", "", "2026-11-28T11:59:59Z", "2026-11-28T12:00:00Z"},
		{"0 0 12 28 11 * 2026", "", "2026-11-28T12:00:00Z", ""},
		{"0 0 12 28 11 * 2026", "", now, ""},
		{"0 0 12 28 11 * 2026", "Europe/Berlin", "2026-11-28T11:00:00Z", ""},
		// Ranges that wrap around.
		{"0 9 * * FRI-MON", "", now, "2026-11-29T09:00:00Z"},
		{"0 9 * * FRI-MON", "", "2026-11-30T09:00:00Z", "2026-12-04T09:00:00Z"},
		{"0 9 * * FRI-TUE/2", "", "2026-11-28T00:00:00Z", "2026-11-29T09:00:00Z"},
		{"0 9 * * 6-7", "", "2026-11-28T09:00:00Z", "2026-11-29T09:00:00Z"},
		{"0 22-2 * * *", "", now, "2026-11-28T22:00:00Z"},
		{"0 22-2/2 * * *", "", "2026-11-28T22:00:00Z", "2026-11-29T00:00:00Z"},
		{"0 0 1 NOV-FEB *", "", "2027-02-02T00:00:00Z", "2027-11-01T00:00:00Z"},
		{"0 0 30-2 * *", "", now, "2026-11-30T00:00:00Z"},
		{"50-10/10 * * * *", "", "2026-11-28T12:10:00Z", "2026-11-28T12:50:00Z"},
	} {
		next, err := Next(test.cron, test.zone, parseTime(t, test.from))
		if test.want == "" {
			if err == nil {
				t.Errorf("%s %s after %s: %s", test.cron, test.zone, test.from, next.UTC())
			}
			continue
		}
		if err != nil || !next.Equal(parseTime(t, test.want)) {
			t.Errorf("%s %s after %s: %v, %v, want %s", test.cron, test.zone, test.from, next.UTC(), err, test.want)
		}
	}
}

func parseTime(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func wantNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

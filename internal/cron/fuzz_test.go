package cron

import (
	"testing"
	"time"
)

// FuzzCron computes the next time of arbitrary expressions, which must be in the future.
func FuzzCron(f *testing.F) {
	for _, s := range []string{"0 9 * * 1-5", "*/15 * * * *", "0 0 29 2 *", "0 0 L * *", "0 0 * * 5#3", "@hourly", "0 0 15W * *", "60 * * * *", "* * * *", "0 0 31 2 *",
		"0 0 1 1 * 2090", "0 0 12 28 11 * 2026", "30 2 * 3 0L", "0 22-2/3 * * FRI-MON"} {
		f.Add(s, int64(1_774_746_000))
	}
	f.Fuzz(func(t *testing.T, expression string, at int64) {
		after := time.Unix(at%(1<<33), 0)
		next, err := Next(expression, "Europe/Berlin", after)
		if err == nil && !next.After(after) {
			t.Errorf("%q after %v: %v", expression, after, next)
		}
	})
}

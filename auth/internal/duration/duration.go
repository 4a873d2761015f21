// Package duration formats durations in words, for pages and mails.
package duration

import (
	"strconv"
	"time"
)

// Words returns a duration in the largest unit that fits it exactly, such as "30 minutes".
func Words(d time.Duration) string {
	n, unit := int64(d/time.Second), "second"
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		n, unit = int64(d/(24*time.Hour)), "day"
	case d >= time.Hour && d%time.Hour == 0:
		n, unit = int64(d/time.Hour), "hour"
	case d >= time.Minute && d%time.Minute == 0:
		n, unit = int64(d/time.Minute), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.FormatInt(n, 10) + " " + unit
}

// Ago returns how long ago something happened, in whole minutes.
func Ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return Words(d.Truncate(time.Minute)) + " ago"
}

package object

import "time"

// Retry configures how an alarm's work is retried when it fails: after a pause that doubles
// each time. The zero value means the defaults.
type Retry struct {
	// Attempts is the total number of attempts; the default is 5, and 1 means no retries. After
	// the last one fails the alarm is dead ([Alarm.Dead]).
	Attempts int

	// First is the pause after the first failure; the default is 1 s.
	First time.Duration

	// Max is the longest pause; the default is 5 min.
	Max time.Duration
}

// withDefaults fills in unset fields.
func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.First <= 0 {
		r.First = time.Second
	}
	if r.Max <= 0 {
		r.Max = 5 * time.Minute
	}
	return r
}

// pause returns how long to wait after a number of failures, at least one.
func (r Retry) pause(failures int) time.Duration {
	pause := r.First
	for range failures - 1 {
		if pause *= 2; pause >= r.Max || pause <= 0 {
			return r.Max
		}
	}
	return min(pause, r.Max)
}

// Late says what happens to a late alarm, one more than a minute behind its time because the
// gateway was down or the object busy. The zero value is [LateOnce].
type Late string

const (
	LateOnce Late = "once" // run once, however many times of a cron expression were missed
	LateSkip Late = "skip" // do not run; a cron alarm waits for its next time
	LateAll  Late = "all"  // run once for each missed time of a cron expression, in order
)

// lateAfter is how far behind its time an alarm counts as late.
const lateAfter = time.Minute

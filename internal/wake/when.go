package wake

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/internal/store"
)

// When returns when an object must be woken after a start, and when in this life, in which
// its sends are already under way and the alarms in running, by number, already run.
func When(rows store.Rows, running map[int64]bool) (atStart, alarm int64, err error) {
	due, err := rows.Rows(store.DueRows, len(running)+1)
	if err != nil {
		return 0, 0, err
	}
	atStart, alarm = Never, nextAlarm(due, running)
	if len(due) > 0 {
		atStart, _, _ = ParseDue(due[0].Key)
	}
	for _, prefix := range []string{store.SendRows, store.WatchRows} {
		pending, err := rows.Rows(prefix, 1)
		if err != nil {
			return 0, 0, err
		}
		if len(pending) > 0 {
			atStart = AtStart
		}
	}
	if atStart == Never {
		dead, err := rows.Rows(store.DeadRows, 1)
		if err != nil {
			return 0, 0, err
		}
		if len(dead) > 0 {
			atStart = Dead
		}
	}
	return atStart, alarm, nil
}

// nextAlarm returns when the first alarm that is not running is due.
func nextAlarm(due []store.Row, running map[int64]bool) int64 {
	for _, r := range due {
		if at, number, ok := ParseDue(r.Key); ok && !running[number] {
			return at
		}
	}
	return Never
}

// DueKey is the key of the row of the alarm with a number that is due at a time. The keys
// sort by time.
func DueKey(at, number int64) string {
	return fmt.Sprintf("%s%016x/%016x", store.DueRows, at, number)
}

// ParseDue parses a key made by DueKey.
func ParseDue(key string) (at, number int64, ok bool) {
	first, second, ok := strings.Cut(strings.TrimPrefix(key, store.DueRows), "/")
	at, err1 := strconv.ParseInt(first, 16, 64)
	number, err2 := strconv.ParseInt(second, 16, 64)
	return at, number, ok && err1 == nil && err2 == nil
}

package object

import (
	"fmt"
	"time"

	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/wake"
)

// maxRuns is how many runs of its alarms an object remembers.
const maxRuns = 200

// The rows of alarms. An alarm that is not dead has a second row, ordered by time, to find
// the next one.
const (
	alarmRows = "alarm/"
	runRows   = "run/"
	alarmMeta = "alarms"
)

// alarmCounters are the counters for alarms.
type alarmCounters struct {
	Rev  int64 `cbor:"rev"` // of the alarm set last
	Runs int64 `cbor:"runs"`
}

func dueKey(a *alarmRow) string { return wake.DueKey(a.Next, a.Rev) }

func runKeyOf(n int64) string { return fmt.Sprintf("%s%03d", runRows, n%maxRuns) }

// runRow is an AlarmRun as it is stored.
type runRow struct {
	ID      string    `cbor:"id"`
	Due     time.Time `cbor:"due"`
	Attempt int       `cbor:"attempt"`
	Began   time.Time `cbor:"began"`
	Ended   time.Time `cbor:"ended,omitzero"`
	Error   string    `cbor:"error"`
	Skipped bool      `cbor:"skipped"`
	Over    string    `cbor:"over,omitempty"`
}

// alarmRow is an alarm as it is stored. Times are Unix milliseconds.
type alarmRow struct {
	ID       string `cbor:"id"`
	Rev      int64  `cbor:"rev"` // unique, even among alarms with the same ID
	Kind     string `cbor:"kind"`
	Delay    int64  `cbor:"delay"` // nanoseconds
	At       int64  `cbor:"at"`    // Unix microseconds
	Cron     string `cbor:"cron"`
	Zone     string `cbor:"zone"`
	Chain    []byte `cbor:"chain"`
	Work     string `cbor:"work"`
	Attempts int    `cbor:"attempts"`
	First    int64  `cbor:"first"` // nanoseconds
	Max      int64  `cbor:"max"`   // nanoseconds
	Late     string `cbor:"late"`
	Created  int64  `cbor:"created"`
	Due      int64  `cbor:"due"`  // the time for which it runs next
	Next     int64  `cbor:"next"` // when it runs next, which is later than Due after a failure
	Failures int    `cbor:"failures"`
	Error    string `cbor:"error"`
	Dead     bool   `cbor:"dead"`
	Payer    string `cbor:"payer,omitempty"` // the subject that set it, see proto.WithPayer
}

// nextRev returns the number of a new alarm.
func nextRev(st store.Store) (int64, error) {
	return count(st, func(c *alarmCounters) int64 { c.Rev++; return c.Rev })
}

// count updates the alarm counters.
func count(st store.Store, next func(*alarmCounters) int64) (int64, error) {
	var c alarmCounters
	data, found, err := st.Row(alarmMeta)
	if err == nil && found {
		err = record.Unmarshal(data, &c)
	}
	if err != nil {
		return 0, err
	}
	n := next(&c)
	return n, putEncoded(st, alarmMeta, c)
}

// putEncoded stores a struct as the row with a key.
func putEncoded(st store.Store, key string, row any) error {
	data, err := record.Marshal(row)
	if err != nil {
		return err
	}
	return st.PutRow(key, data)
}

func getAlarm(st store.Store, id string) (*alarmRow, error) {
	data, found, err := st.Row(alarmRows + id)
	if !found || err != nil {
		return nil, err
	}
	row := new(alarmRow)
	return row, record.Unmarshal(data, row)
}

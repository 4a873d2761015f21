package admin

import (
	"time"

	"github.com/lumenize/lmz"
)

// Methods of [Binding] for administrators: clients whose token has the claim isAdmin.
const (
	// ListDue takes a binding, after and limit, and returns the objects of the binding, or of
	// all if it is "", that have work to do, soonest first. It opens no object. after is
	// DuePage.Next of the previous page, or "" for the first page; a limit of 0 or above 1,000
	// means 1,000. Long names shorten a page.
	ListDue lmz.Method3[string, string, int, DuePage] = "listDue"

	// ListAlarms takes the address of an object, after and limit, and returns the object's
	// alarms in the order in which they run, then the dead ones, in pages like those of
	// ListDue.
	ListAlarms lmz.Method3[lmz.Address, string, int, AlarmPage] = "listAlarms"

	// RunAlarm makes an alarm of an object due now, and CancelAlarm removes one. Both fail if
	// there is no such alarm.
	RunAlarm    lmz.Method2[lmz.Address, string, struct{}] = "runAlarm"
	CancelAlarm lmz.Method2[lmz.Address, string, struct{}] = "cancelAlarm"
)

// DuePage is a page of objects that have work to do.
type DuePage struct {
	Due  []Due
	Next string // "after" of the next page; "" if this is the last
}

// Due is an object that has work to do.
type Due struct {
	Object lmz.Address
	At     *time.Time `lmz:",omitempty"` // of its next alarm; nil if it has only sends or watches in progress

	// Failures counts failed attempts at its work since Since, the last with Error. 0 means
	// none.
	Failures int        `lmz:",omitempty"`
	Since    *time.Time `lmz:",omitempty"`
	Error    string     `lmz:",omitempty"`
}

// AlarmPage is a page of the alarms of an object.
type AlarmPage struct {
	Alarms []Alarm
	Next   string // "after" of the next page; "" if this is the last
}

// Alarm is an alarm of an object. Texts are truncated to 1 KiB.
type Alarm struct {
	ID       string
	Schedule string     // as object.Schedule prints it
	Work     string     // names of the methods to call
	Next     *time.Time `lmz:",omitempty"` // nil if it is dead
	Late     string
	Attempts int    // allowed per run
	Failures int    // of the run that is due
	Error    string // of the last one
	Dead     bool   // its last attempt failed
}

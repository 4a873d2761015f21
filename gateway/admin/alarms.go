package admin

import (
	"time"

	"github.com/lumenize/lmz"
)

// Methods of [Binding] for administrators: clients whose token has the claim isAdmin.
const (
	// ListDue takes a binding, after and limit, and returns the objects of the binding, or
	// of all if it is "", that have work to do, the next one first. It opens none. after is
	// DuePage.Next of the page before, or "" for the first page; a limit of 0 or of more
	// than 1,000 means 1,000. Long names make a page shorter.
	ListDue lmz.Method3[string, string, int, DuePage] = "listDue"

	// ListAlarms takes the address of an object, after and limit, and returns the object's
	// alarms in the order in which they run, then the dead ones, in pages like those of
	// ListDue.
	ListAlarms lmz.Method3[lmz.Address, string, int, AlarmPage] = "listAlarms"

	// RunAlarm makes an alarm of an object due now. Without such an alarm it fails, as
	// CancelAlarm does, which removes one.
	RunAlarm    lmz.Method2[lmz.Address, string, struct{}] = "runAlarm"
	CancelAlarm lmz.Method2[lmz.Address, string, struct{}] = "cancelAlarm"
)

// DuePage is some of the objects that have something to do.
type DuePage struct {
	Due  []Due
	Next string // to go on with; "" if there are no more
}

// Due is an object that has something to do.
type Due struct {
	Object lmz.Address
	At     *time.Time `lmz:",omitempty"` // of its next alarm; nil: something that it sent or watches is under way

	// It could not do its own work so often since a time, because of an error. 0: it can.
	Failures int        `lmz:",omitempty"`
	Since    *time.Time `lmz:",omitempty"`
	Error    string     `lmz:",omitempty"`
}

// AlarmPage is some of the alarms of an object.
type AlarmPage struct {
	Alarms []Alarm
	Next   string // to go on with; "" if there are no more
}

// Alarm is an alarm of an object. Texts are cut after 1 KiB.
type Alarm struct {
	ID       string
	Schedule string     // as object.Schedule prints it
	Work     string     // names the methods that are called
	Next     *time.Time `lmz:",omitempty"` // nil if it is dead
	Late     string
	Attempts int    // that a run has
	Failures int    // of the run that is due
	Error    string // of the last one
	Dead     bool   // its last attempt has failed
}

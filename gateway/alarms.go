package gateway

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Methods of [AdminBinding] for administrators: clients whose token has the claim isAdmin.
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

	// due and alarms return the first page of those, for clients that do not know pages.
	due    lmz.Method1[string, []Due]        = "due"
	alarms lmz.Method1[lmz.Address, []Alarm] = "alarms"

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

// exposeAlarms exposes what administrators do with alarms.
func (g *Gateway) exposeAlarms(methods *lmz.Mux) {
	ListDue.Expose(methods, g.administrator, g.listDue,
		lmz.Params("binding", "after", "limit"), lmz.Doc("Lists objects that have something to do, the next first, from where the page before ended."), lmz.ReadOnly)
	ListAlarms.Expose(methods, g.administrator, g.listAlarms,
		lmz.Params("object", "after", "limit"), lmz.Doc("Lists the alarms of an object, from where the page before ended."), lmz.ReadOnly)
	due.Expose(methods, g.administrator, func(ctx context.Context, binding string) ([]Due, error) {
		first, err := g.listDue(ctx, binding, "", 0)
		return first.Due, err
	}, lmz.Params("binding"), lmz.Doc("The first page of listDue."), lmz.ReadOnly)
	alarms.Expose(methods, g.administrator, func(ctx context.Context, a lmz.Address) ([]Alarm, error) {
		first, err := g.listAlarms(ctx, a, "", 0)
		return first.Alarms, err
	}, lmz.Params("object"), lmz.Doc("The first page of listAlarms."), lmz.ReadOnly)
	RunAlarm.Expose(methods, g.administrator, g.runAlarm,
		lmz.Params("object", "id"), lmz.Doc("Makes an alarm of an object due now."))
	CancelAlarm.Expose(methods, g.administrator, g.cancelAlarm,
		lmz.Params("object", "id"), lmz.Doc("Removes an alarm of an object."), lmz.Destructive)
}

func (g *Gateway) listDue(_ context.Context, binding, after string, limit int) (DuePage, error) {
	list, room := DuePage{Due: []Due{}}, newPage(limit)
	for _, d := range g.objects.Due(binding, after) {
		why := cut(d.Error)
		if !room.takes(d.Object.Binding, d.Object.Instance, why) {
			list.Next = after
			break
		}
		after = d.Cursor
		list.Due = append(list.Due, Due{d.Object, when(d.At), d.Failures, when(d.Since), why})
	}
	return list, nil
}

// when is t, or nil if there is none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (g *Gateway) listAlarms(ctx context.Context, a lmz.Address, after string, limit int) (list AlarmPage, err error) {
	list, room := AlarmPage{Alarms: []Alarm{}}, newPage(limit)
	err = g.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
		found, err := alarms.List(ctx, object.AlarmFilter{After: after})
		for _, x := range found {
			shown := Alarm{
				ID: cut(x.ID), Schedule: cut(x.Schedule.String()), Work: cut(x.Work), Next: when(x.Next), Late: string(x.Options.Late),
				Attempts: x.Options.Retry.Attempts, Failures: x.Failures, Error: cut(x.Error), Dead: x.Dead,
			}
			if !room.takes(shown.ID, shown.Schedule, shown.Work, shown.Error) {
				list.Next = after
				break
			}
			after = x.Cursor
			list.Alarms = append(list.Alarms, shown)
		}
		return err
	})
	return list, err
}

func (g *Gateway) withAlarms(ctx context.Context, a lmz.Address, f func(context.Context, *object.Alarms) error) error {
	return named(g.objects.WithAlarms(ctx, a, f))
}

func (g *Gateway) runAlarm(ctx context.Context, a lmz.Address, id string) (struct{}, error) {
	return struct{}{}, g.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
		found, err := alarms.Run(ctx, id)
		return noAlarm(found, err, a, id)
	})
}

func (g *Gateway) cancelAlarm(ctx context.Context, a lmz.Address, id string) (struct{}, error) {
	return struct{}{}, g.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
		_, found, err := alarms.Cancel(ctx, id)
		return noAlarm(found, err, a, id)
	})
}

func noAlarm(found bool, err error, a lmz.Address, id string) error {
	if found || err != nil {
		return err
	}
	return lmz.Errorf("%s has no alarm %q", a, id)
}

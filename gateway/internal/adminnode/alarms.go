package adminnode

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/object"
)

const (
	// due and alarms return the first page, for clients that do not know pages.
	due    lmz.Method1[string, []admin.Due]        = "due"
	alarms lmz.Method1[lmz.Address, []admin.Alarm] = "alarms"
)

// exposeAlarms exposes the methods for alarms.
func (n *Node) exposeAlarms(methods *lmz.Mux) {
	admin.ListDue.Expose(methods, n.administrator, n.listDue,
		lmz.Params("binding", "after", "limit"), lmz.Doc("Lists objects that have something to do, the next first, from where the page before ended."), lmz.ReadOnly)
	admin.ListAlarms.Expose(methods, n.administrator, n.listAlarms,
		lmz.Params("object", "after", "limit"), lmz.Doc("Lists the alarms of an object, from where the page before ended."), lmz.ReadOnly)
	due.Expose(methods, n.administrator, func(ctx context.Context, binding string) ([]admin.Due, error) {
		first, err := n.listDue(ctx, binding, "", 0)
		return first.Due, err
	}, lmz.Params("binding"), lmz.Doc("The first page of listDue."), lmz.ReadOnly)
	alarms.Expose(methods, n.administrator, func(ctx context.Context, a lmz.Address) ([]admin.Alarm, error) {
		first, err := n.listAlarms(ctx, a, "", 0)
		return first.Alarms, err
	}, lmz.Params("object"), lmz.Doc("The first page of listAlarms."), lmz.ReadOnly)
	admin.RunAlarm.Expose(methods, n.administrator, n.runAlarm,
		lmz.Params("object", "id"), lmz.Doc("Makes an alarm of an object due now."))
	admin.CancelAlarm.Expose(methods, n.administrator, n.cancelAlarm,
		lmz.Params("object", "id"), lmz.Doc("Removes an alarm of an object."), lmz.Destructive)
}

func (n *Node) listDue(_ context.Context, binding, after string, limit int) (admin.DuePage, error) {
	list, room := admin.DuePage{Due: []admin.Due{}}, newPage(limit)
	for _, d := range n.objects.Due(binding, after) {
		why := cut(d.Error)
		if !room.takes(d.Object.Binding, d.Object.Instance, why) {
			list.Next = after
			break
		}
		after = d.Cursor
		list.Due = append(list.Due, admin.Due{Object: d.Object, At: when(d.At), Failures: d.Failures, Since: when(d.Since), Error: why})
	}
	return list, nil
}

// when returns &t, or nil if t is zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (n *Node) listAlarms(ctx context.Context, a lmz.Address, after string, limit int) (list admin.AlarmPage, err error) {
	list, room := admin.AlarmPage{Alarms: []admin.Alarm{}}, newPage(limit)
	err = n.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
		found, err := alarms.List(ctx, object.AlarmFilter{After: after})
		for _, x := range found {
			shown := admin.Alarm{
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

func (n *Node) withAlarms(ctx context.Context, a lmz.Address, f func(context.Context, *object.Alarms) error) error {
	return named(n.objects.WithAlarms(ctx, a, f))
}

func (n *Node) runAlarm(ctx context.Context, a lmz.Address, id string) (struct{}, error) {
	return struct{}{}, n.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
		found, err := alarms.Run(ctx, id)
		return noAlarm(found, err, a, id)
	})
}

func (n *Node) cancelAlarm(ctx context.Context, a lmz.Address, id string) (struct{}, error) {
	return struct{}{}, n.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
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

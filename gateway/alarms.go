package gateway

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Methods of [AdminBinding] for administrators: clients whose token has the claim isAdmin.
const (
	// GetDue returns the objects of a binding, or of all if it is empty, that have
	// something to do, the next one first. It opens none.
	GetDue lmz.Method1[string, []Due] = "due"

	// GetAlarms returns the alarms of an object, in the order in which they run, and then
	// those that are dead.
	GetAlarms lmz.Method1[lmz.Address, []Alarm] = "alarms"

	// RunAlarm makes an alarm of an object due now. Without such an alarm it fails, as
	// CancelAlarm does, which removes one.
	RunAlarm    lmz.Method2[lmz.Address, string, struct{}] = "runAlarm"
	CancelAlarm lmz.Method2[lmz.Address, string, struct{}] = "cancelAlarm"
)

// Due is an object that has something to do.
type Due struct {
	Object lmz.Address
	At     *time.Time `lmz:",omitempty"` // of its next alarm; nil: something that it sent or watches is under way
}

// Alarm is an alarm of an object.
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
	GetDue.Expose(methods, administrator, g.due)
	GetAlarms.Expose(methods, administrator, g.alarms)
	RunAlarm.Expose(methods, administrator, g.runAlarm)
	CancelAlarm.Expose(methods, administrator, g.cancelAlarm)
}

func (g *Gateway) due(_ context.Context, binding string) ([]Due, error) {
	var list []Due
	for _, d := range g.objects.Due(binding) {
		list = append(list, Due{d.Object, when(d.At)})
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

func (g *Gateway) alarms(ctx context.Context, a lmz.Address) (list []Alarm, err error) {
	err = g.withAlarms(ctx, a, func(ctx context.Context, alarms *object.Alarms) error {
		found, err := alarms.List(ctx, object.AlarmFilter{})
		for _, x := range found {
			list = append(list, Alarm{
				ID: x.ID, Schedule: x.Schedule.String(), Work: x.Work, Next: when(x.Next), Late: string(x.Options.Late),
				Attempts: x.Options.Retry.Attempts, Failures: x.Failures, Error: x.Error, Dead: x.Dead,
			})
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

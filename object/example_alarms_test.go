package object_test

import (
	"context"
	"fmt"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

const (
	Remind lmz.Method2[string, time.Duration, string] = "remind"
	Ring   lmz.Method1[string, struct{}]              = "ring"
)

// reminder is an object that sends reminders.
type reminder struct {
	*object.Object
	lmz.Mux
	rang chan string
}

func (r *reminder) remind(ctx context.Context, what string, in time.Duration) (string, error) {
	alarm, err := r.Alarms().Set(ctx, object.In(in), Ring.Ctn(what), object.AlarmOptions{
		ID:    what, // a second alarm replaces the first
		Retry: object.Retry{Attempts: 3},
	})
	return alarm.Schedule.String(), err
}

func (r *reminder) ring(ctx context.Context, what string) (struct{}, error) {
	run, _ := object.AlarmFrom(ctx)
	r.rang <- fmt.Sprintf("%s, attempt %d", what, run.Attempt)
	return struct{}{}, nil
}

// An alarm runs a method of its object. It is stored: it runs even if the object is closed
// by then; if the gateway is down, as soon as it runs again.
func ExampleAlarms_Set() {
	rang := make(chan string)
	objects, err := object.OpenMemory(new(object.MemoryDisk), nil, nil)
	if err != nil {
		panic(err)
	}
	defer objects.Close()
	objects.Register("REMINDER_DO", object.Kind{New: func(o *object.Object) lmz.Handler {
		r := &reminder{Object: o, rang: rang}
		Remind.Expose(&r.Mux, lmz.Anyone, r.remind)
		Ring.Expose(&r.Mux, lmz.NoOne, r.ring) // called only by the alarm
		return r
	}})
	fmt.Println(ask[string](objects, lmz.At("REMINDER_DO", "ann"), Remind.Ctn("milk", 10*time.Millisecond)))
	fmt.Println(<-rang)
	// Output:
	// in 10ms <nil>
	// milk, attempt 1
}

package flags

import (
	"testing"

	"github.com/lumenize/lmz/gateway"
)

func TestBudgetFlag(t *testing.T) {
	b := new(Budget)
	for _, text := range []string{"calls=10:20, time=0.5:30,stored=2GiB", "waiting=1024,objects=7,alarms=none,connects=none"} {
		if err := b.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	want := gateway.Budget{
		Calls: gateway.Rate{PerSecond: 10, Burst: 20}, Time: gateway.Rate{PerSecond: 0.5, Burst: 30}, Connects: gateway.Rate{PerSecond: -1},
		Stored: 2 << 30, Waiting: 1024, Objects: 7, Alarms: -1,
	}
	if b.Into != want {
		t.Errorf("got %+v", b.Into)
	}
	for _, wrong := range []string{
		"", "calls", "calls=", "calls=5", "calls=0:5", "calls=-1:5", "calls=NaN:5", "calls=+Inf:5", "calls=5:0", "steps=1:1",
		"stored=1GB", "stored=-1", "stored=99999999999TiB", "stored=KiB", "objects=0", "objects=1.5", "objects=99999999999",
	} {
		if err := new(Budget).Set(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

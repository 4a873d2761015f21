package budget_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
)

func accounts(l budget.Limits) *budget.Accounts {
	return budget.New(func(string) *budget.Limits { return &l })
}

func TestRateIsPaidOffByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accounts(budget.Limits{budget.Steps: {Most: 5, PerSecond: 10}})
		for i := range 5 {
			if err := a.Take("ann", budget.Steps, 1); err != nil {
				t.Fatalf("step %d: %v", i+1, err)
			}
		}
		err := a.Take("ann", budget.Steps, 1)
		if wait, ok := lmz.RetryAfter(err); !ok || wait != 100*time.Millisecond || lmz.Exceeded(err) != "steps" {
			t.Fatalf("beyond the burst: %v", err)
		}
		if err := a.Take("bob", budget.Steps, 5); err != nil {
			t.Errorf("another subject: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
		if err := a.Take("ann", budget.Steps, 1); err != nil {
			t.Errorf("when it was told to come back: %v", err)
		}
	})
}

func TestChargeAfterwardsBecomesDebt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accounts(budget.Limits{budget.Time: {Most: int64(time.Second), PerSecond: float64(time.Second) / 2}})
		a.Add("ann", budget.Time, int64(3*time.Second))
		err := a.Check("ann", budget.Time, 1)
		if wait, ok := lmz.RetryAfter(err); !ok || wait.Truncate(10*time.Millisecond) != 4*time.Second {
			t.Fatalf("3 s used, of which 1 s is the burst, at half a second per second: %v", err)
		}
		time.Sleep(4*time.Second + time.Millisecond)
		if err := a.Check("ann", budget.Time, 1); err != nil {
			t.Error(err)
		}
		a.Add("ann", budget.Time, int64(100*time.Hour))
		if wait, _ := lmz.RetryAfter(a.Check("ann", budget.Time, 1)); wait > time.Minute+time.Millisecond {
			t.Errorf("a debt stops a subject for %v", wait)
		}
	})
}

func TestQuantityIsHeldUntilGivenBack(t *testing.T) {
	a := accounts(budget.Limits{budget.Objects: {Most: 2}, budget.Time: {Most: int64(time.Second), PerSecond: 1e9}})
	a.Add("ann", budget.Objects, 1)
	if err := a.Take("ann", budget.Objects, 1); err != nil {
		t.Fatal(err)
	}
	err := a.Take("ann", budget.Objects, 1)
	if !errors.Is(err, lmz.ErrQuotaExceeded) || !errors.Is(err, lmz.ErrNotExecuted) || lmz.Exceeded(err) != "objects" {
		t.Fatalf("a third of two: %v", err)
	}
	a.Add("ann", budget.Objects, -1)
	if err := a.Take("ann", budget.Objects, 1); err != nil {
		t.Error(err)
	}
	if n := a.Refused()[budget.Objects]; n != 1 {
		t.Errorf("refused %d times, want once", n)
	}
	usage := a.Usage("", 10)
	if len(usage) != 1 || usage[0].Wait != 0 || usage[0].Held[budget.Objects] != 2 || usage[0].Refused[budget.Objects] != 1 {
		t.Errorf("usage %+v", usage)
	}
}

func TestWaitingBytesPassByThemselves(t *testing.T) {
	a := accounts(budget.Limits{budget.Waiting: {Most: 10}})
	if err := a.Take("ann", budget.Waiting, 11); !errors.Is(err, lmz.ErrNotExecuted) {
		t.Fatal(err)
	} else if _, ok := lmz.RetryAfter(err); !ok {
		t.Errorf("%v does not say when to come back", err)
	}
}

func TestIdleAccountsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accounts(budget.Limits{budget.Steps: {Most: 10, PerSecond: 1}})
		for i := range 1000 {
			a.Take(fmt.Sprint("stranger", i), budget.Steps, 1)
		}
		a.Add("ann", budget.Sessions, 1)
		time.Sleep(2 * time.Minute)
		a.Take("bob", budget.Steps, 1)
		if all := a.Usage("", 10_000); len(all) != 2 {
			t.Errorf("%d accounts are remembered, want ann's, who holds something, and bob's", len(all))
		}
	})
}

func TestUsageInPages(t *testing.T) {
	a := accounts(budget.Limits{})
	for i := range 25 {
		a.Add(fmt.Sprintf("s%02d", i), budget.Watches, 1)
	}
	seen, after := 0, ""
	for {
		page := a.Usage(after, 10)
		if len(page) == 0 {
			break
		}
		seen, after = seen+len(page), page[len(page)-1].Subject
	}
	if seen != 25 {
		t.Errorf("%d subjects in pages, want 25", seen)
	}
}

func TestSystemAndNilAreNotCharged(t *testing.T) {
	a := accounts(budget.Limits{budget.Objects: {Most: 1}})
	if err := a.Take(budget.System, budget.Objects, 100); err != nil {
		t.Error(err)
	}
	var none *budget.Accounts
	if err := none.Take("ann", budget.Objects, 100); err != nil {
		t.Error(err)
	}
	none.Add("ann", budget.Objects, 1)
}

func TestMoreThanTheBurstIsGrantedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accounts(budget.Limits{budget.Steps: {Most: 5, PerSecond: 1}})
		if err := a.Take("ann", budget.Steps, 14); err != nil {
			t.Fatal(err)
		}
		err := a.Take("ann", budget.Steps, 1)
		if wait, _ := lmz.RetryAfter(err); wait.Round(time.Second) != 10*time.Second {
			t.Errorf("after 14 of 5 at one a second: %v", err)
		}
	})
}

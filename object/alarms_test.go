package object

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// clock is a kind of object with alarms, and records their work.
type clock struct {
	begin time.Time

	mu    sync.Mutex
	rings []string
	fail  map[string]int // how often the named work still fails
}

func newClock() *clock { return &clock{begin: time.Now(), fail: make(map[string]int)} }

func (c *clock) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rings = append(c.rings, fmt.Sprintf("%v %s", time.Since(c.begin), text))
}

// take returns the alarms that rang since the last call.
func (c *clock) take() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	rings := c.rings
	c.rings = nil
	return rings
}

func (c *clock) wants(t *testing.T, want ...string) {
	t.Helper()
	if got := c.take(); !slices.Equal(got, want) {
		t.Errorf("rang %q, want %q", got, want)
	}
}

// register registers BOX, which runs scripts (see inTurnOf), and whose method ring records
// its argument, writes something and then calls onRing, if not nil.
func (c *clock) register(w *world, onRing func(context.Context, *Object, string) error) {
	w.script = make(chan func(context.Context, *Object) error, 1)
	w.registerKind("BOX", Kind{Idle: 5 * time.Second, New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		exposeStorage(o, mux)
		lmz.Method0[bool]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, (<-w.script)(ctx, o)
		})
		lmz.Method1[string, struct{}]("ring").Expose(mux, lmz.NoOne, func(ctx context.Context, name string) (struct{}, error) {
			c.note(name)
			if err := o.KV().Put(ctx, "rang", name); err != nil {
				return struct{}{}, err
			}
			if onRing != nil {
				if err := onRing(ctx, o, name); err != nil {
					return struct{}{}, err
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.fail[name] > 0 {
				c.fail[name]--
				return struct{}{}, lmz.Errorf("%s fails", name)
			}
			return struct{}{}, nil
		})
		return mux
	}})
}

func ring(name string) lmz.Continuation { return lmz.Ctn("ring", name) }

// onBothDisks runs a test in virtual time on each storage.
func onBothDisks(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newMemoryWorld(t, new(MemoryDisk))) })
	})
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, dir)) })
	})
}

func set(ctx context.Context, o *Object, s Schedule, id string) error {
	_, err := o.Alarms().Set(ctx, s, ring(id), AlarmOptions{ID: id})
	return err
}

func TestOrderOfAlarmsOfAClosedObject(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, nil)
		wantNil(t, inTurnOf(w, box, func(ctx context.Context, o *Object) error {
			var sooner error
			for _, id := range []string{"b", "a", "c"} { // at equal times, in the order in which they were set
				sooner = errors.Join(sooner, set(ctx, o, In(time.Minute), id))
			}
			return errors.Join(sooner, set(ctx, o, At(c.begin.Add(-time.Hour)), "past"), set(ctx, o, In(0), "now"),
				set(ctx, o, In(time.Hour), "hour"), set(ctx, o, In(1500*time.Millisecond), "soon"))
		}))
		c.wants(t, "0s past", "0s now")
		time.Sleep(2 * time.Hour)
		c.wants(t, "1.5s soon", "1m0s b", "1m0s a", "1m0s c", "1h0m0s hour")
		w.close()
	})
}

func TestAnAlarmOfATurnThatFailsWasNeverSet(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, nil)
		w.run(func(ctx context.Context, o *Object) error { return set(ctx, o, In(time.Minute), "kept") })
		err := inTurnOf(w, box, func(ctx context.Context, o *Object) error {
			wantNil(t, set(ctx, o, In(time.Second), "never"))
			_, ok, err := o.Alarms().Cancel(ctx, "kept")
			if !ok || err != nil {
				t.Errorf("cancelled: %v, %v", ok, err)
			}
			return lmz.Errorf("no")
		})
		if err == nil {
			t.Error("the turn did not fail")
		}
		time.Sleep(time.Hour)
		c.wants(t, "1m0s kept")
		w.close()
	})
}

func TestAnAlarmMaySetItselfAgainUnderItsID(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		rest := 3
		c.register(w, func(ctx context.Context, o *Object, _ string) error {
			if rest--; rest == 0 {
				return nil
			}
			return set(ctx, o, In(10*time.Second), "poll")
		})
		w.run(func(ctx context.Context, o *Object) error { return set(ctx, o, In(10*time.Second), "poll") })
		time.Sleep(time.Hour)
		c.wants(t, "10s poll", "20s poll", "30s poll")
		w.close()
	})
}

func TestAlarmsAreFoundListedCancelledAndRun(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, nil)
		wantNil(t, inTurnOf(w, box, func(ctx context.Context, o *Object) error {
			alarms := o.Alarms()
			made, err := alarms.Set(ctx, In(time.Hour), ring("made"), AlarmOptions{})
			wantNil(t, err)
			second, err := alarms.Set(ctx, In(time.Minute), ring("made"), AlarmOptions{})
			wantNil(t, err)
			if made.ID == "" || made.ID >= second.ID {
				t.Errorf("IDs %q, %q", made.ID, second.ID)
			}
			wantNil(t, set(ctx, o, Cron("0 * * * *", "Europe/Berlin"), "hourly"), set(ctx, o, In(2*time.Hour), "late"),
				set(ctx, o, In(time.Hour), "late"), set(ctx, o, At(c.begin.Add(30*time.Minute)), "late/at"))
			for _, test := range []struct {
				f    AlarmFilter
				want string
			}{
				{AlarmFilter{Prefix: "late"}, "late/at late"},
				{AlarmFilter{Kind: "cron"}, "hourly"},
				{AlarmFilter{Before: c.begin.Add(31 * time.Minute)}, second.ID + " late/at"},
				{AlarmFilter{From: c.begin.Add(31 * time.Minute), Kind: "in"}, made.ID + " late"},
				{AlarmFilter{Dead: true}, ""},
			} {
				list, err := alarms.List(ctx, test.f)
				wantNil(t, err)
				var ids []string
				for _, a := range list {
					ids = append(ids, a.ID)
				}
				if got := strings.Join(ids, " "); got != test.want {
					t.Errorf("%+v: got %q, want %q", test.f, got, test.want)
				}
			}
			got, ok, err := alarms.Get(ctx, "hourly")
			if err != nil || !ok || got.Schedule.String() != "cron 0 * * * * Europe/Berlin" || got.Work != "ring()" ||
				!got.Next.Equal(c.begin.Add(time.Hour)) || !got.Created.Equal(c.begin) || got.Options.Late != LateOnce {
				t.Errorf("got %+v, %v, %v", got, ok, err)
			}
			_, ok, err = alarms.Get(ctx, "none")
			if ok || err != nil {
				t.Errorf("got one that is not there: %v", err)
			}
			for _, id := range []string{made.ID, second.ID, "late/at"} {
				if _, ok, err := alarms.Cancel(ctx, id); !ok || err != nil {
					t.Errorf("%s: cancelled %v, %v", id, ok, err)
				}
			}
			if ok, err := alarms.Run(ctx, "late"); !ok || err != nil {
				t.Errorf("run: %v, %v", ok, err)
			}
			ok, err = alarms.Run(ctx, "hourly")
			if !ok {
				t.Error("hourly does not run")
			}
			return err
		}))
		c.wants(t, "0s late", "0s hourly")
		time.Sleep(2*time.Hour + time.Minute)
		c.wants(t, "1h0m0s hourly", "2h0m0s hourly")
		w.close()
	})
}

func TestFailingAlarm(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, nil)
		c.fail["twice"], c.fail["ever"], c.fail["hourly"] = 2, 1000, 2
		w.run(func(ctx context.Context, o *Object) error {
			_, err := o.Alarms().Set(ctx, In(time.Minute), ring("twice"), AlarmOptions{ID: "twice"})
			wantNil(t, err)
			_, err = o.Alarms().Set(ctx, In(0), ring("ever"), AlarmOptions{ID: "ever", Retry: Retry{Attempts: 3, First: 20 * time.Second}})
			wantNil(t, err)
			_, err = o.Alarms().Set(ctx, Cron("0 * * * *", ""), ring("hourly"), AlarmOptions{ID: "hourly", Retry: Retry{Attempts: 1}})
			return err
		})
		time.Sleep(3*time.Hour + time.Minute)
		c.wants(t, "0s ever", "20s ever", "1m0s twice", "1m0s ever", "1m1s twice", "1m3s twice", "1h0m0s hourly", "2h0m0s hourly", "3h0m0s hourly")
		if got := must[string](w, box, "get", "rang"); got != "hourly" {
			t.Errorf("the state says %q: a failed run was not rolled back", got)
		}
		w.run(func(ctx context.Context, o *Object) error {
			dead, err := o.Alarms().List(ctx, AlarmFilter{Dead: true})
			wantNil(t, err)
			var ids []string
			for _, a := range dead {
				ids = append(ids, fmt.Sprintf("%s %d %s", a.ID, a.Failures, a.Error))
			}
			if want := []string{"ever 3 ever fails", "hourly@" + c.begin.Add(time.Hour).UTC().Format(time.RFC3339) + " 1 hourly fails",
				"hourly@" + c.begin.Add(2*time.Hour).UTC().Format(time.RFC3339) + " 1 hourly fails"}; !slices.Equal(ids, want) {
				t.Errorf("dead: %q, want %q", ids, want)
			}
			history, err := o.Alarms().History(ctx, "twice")
			wantNil(t, err)
			var runs []string
			for _, r := range history {
				runs = append(runs, fmt.Sprintf("%d %v %q", r.Attempt, r.Due.Sub(c.begin), r.Error))
			}
			if want := []string{`1 1m0s "twice fails"`, `2 1m0s "twice fails"`, `3 1m0s ""`}; !slices.Equal(runs, want) {
				t.Errorf("history: %q, want %q", runs, want)
			}
			c.fail["ever"] = 0
			_, err = o.Alarms().Run(ctx, "ever")
			return err
		})
		c.wants(t, "3h1m0s ever")
		w.run(func(ctx context.Context, o *Object) error {
			if _, found, err := o.Alarms().Get(ctx, "ever"); found || err != nil {
				t.Errorf("it is still there: %v", err)
			}
			return nil
		})
		w.close()
	})
}

func TestTheHistoryOfAlarmsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, new(MemoryDisk))
		c := newClock()
		c.register(w, nil)
		w.run(func(ctx context.Context, o *Object) error {
			_, err := o.Alarms().Set(ctx, Cron("* * * * * *", ""), ring("tick"), AlarmOptions{ID: "tick"})
			return err
		})
		time.Sleep(300*time.Second + time.Millisecond)
		w.run(func(ctx context.Context, o *Object) error {
			runs, err := o.Alarms().History(ctx, "")
			if len(runs) != maxRuns || !runs[maxRuns-1].Due.Equal(c.begin.Add(300*time.Second)) {
				t.Errorf("%d runs, the last of %v", len(runs), runs[len(runs)-1].Due)
			}
			return err
		})
		w.close()
	})
}

func TestACronAlarmThatNamesAYearEnds(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, nil)
		last := time.Now().UTC().Add(10 * time.Minute).Truncate(time.Minute)
		cron := fmt.Sprintf("%d %d %d %d %d * %d", last.Second(), last.Minute(), last.Hour(), last.Day(), last.Month(), last.Year())
		w.run(func(ctx context.Context, o *Object) error {
			_, err := o.Alarms().Set(ctx, Cron(cron, ""), ring("last"), AlarmOptions{ID: "last", Late: LateAll})
			return err
		})
		time.Sleep(time.Hour)
		c.wants(t, last.Sub(c.begin).String()+" last")
		w.run(func(ctx context.Context, o *Object) error {
			runs, err := o.Alarms().History(ctx, "last")
			if len(runs) != 1 || runs[0].Over != fmt.Sprintf("cron expression %q matches no time to come", cron) {
				t.Errorf("it ran: %+v", runs)
			}
			if _, ok, _ := o.Alarms().Get(ctx, "last"); ok {
				t.Error("it is still there")
			}
			return err
		})
		w.close()
	})
}

func TestCallContextOfAnAlarm(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, func(ctx context.Context, o *Object, _ string) error {
			called, _ := lmz.CallContextFrom(ctx)
			this, ok := AlarmFrom(ctx)
			c.note(fmt.Sprintf("%v %v %s %d %v", called.Self, called.Chain, this.ID, this.Attempt, ok))
			return nil
		})
		w.run(func(ctx context.Context, o *Object) error { return set(ctx, o, In(time.Minute), "a") })
		time.Sleep(time.Hour)
		c.wants(t, "1m0s a", "1m0s BOX/one [] a 1 true")
		w.close()
	})
}

func TestAlarmsThatWaitLetTheNextOnesBegin(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		w.mesh["SLOW"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			time.Sleep(10 * time.Second)
			return nil, nil
		})}
		c.register(w, func(ctx context.Context, o *Object, name string) error {
			_, err := o.CallRaw(ctx, lmz.Worker("SLOW"), lmz.Ctn("work"))
			c.note(name + " ends")
			return err
		})
		w.run(func(ctx context.Context, o *Object) error {
			return errors.Join(set(ctx, o, In(time.Minute), "a"), set(ctx, o, In(time.Minute), "b"), set(ctx, o, In(65*time.Second), "c"))
		})
		time.Sleep(time.Hour)
		got := c.take()
		slices.Sort(got[min(3, len(got)):min(5, len(got))]) // they end at the same time
		if want := []string{"1m0s a", "1m0s b", "1m5s c", "1m10s a ends", "1m10s b ends", "1m15s c ends"}; !slices.Equal(got, want) {
			t.Errorf("rang %q, want %q", got, want)
		}
		w.close()
	})
}

func TestInvalidAlarms(t *testing.T) {
	onBothDisks(t, func(t *testing.T, w *world) {
		c := newClock()
		c.register(w, nil)
		w.run(func(ctx context.Context, o *Object) error {
			if _, err := o.Alarms().Set(context.Background(), In(0), ring("x"), AlarmOptions{}); !errors.Is(err, ErrNoTurn) {
				t.Errorf("without a turn: %v", err)
			}
			for _, s := range []Schedule{{}, Cron("* * *", ""), At(time.Time{})} {
				if _, err := o.Alarms().Set(ctx, s, ring("x"), AlarmOptions{}); err == nil {
					t.Errorf("%s was set", s)
				}
			}
			if _, err := o.Alarms().Set(ctx, In(0), lmz.Continuation{}, AlarmOptions{}); err == nil {
				t.Error("no work was set")
			}
			return set(ctx, o, In(0), "fine")
		})
		c.wants(t, "0s fine")
		w.close()
	})
}

// crash kills the world's runtime, and returns a world with a new one on the same disk.
func (w *world) crash(disk *MemoryDisk) *world {
	w.t.Helper()
	disk.Crash()
	w.rt.Close()
	return newMemoryWorld(w.t, disk)
}

func TestAlarmsAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &MemoryDisk{Latency: func(lmz.Address) time.Duration { return time.Millisecond }}
		w := newMemoryWorld(t, disk)
		c := newClock()
		c.register(w, nil)
		w.run(func(ctx context.Context, o *Object) error {
			_, err := o.Alarms().Set(ctx, In(90*time.Second), ring("skipped"), AlarmOptions{Late: LateSkip})
			_, err2 := o.Alarms().Set(ctx, Cron("* * * * *", ""), ring("each"), AlarmOptions{Late: LateAll})
			return errors.Join(err, err2, set(ctx, o, In(time.Minute), "missed"), set(ctx, o, In(time.Hour), "later"))
		})
		w = w.crash(disk)
		time.Sleep(3*time.Minute + 30*time.Second - time.Since(c.begin))
		c.register(w, nil)
		c.wants(t)
		w.rt.Start()
		time.Sleep(20 * time.Second)
		rings := c.take()
		for i := range rings {
			_, rings[i], _ = strings.Cut(rings[i], " ")
		}
		if want := []string{"each", "missed", "each", "each"}; !slices.Equal(rings, want) {
			t.Errorf("rang %q, want %q", rings, want)
		}
		w = w.crash(disk)
		c.register(w, nil)
		w.rt.Start()
		time.Sleep(time.Second)
		w.rt.mu.Lock()
		open := len(w.rt.objects)
		w.rt.mu.Unlock()
		if open != 0 {
			t.Error("the start opened an object that is not due")
		}
		time.Sleep(time.Hour - time.Since(c.begin) + time.Second)
		if rings := c.take(); !slices.ContainsFunc(rings, func(r string) bool {
			return strings.HasPrefix(r, "1h0m") && strings.HasSuffix(r, " later")
		}) {
			t.Errorf("rang %q", rings)
		}
		wantNil(t, w.rt.Close())
	})
}

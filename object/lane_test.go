package object

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// depot is a mesh with objects that send, and objects that at times cannot execute what is
// sent to them, over several lives of the gateway.
type depot struct {
	*world
	disk  *MemoryDisk
	down  atomic.Bool  // the receivers "down" do not start
	full  atomic.Bool  // their disk is full
	tries atomic.Int64 // of OnStart

	sourceFull atomic.Bool  // the sender's disk is full
	sourceDown atomic.Bool  // the sender does not start
	sourceTry  atomic.Int64 // how often its start was tried
}

var (
	downOne = lmz.At("SHELF", "down")
	upOne   = lmz.At("SHELF", "up")
	source  = lmz.At("SOURCE", "one")
)

func newDepot(t *testing.T) *depot {
	d := &depot{disk: new(MemoryDisk)}
	d.disk.Full = func(a lmz.Address) bool { return a == downOne && d.full.Load() || a == source && d.sourceFull.Load() }
	d.start(newMemoryWorld(t, d.disk))
	return d
}

func (d *depot) restart() { d.start(d.world.crash(d.disk)) }

func (d *depot) start(w *world) {
	d.world = w
	log := func(ctx context.Context, o *Object, entry string) error {
		var log []string
		_, err := o.KV().Get(ctx, "log", &log)
		return errors.Join(err, o.KV().Put(ctx, "log", append(log, entry)))
	}
	logged := func(o *Object, mux *lmz.Mux) {
		lmz.Method0[[]string]("log").Expose(mux, lmz.Anyone, func(ctx context.Context) (log []string, err error) {
			_, err = o.KV().Get(ctx, "log", &log)
			return log, err
		})
	}
	w.registerKind("SHELF", Kind{Idle: time.Second, New: func(o *Object) lmz.Handler {
		s := &starting{onStart: func(context.Context) error {
			if o.Identity().Address == downOne {
				d.tries.Add(1)
				if d.down.Load() {
					return lmz.Errorf("not today")
				}
			}
			return nil
		}}
		logged(o, &s.Mux)
		lmz.Method1[string, string]("add").Expose(&s.Mux, lmz.Anyone, func(ctx context.Context, entry string) (string, error) {
			return "added", log(ctx, o, entry)
		})
		tallied := func(ctx context.Context) (n int, err error) {
			_, err = o.KV().Get(ctx, "n", &n)
			return n, err
		}
		lmz.Method0[int]("tallied").Expose(&s.Mux, lmz.Anyone, tallied)
		lmz.Method1[int, int]("tally").Expose(&s.Mux, lmz.Anyone, func(ctx context.Context, next int) (int, error) {
			if n, err := tallied(ctx); n != next || err != nil {
				return 0, lmz.Errorf("got %d, %v, want %d", n, err, next)
			}
			return 0, o.KV().Put(ctx, "n", next+1)
		})
		lmz.Method0[int]("fail").Expose(&s.Mux, lmz.Anyone, func(context.Context) (int, error) { return 0, lmz.Errorf("as ordered") })
		lmz.Method0[int]("closed").Expose(&s.Mux, lmz.NoOne, func(context.Context) (int, error) { return 0, nil })
		return s
	}})
	w.registerKind("SOURCE", Kind{Idle: time.Second, New: func(o *Object) lmz.Handler {
		starter := &starting{onStart: func(context.Context) error {
			if d.sourceTry.Add(1); d.sourceDown.Load() {
				return lmz.Errorf("not today")
			}
			return nil
		}}
		mux := &starter.Mux
		logged(o, mux)
		send := func(ctx context.Context, to, method, entry string, options ...lmz.SendOption) error {
			work := lmz.Ctn(method, entry)
			if method != "add" {
				work = lmz.Ctn(method)
			}
			return o.Send(ctx, lmz.At("SHELF", to), work, options...)
		}
		lmz.Method3[string, string, string, struct{}]("send").Expose(mux, lmz.Anyone, func(ctx context.Context, to, method, entry string) (struct{}, error) {
			return struct{}{}, send(ctx, to, method, entry)
		})
		lmz.Method3[string, string, string, struct{}]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context, to, method, entry string) (struct{}, error) {
			return struct{}{}, send(ctx, to, method, entry, lmz.Reply(lmz.Ctn("replied", entry, lmz.Result)))
		})
		lmz.Method3[string, string, int, struct{}]("soon").Expose(mux, lmz.Anyone, func(ctx context.Context, to, entry string, seconds int) (struct{}, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
			defer cancel()
			return struct{}{}, send(ctx, to, "add", entry, lmz.Reply(lmz.Ctn("replied", entry, lmz.Result)))
		})
		lmz.Method2[string, int, struct{}]("many").Expose(mux, lmz.Anyone, func(ctx context.Context, to string, n int) (struct{}, error) {
			for i := range n {
				if err := o.Send(ctx, lmz.At("SHELF", to), lmz.Ctn("tally", i)); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		lmz.Method2[string, string, string]("call").Expose(mux, lmz.Anyone, func(ctx context.Context, to, entry string) (string, error) {
			return lmz.Call[string](ctx, o, lmz.At("SHELF", to), lmz.Ctn("add", entry))
		})
		mux.Expose("replied", lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, r *lmz.Request) (any, error) {
			var entry, result string
			if err := r.Arg(0, &entry); err != nil {
				return nil, err
			}
			var failure *lmz.Error
			if r.Arg(1, &failure) == nil && failure != nil {
				result = string(failure.Code) + ": " + failure.Message
			} else if err := r.Arg(1, &result); err != nil {
				return nil, err
			}
			return nil, log(ctx, o, entry+" "+result)
		}))
		lmz.Method1[string, struct{}]("later").Expose(mux, lmz.Anyone, func(ctx context.Context, entry string) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, In(time.Minute), lmz.Ctn("ring", entry), AlarmOptions{})
			return struct{}{}, err
		})
		lmz.Method1[string, struct{}]("ring").Expose(mux, lmz.NoOne, func(ctx context.Context, entry string) (struct{}, error) {
			return struct{}{}, log(ctx, o, entry)
		})
		return starter
	}})
}

// send makes the source send entries, each in its own turn.
func (d *depot) send(to, method string, entries ...string) {
	d.t.Helper()
	for _, entry := range entries {
		must[struct{}](d.world, source, "send", to, method, entry)
	}
}

func (d *depot) wantLog(at lmz.Address, want ...string) {
	d.t.Helper()
	if got := must[[]string](d.world, at, "log"); !slices.Equal(got, want) {
		d.t.Errorf("%s has %q, want %q", at, got, want)
	}
}

// wantNothingLeft checks that the sends left no rows on disk and nothing in memory.
func (d *depot) wantNothingLeft() {
	d.t.Helper()
	time.Sleep(time.Minute)
	d.rt.mu.Lock()
	lanes, sending := len(d.rt.lanes), len(d.rt.sending)
	d.rt.mu.Unlock()
	for _, key := range d.disk.disk.Rows(source) {
		if strings.HasPrefix(key, store.SendRows) || strings.HasPrefix(key, laneRows) || strings.HasPrefix(key, store.SettledRows) {
			d.t.Errorf("the row %s is left", key)
		}
	}
	if lanes != 0 || sending != 0 || len(d.disk.disk.WakeTimes()) != 0 {
		d.t.Errorf("left: %d lanes, %d sends, %d to be woken", lanes, sending, len(d.disk.disk.WakeTimes()))
	}
}

// whileUnable runs f with receivers that do not start, and with ones whose disk is full.
func whileUnable(t *testing.T, f func(t *testing.T, d *depot, unable *atomic.Bool)) {
	for name, fault := range map[string]func(*depot) *atomic.Bool{
		"start": func(d *depot) *atomic.Bool { return &d.down },
		"disk":  func(d *depot) *atomic.Bool { return &d.full },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDepot(t)
				unable := fault(d)
				unable.Store(true)
				f(t, d, unable)
			})
		})
	}
}

func TestSendToAReceiverThatIsUnable(t *testing.T) {
	whileUnable(t, func(t *testing.T, d *depot, unable *atomic.Bool) {
		d.send("down", "add", "1", "2", "3")
		must[struct{}](d.world, source, "ask", "down", "add", "4")
		d.send("up", "add", "a")
		time.Sleep(10 * time.Second)
		d.send("down", "add", "5")
		d.send("up", "add", "b")
		time.Sleep(time.Second)
		d.wantLog(upOne, "a", "b") // the other receiver does not wait
		time.Sleep(3 * time.Hour)
		d.send("down", "add", "6")
		unable.Store(false)
		time.Sleep(laneRetry.Max + time.Second)
		d.send("down", "add", "7")
		time.Sleep(time.Second)
		d.wantLog(downOne, "1", "2", "3", "4", "5", "6", "7")
		d.wantLog(source, "4 added")
		d.wantNothingLeft()
	})
}

func TestPausesOfRetriesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.down.Store(true)
		d.send("down", "add", "1")
		time.Sleep(time.Hour)
		if n := d.tries.Load(); n < 60 || n > 100 {
			t.Errorf("tried %d times within an hour, want about once a minute", n)
		}
		d.down.Store(false)
		time.Sleep(time.Minute)
		d.wantLog(downOne, "1")
		time.Sleep(time.Minute)
		d.down.Store(true)
		before := d.tries.Load()
		d.send("down", "add", "2")
		time.Sleep(4 * time.Second)
		if n := d.tries.Load() - before; n < 3 {
			t.Errorf("tried %d times within four seconds: the pauses begin anew when it works", n)
		}
		d.down.Store(false)
		time.Sleep(time.Minute)
		d.wantLog(downOne, "1", "2")
	})
}

func TestRetriesAcrossARestart(t *testing.T) {
	whileUnable(t, func(t *testing.T, d *depot, unable *atomic.Bool) {
		d.send("down", "add", "1", "2")
		time.Sleep(40 * time.Second)
		key := laneKey{source, downOne}
		d.rt.mu.Lock()
		before := d.rt.lanes[key].row
		d.rt.mu.Unlock()
		d.restart()
		d.rt.Start()
		time.Sleep(time.Millisecond)
		d.rt.mu.Lock()
		after := d.rt.lanes[key].row
		d.rt.mu.Unlock()
		if after.Failures != before.Failures || after.Next != before.Next || after.Since != before.Since || after.Error != before.Error || before.Failures < 4 {
			t.Errorf("before the restart %+v, after it %+v", before, after)
		}
		unable.Store(false)
		d.send("down", "add", "3")
		time.Sleep(2 * time.Minute)
		d.wantLog(downOne, "1", "2", "3")
		d.wantNothingLeft()
	})
}

func TestDeadlineOfWhatIsTriedAgain(t *testing.T) {
	whileUnable(t, func(t *testing.T, d *depot, unable *atomic.Bool) {
		d.send("down", "add", "1")
		must[struct{}](d.world, source, "soon", "down", "2", 5)
		d.send("down", "add", "3")
		time.Sleep(6 * time.Second)
		got := must[[]string](d.world, source, "log")
		if len(got) != 1 || !strings.HasPrefix(got[0], "2 gateway: SHELF/down could not execute it in time: the object") {
			t.Errorf("six seconds later the reply said %q", got)
		}
		unable.Store(false)
		time.Sleep(time.Minute)
		d.wantLog(downOne, "1", "3")
		d.wantNothingLeft()
	})
}

func TestBacklogOfAReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.down.Store(true)
		must[struct{}](d.world, source, "many", "down", maxLane)
		time.Sleep(time.Second)
		err := fails(d.world, source, "send", "down", "add", "one too many")
		if !errors.Is(err, lmz.ErrBusy) || !strings.Contains(err.Error(), "too many messages wait for SHELF/down: the object could not start: not today") {
			t.Errorf("got %v", err)
		}
		d.send("up", "add", "a")
		d.down.Store(false)
		time.Sleep(time.Minute)
		if n := must[int](d.world, downOne, "tallied"); n != maxLane {
			t.Errorf("%d arrived in order, want %d", n, maxLane)
		}
		d.wantLog(upOne, "a")
		d.wantNothingLeft()
	})
}

func TestRemovalOfASenderThatTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.down.Store(true)
		d.send("down", "add", "1")
		time.Sleep(10 * time.Second)
		wantNil(t, d.rt.Remove(t.Context(), source))
		d.down.Store(false)
		time.Sleep(time.Hour)
		d.wantLog(downOne)
		d.rt.mu.Lock()
		defer d.rt.mu.Unlock()
		if len(d.rt.lanes) != 0 || len(d.rt.late) != 0 {
			t.Errorf("left: %v, %v", d.rt.lanes, d.rt.late)
		}
	})
}

func TestCallBehindWhatIsTriedAgain(t *testing.T) {
	whileUnable(t, func(t *testing.T, d *depot, unable *atomic.Bool) {
		d.send("down", "add", "1", "2")
		time.Sleep(time.Hour)
		unable.Store(false)
		time.Sleep(time.Millisecond)
		if err := fails(d.world, source, "call", "down", "3"); !strings.Contains(err.Error(), "what you have sent to this object before waits to be tried again: the object") {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Millisecond) // the waiting message was retried at once
		must[string](d.world, source, "call", "down", "4")
		d.wantLog(downOne, "1", "2", "4")
		d.wantNothingLeft()
	})
}

func TestOwnWorkOfAnObjectThatIsUnable(t *testing.T) {
	for name, fault := range map[string]func(*depot) *atomic.Bool{
		"start": func(d *depot) *atomic.Bool { return &d.sourceDown },
		"disk":  func(d *depot) *atomic.Bool { return &d.sourceFull },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDepot(t)
				d.down.Store(true)
				for _, entry := range []string{"1", "2", "3"} {
					must[struct{}](d.world, source, "ask", "down", "add", entry)
				}
				must[struct{}](d.world, source, "later", "alarm")
				time.Sleep(5 * time.Second)
				unable := fault(d)
				unable.Store(true)
				d.down.Store(false)
				time.Sleep(10 * time.Second)
				before := d.sourceTry.Load()
				time.Sleep(time.Hour)
				if n := d.sourceTry.Load() - before; n > 250 {
					t.Errorf("tried %d times within an hour", n)
				}
				due := d.rt.Due("", "")
				if len(due) != 1 || due[0].Failures < 10 || time.Since(due[0].Since) < time.Hour || !strings.HasPrefix(due[0].Error, "the object") {
					t.Errorf("due: %+v", due)
				}
				unable.Store(false)
				time.Sleep(2 * time.Minute)
				log := must[[]string](d.world, source, "log")
				slices.Sort(log)
				if want := []string{"1 added", "2 added", "3 added", "alarm"}; !slices.Equal(log, want) {
					t.Errorf("got %q, want %q", log, want)
				}
				d.wantNothingLeft()
			})
		})
	}
}

func TestDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		list := func(binding, instance string) (all []string) {
			t.Helper()
			for after := ""; ; {
				page, next, err := d.rt.DeadLetters(t.Context(), binding, instance, after, 2)
				wantNil(t, err)
				for _, l := range page {
					all = append(all, l.From.String()+" "+l.ID+" "+l.To.String()+" "+l.Work+": "+l.Error)
				}
				if next == "" {
					return all
				}
				after = next
			}
		}
		d.send("up", "closed", "")                             // a guard
		d.send("up", "nothing", "")                            // no such method
		d.send("up", "fail", "")                               // was executed
		must[struct{}](d.world, source, "ask", "up", "no", "") // its reply gets the error
		d.send("up", "add", "1")
		time.Sleep(10 * time.Second)
		want := []string{`SOURCE/one 1 SHELF/up closed(): this method only takes replies`, `SOURCE/one 2 SHELF/up nothing(): no method "nothing"`}
		check := func(binding, instance string, want ...string) {
			t.Helper()
			got := list(binding, instance)
			if !slices.EqualFunc(got, want, strings.HasPrefix) {
				t.Errorf("%s/%s: got %q, want %q", binding, instance, got, want)
			}
		}
		check("", "", want...)
		d.restart()
		check("SOURCE", "one", want...)
		check("SOURCE", "", want...)
		check("SHELF", "")
		if len(d.rt.Due("", "")) != 0 {
			t.Error("what is dead is due")
		}
		time.Sleep(time.Hour)
		if d.sourceTry.Load() != 1 {
			t.Errorf("the sender was started %d times", d.sourceTry.Load())
		}
		n, err := d.rt.RemoveDead(t.Context(), source, "1")
		_, missing := d.rt.RemoveDead(t.Context(), source, "1")
		if n != 1 || err != nil || missing != nil {
			t.Errorf("%d removed, %v, %v", n, err, missing)
		}
		check("", "", want[1])
		for range maxDead {
			d.send("up", "closed", "")
		}
		time.Sleep(10 * time.Second)
		if got := list("SOURCE", ""); len(got) != maxDead || !strings.Contains(got[0], "closed") {
			t.Errorf("%d are kept, the first %q", len(got), got[0])
		}
		if !strings.Contains(d.log.String(), "the oldest dead letter was dropped") {
			t.Error("the log does not say that one was dropped")
		}
		n, err = d.rt.RemoveDead(t.Context(), source, "")
		if n != maxDead || err != nil {
			t.Errorf("%d removed, %v", n, err)
		}
		check("", "")
		d.wantNothingLeft()
	})
}

func TestDeadLetterAfterSevenDays(t *testing.T) {
	whileUnable(t, func(t *testing.T, d *depot, unable *atomic.Bool) {
		d.send("down", "add", "1")
		time.Sleep(sendLife - time.Hour)
		d.send("down", "add", "2")
		time.Sleep(2 * time.Hour)
		page, _, err := d.rt.DeadLetters(t.Context(), "", "", "", 10)
		if len(page) != 1 || page[0].Unknown || !strings.Contains(page[0].Args, `"1"`) || !strings.Contains(page[0].Error, "SHELF/down could not execute it in time: the object") || err != nil {
			t.Errorf("got %+v, %v", page, err)
		}
		unable.Store(false)
		time.Sleep(2 * time.Minute)
		d.wantLog(downOne, "2")
		_, err = d.rt.RemoveDead(t.Context(), source, "")
		wantNil(t, err)
		d.wantNothingLeft()
	})
}

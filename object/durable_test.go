package object

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/storetest"
)

// meter is an object that counts, and the log of its turns and messages.
type meter struct {
	*world
	begin time.Time
	made  int

	mu    sync.Mutex
	turns []string // "add 0s": which turn ran and when
	heard []string // what arrived at the worker EAR
}

// newMeter registers BOX on a late disk. Use it in a synctest bubble.
func newMeter(t *testing.T, late *storetest.Late) *meter {
	w := newWorldOn(t, func(m mesh, log *slog.Logger) (*Runtime, error) {
		disk, err := late.Use()
		if err != nil {
			return nil, err
		}
		return openOn(disk, m, log)
	})
	y := &meter{world: w, begin: time.Now()}
	w.mesh["EAR"] = nodeFunc(func(c *proto.Call, done func(proto.Answer)) {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.heard = append(y.heard, proto.FirstMethod(c.Chain))
		done(proto.NewAnswer(true, nil))
	})
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		y.made++
		counter := func(ctx context.Context) (n int, err error) {
			_, err = o.KV().Get(ctx, "n", &n)
			return n, err
		}
		add := func(ctx context.Context) (int, error) {
			n, err := counter(ctx)
			return n + 1, errors.Join(err, o.KV().Put(ctx, "n", n+1))
		}
		lmz.Method1[string, int]("add").Expose(mux, lmz.Anyone, func(ctx context.Context, message string) (int, error) {
			y.note("add")
			n, err := add(ctx)
			return n, errors.Join(err, o.Send(ctx, lmz.Worker("EAR"), lmz.Ctn(message)))
		})
		lmz.Method0[int]("read").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			y.note("read")
			return counter(ctx)
		})
		lmz.Method1[time.Duration, int]("dwell").Expose(mux, lmz.Anyone, func(ctx context.Context, d time.Duration) (int, error) {
			y.note("dwell")
			time.Sleep(d)
			return add(ctx)
		})
		lmz.Method0[int]("ask").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			if _, err := add(ctx); err != nil {
				return 0, err
			}
			if _, err := o.CallRaw(ctx, lmz.Worker("EAR"), lmz.Ctn("asked")); err != nil {
				return 0, err
			}
			return add(ctx)
		})
	})
	return y
}

// note records a turn.
func (y *meter) note(method string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.turns = append(y.turns, fmt.Sprint(method, " ", time.Since(y.begin)))
}

// ended is the outcome of a call, and its time.
type ended struct {
	value int
	err   error
	after time.Duration
}

// call makes a call after a delay.
func (y *meter) call(after time.Duration, method string, args ...any) <-chan ended {
	outcomes := make(chan ended, 1)
	go func() {
		time.Sleep(after) // virtual
		n, err := lmz.Call[int](context.Background(), y, box, lmz.Ctn(method, args...))
		outcomes <- ended{n, err, time.Since(y.begin)}
	}()
	return outcomes
}

func wantEnd(t *testing.T, what string, got ended, value int, after time.Duration) {
	t.Helper()
	if got.value != value || got.err != nil || got.after != after {
		t.Errorf("%s: %d, %v after %v; want %d after %v", what, got.value, got.err, got.after, value, after)
	}
}

func TestTurnsWhileACommitIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newMeter(t, &storetest.Late{Delay: func(lmz.Address) time.Duration { return 100 * time.Millisecond }})
		defer y.close()
		const ms = time.Millisecond
		first, second := y.call(0, "add", "one"), y.call(10*ms, "add", "two")
		read, third := y.call(20*ms, "read"), y.call(30*ms, "add", "three")
		wantEnd(t, "the first", <-first, 1, 100*ms)
		wantEnd(t, "the second", <-second, 2, 200*ms)
		wantEnd(t, "a read of what the second wrote", <-read, 2, 200*ms)
		wantEnd(t, "the third", <-third, 3, 300*ms)
		wantEnd(t, "a read of what is durable", <-y.call(0, "read"), 3, 300*ms)
		synctest.Wait()
		if want := []string{"add 0s", "add 10ms", "read 20ms", "add 30ms", "read 300ms"}; !slices.Equal(y.turns, want) {
			t.Errorf("turns %q, want %q", y.turns, want)
		}
		if want := []string{"one", "two", "three"}; !slices.Equal(y.heard, want) {
			t.Errorf("heard %q, want %q", y.heard, want)
		}
	})
}

// loseNth returns a Lose function that loses only the nth commit.
func loseNth(nth int, why error) func(lmz.Address) error {
	commits := 0
	return func(lmz.Address) error {
		if commits++; commits == nth {
			return why
		}
		return nil
	}
}

func TestLostCommit(t *testing.T) {
	for _, test := range []struct {
		why    error
		code   lmz.Code // of the call in the commit
		stored int
	}{
		{errors.New("the other side refused it"), lmz.CodeGateway, 1},
		{fmt.Errorf("no acknowledgement: %w", store.ErrMaybeStored), lmz.CodeUnknown, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			const ms = time.Millisecond
			y := newMeter(t, &storetest.Late{
				Delay: func(lmz.Address) time.Duration { return 100 * ms },
				Lose:  loseNth(2, test.why),
			})
			defer y.close()
			kept, lost := y.call(0, "add", "kept"), y.call(10*ms, "add", "lost")
			after := []<-chan ended{
				y.call(20*ms, "add", "after"), y.call(30*ms, "read"), y.call(40*ms, "ask"), y.call(150*ms, "dwell", 100*ms),
			}
			behind := y.call(160*ms, "read") // waits for its turn when the commit is lost
			wantEnd(t, "the first", <-kept, 1, 100*ms)
			if got := <-lost; lmz.CodeOf(got.err) != test.code || got.after != 200*ms {
				t.Errorf("the call in the commit: %v after %v", got.err, got.after)
			}
			for i, outcome := range after[1:] {
				got := <-outcome
				code := lmz.CodeGateway
				if i == 0 {
					code = lmz.CodeOf(got.err) // it read data that may be stored
				}
				if got.err == nil || lmz.CodeOf(got.err) != code {
					t.Errorf("later call %d: %d, %v", i, got.value, got.err)
				}
			}
			if got := <-after[0]; !errors.Is(got.err, lmz.ErrNotExecuted) {
				t.Errorf("the call after it: %v", got.err)
			}
			if got := <-behind; got.value != test.stored || got.err != nil {
				t.Errorf("the call behind: %d, %v, want %d", got.value, got.err, test.stored)
			}
			synctest.Wait()
			if want := []string{"kept"}; !slices.Equal(y.heard, want) {
				t.Errorf("heard %q, want %q", y.heard, want)
			}
			if y.made != 2 {
				t.Errorf("the handler was made %d times, want 2", y.made)
			}
			at := time.Since(y.begin) + 100*ms
			wantEnd(t, "the next", <-y.call(0, "add", "next"), test.stored+1, at)
		})
	}
}

// TestIdleObjectOfALostCommit makes no calls after the loss: the object is closed anyway,
// and an alarm of the lost turn does not ring.
func TestIdleObjectOfALostCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newMeter(t, &storetest.Late{
			Delay: func(lmz.Address) time.Duration { return 100 * time.Millisecond },
			Lose:  loseNth(1, errors.New("the other side refused it")),
		})
		defer y.close()
		if got := <-y.call(0, "add", "lost"); !errors.Is(got.err, lmz.ErrNotExecuted) {
			t.Errorf("got %v", got.err)
		}
		synctest.Wait()
		y.rt.mu.Lock()
		o := y.rt.objects[box]
		y.rt.mu.Unlock()
		if o == nil || o.handler != nil || o.lost.Load() != nil {
			t.Error("the object is open")
		}
	})
}

// TestCallsOverLateCommits lets callers count in objects whose commits are late and get
// lost: acknowledged calls are stored, and calls reported as not executed are not.
func TestCallsOverLateCommits(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			r := rand.New(rand.NewPCG(seed, 3))
			draw := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return r.IntN(n)
			}
			y := newMeter(t, &storetest.Late{
				Delay: func(lmz.Address) time.Duration { return time.Duration(draw(30)) * time.Millisecond },
				Lose: func(lmz.Address) error {
					if draw(6) == 0 {
						return errors.New("lost")
					}
					return nil
				},
			})
			defer y.close()
			var calls []<-chan ended
			for range 40 {
				method, args := "add", []any{"x"}
				switch draw(4) {
				case 0:
					method, args = "read", nil
				case 1:
					method, args = "dwell", []any{time.Duration(draw(20)) * time.Millisecond}
				}
				if method == "read" {
					y.call(time.Duration(draw(200))*time.Millisecond, method, args...)
					continue
				}
				calls = append(calls, y.call(time.Duration(draw(200))*time.Millisecond, method, args...))
			}
			acknowledged := 0
			for _, outcome := range calls {
				got := <-outcome
				if got.err == nil {
					acknowledged++
				} else if !errors.Is(got.err, lmz.ErrNotExecuted) {
					t.Errorf("seed %d: %v", seed, got.err)
				}
			}
			for range 20 {
				if got := <-y.call(time.Second, "read"); got.err != nil || got.value != acknowledged {
					t.Fatalf("seed %d: %d counted, %v; %d were acknowledged", seed, got.value, got.err, acknowledged)
				}
			}
		})
	}
}

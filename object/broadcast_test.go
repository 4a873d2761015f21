package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/turn"
)

// TestBroadcastAcrossCrashes kills the gateway in the middle of broadcasts. Each target still
// executes each one once, and its reply runs once.
func TestBroadcastAcrossCrashes(t *testing.T) {
	const ears = 12
	tag := func(i int) string { return fmt.Sprint("cast ", i) }
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			disk, r := seededDisk(seed), rand.New(rand.NewPCG(seed, 9))
			var w *world
			start := func(next *world) {
				w = next
				w.registerKind("BOX", Kind{Idle: 5 * time.Millisecond, New: func(o *Object) lmz.Handler {
					mux := &lmz.Mux{}
					exposeCounters(o, mux)
					lmz.Method1[string, struct{}]("cast").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (struct{}, error) {
						targets := make([]lmz.Address, ears)
						for i := range targets {
							targets[i] = lmz.At("BOX", fmt.Sprint(i))
						}
						return struct{}{}, errors.Join(o.KV().Put(ctx, tag, 1),
							o.Broadcast(ctx, targets, lmz.Ctn("count", tag), lmz.Reply(lmz.Ctn("count", lmz.Result))))
					})
					return mux
				}})
			}
			start(newMemoryWorld(t, disk))
			for i := range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := w.peer.start(ctx, box, lmz.Ctn("cast", tag(i)))
				time.Sleep(time.Duration(r.Int64N(int64(15 * time.Millisecond))))
				start(w.crash(disk))
				wantNil(t, err)
				cancel()
			}
			w.rt.Start()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			for i := range 3 {
				cast := must[int](w, box, "counted", tag(i))
				for ear := range ears {
					heard := must[int](w, lmz.At("BOX", fmt.Sprint(ear)), "counted", tag(i))
					replied := must[int](w, box, "counted", fmt.Sprint(tag(i), " by ", ear))
					if heard != cast || replied != cast {
						t.Errorf("seed %d: cast %d times, %d heard it %d times, and its reply ran %d times", seed, cast, ear, heard, replied)
					}
				}
			}
			wantNil(t, w.rt.Close())
		})
	}
}

func TestBroadcastRow(t *testing.T) {
	onEveryStore(t, func(t *testing.T, disk store.Disk) {
		const targets = 1000
		o := &Object{rt: &Runtime{mesh: mesh{}, kinds: map[string]Kind{"BOX": {}}}, store: disk.Open(sender, store.Options{}), id: lmz.Identity{Address: sender}}
		r := o.newRun(t.Context(), func(error) {}, o.line.Join(turn.Who{}))
		defer r.spend()
		all := make([]lmz.Address, targets)
		for i := range all {
			all[i] = lmz.At("BOX", fmt.Sprint(i))
		}
		ctx := context.WithValue(t.Context(), runKey{}, r)
		wantNil(t, o.Broadcast(ctx, all, lmz.Ctn("hear", strings.Repeat("x", 10_000)), lmz.ReplyOnError(lmz.Ctn("gone"))))
		wantNil(t, r.keepSends())
		rows, err := o.store.Rows("", store.NoLimit)
		wantNil(t, err)
		if len(rows) != 1 || len(rows[0].Value) > 40_000 || len(r.effects) != 1 {
			t.Errorf("%d rows, %d messages", len(rows), len(r.effects))
		}
		wantNil(t, o.store.Rollback(), o.store.Close())
	})
}

func TestBroadcastEncoding(t *testing.T) {
	w := newWorld(t, t.TempDir())
	const targets = 1000
	text := strings.Repeat("x", 100_000)
	arrived := make(chan []byte, targets+1)
	w.mesh["CLIENT"] = nodeFunc(func(c *proto.Call, done func(proto.Answer)) {
		arrived <- c.Chain
		done(proto.NewAnswer(nil, nil))
	})
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method0[struct{}]("all").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			all := make([]lmz.Address, targets)
			for i := range all {
				all[i] = lmz.At("CLIENT", fmt.Sprint(i))
			}
			if err := o.Broadcast(ctx, all, lmz.Ctn("hear", text)); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, o.Send(ctx, lmz.At("CLIENT", "other"), lmz.Ctn("hear", "something else"))
		})
	})
	must[struct{}](w, box, "all")
	first := <-arrived
	for range targets - 1 {
		if chain := <-arrived; &chain[0] != &first[0] {
			t.Fatal("it was encoded again")
		}
	}
	if chain := <-arrived; bytes.Contains(chain, []byte("xxx")) {
		t.Error("another message was taken for it")
	}
}

// TestBroadcastReplies checks that a reply runs for each target, whether that is an object
// or not, and knows for which one it runs.
func TestBroadcastReplies(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["CLIENT"] = nodeFunc(func(c *proto.Call, done func(proto.Answer)) { done(proto.NewAnswer(nil, lmz.Errorf("busy"))) })
	replies := make(chan string, 10)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method0[struct{}]("hear").Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
			if to, ok := TargetFrom(ctx); ok {
				t.Errorf("a call has the target %v", to)
			}
			return struct{}{}, lmz.Errorf("deaf")
		})
		lmz.Method1[lmz.Value, struct{}]("failed").Expose(mux, lmz.NoOne, func(ctx context.Context, v lmz.Value) (struct{}, error) {
			_, err := lmz.ResultOf[struct{}](v)
			to, ok := TargetFrom(ctx)
			replies <- fmt.Sprint(to, " ", ok, " ", err)
			return struct{}{}, nil
		})
		lmz.Method1[[]lmz.Address, struct{}]("all").Expose(mux, lmz.Anyone, func(ctx context.Context, to []lmz.Address) (struct{}, error) {
			return struct{}{}, o.Broadcast(ctx, to, lmz.Ctn("hear"), lmz.ReplyOnError(lmz.Ctn("failed")))
		})
	})
	must[struct{}](w, box, "all", []lmz.Address{lmz.At("BOX", "a"), lmz.At("CLIENT", "c"), lmz.At("BOX", "b")})
	got := []string{<-replies, <-replies, <-replies}
	slices.Sort(got)
	if want := []string{"BOX/a true deaf", "BOX/b true deaf", "CLIENT/c true busy"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBroadcastLimits checks that a broadcast without targets does nothing, and that one
// with too many is refused as a whole.
func TestBroadcastLimits(t *testing.T) {
	w := newWorld(t, t.TempDir())
	heard := make(chan struct{}, maxTargets+1)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method0[struct{}]("hear").Expose(mux, lmz.Anyone, func(context.Context) (struct{}, error) {
			heard <- struct{}{}
			return struct{}{}, nil
		})
		lmz.Method1[int, struct{}]("all").Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (struct{}, error) {
			return struct{}{}, o.Broadcast(ctx, slices.Repeat([]lmz.Address{lmz.At("BOX", "a")}, n), lmz.Ctn("hear"))
		})
	})
	must[struct{}](w, box, "all", 0)
	if _, err := w.peer.CallRaw(t.Context(), box, lmz.Ctn("all", maxTargets+1)); !errors.Is(err, lmz.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	must[struct{}](w, lmz.At("BOX", "a"), "all", 0) // it gets a turn after all sends
	if len(heard) > 0 {
		t.Error("a refused broadcast was heard")
	}
}

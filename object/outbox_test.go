package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/memory"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

var (
	sender = lmz.At("SENDER", "one")
	callee = lmz.At("CALLEE", "one")
)

// post is a mesh with sending and receiving objects and a worker, over several lives of the
// gateway.
type post struct {
	t    *testing.T
	disk *MemoryDisk
	*world

	idle   time.Duration // idle time until objects are closed; 0 means 20 ms
	schema []string      // of a table in addition to the keys; nil if none

	mu   sync.Mutex
	work map[string]int // how often the worker did what
	note func(tag string)
}

func newPost(t *testing.T, disk *MemoryDisk) *post {
	p := &post{t: t, disk: disk, work: make(map[string]int)}
	p.start(newMemoryWorld(t, disk))
	return p
}

func (p *post) start(w *world) {
	p.world = w
	w.mesh["WORKER"] = worker{lmz.HandlerFunc(func(ctx context.Context, r *lmz.Request) (any, error) {
		var tag string
		err := r.Arg(0, &tag)
		p.mu.Lock()
		p.work[tag]++
		p.mu.Unlock()
		if p.note != nil {
			p.note(tag)
		}
		if p.disk != nil {
			time.Sleep(3 * time.Millisecond) // virtual
		}
		return "worked", err
	})}
	add := func(ctx context.Context, o *Object, tag string) error {
		if p.schema != nil && !strings.HasPrefix(tag, "kv") {
			if _, err := o.SQL().Exec(ctx, `INSERT INTO entry (text, pad) VALUES (?, randomblob(abs(random() % 500)))`, tag); err != nil {
				return err
			}
		}
		if strings.HasPrefix(tag, "sql") {
			return nil
		}
		var log []string
		if _, err := o.KV().Get(ctx, "log", &log); err != nil {
			return err
		}
		return o.KV().Put(ctx, "log", append(log, tag))
	}
	kind := func(extra func(o *Object, mux *lmz.Mux)) Kind {
		relaxed := p.disk == nil // processes are killed, not machines
		return Kind{Idle: cmp.Or(p.idle, 20*time.Millisecond), Schema: p.schema, Relaxed: relaxed, New: func(o *Object) lmz.Handler {
			mux := &lmz.Mux{}
			lmz.Method0[[]string]("log").Expose(mux, lmz.Anyone, func(ctx context.Context) (log []string, err error) {
				if _, err = o.KV().Get(ctx, "log", &log); err != nil || p.schema == nil {
					return log, err
				}
				table, err := QueryAll[string](ctx, o.SQL(), `SELECT text FROM entry ORDER BY n`)
				if inKey, inTable := without(log, "kv"), without(table, "sql"); !slices.Equal(inKey, inTable) {
					return nil, lmz.Errorf("the key says %q, and the table %q", inKey, inTable)
				}
				return append(log, slices.DeleteFunc(table, func(tag string) bool { return !strings.HasPrefix(tag, "sql") })...), err
			})
			extra(o, mux)
			return mux
		}}
	}
	w.registerKind("CALLEE", kind(func(o *Object, mux *lmz.Mux) {
		lmz.Method1[string, string]("add").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (string, error) {
			return "added", add(ctx, o, tag)
		})
		lmz.Method1[string, string]("slow").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (string, error) {
			if err := add(ctx, o, tag); err != nil {
				return "", err
			}
			o.CallRaw(ctx, lmz.Worker("WORKER"), lmz.Ctn("work", tag+"/inner"))
			return "added slowly", add(ctx, o, tag+"/end")
		})
	}))
	w.registerKind("SENDER", kind(func(o *Object, mux *lmz.Mux) {
		mux.Expose("replied", lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, r *lmz.Request) (any, error) {
			var tag, result string
			if err := r.Arg(0, &tag); err != nil {
				return nil, err
			}
			var failure *lmz.Error
			if r.Arg(1, &failure) == nil && failure != nil {
				result = "error: " + failure.Message
			} else if err := r.Arg(1, &result); err != nil {
				return nil, err
			}
			return nil, add(ctx, o, tag+" "+result)
		}))
		ring := lmz.Method1[string, struct{}]("ring")
		ring.Expose(mux, lmz.NoOne, func(ctx context.Context, tag string) (struct{}, error) {
			return struct{}{}, add(ctx, o, tag+"/alarm")
		})
		remind := func(ctx context.Context, tag string) error {
			_, err := o.Alarms().Set(ctx, In(0), ring.Ctn(tag), AlarmOptions{})
			return errors.Join(err, add(ctx, o, tag))
		}
		lmz.Method1[string, struct{}]("remind").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (struct{}, error) {
			return struct{}{}, remind(ctx, tag)
		})
		for _, note := range []string{"kv", "sql"} {
			lmz.Method1[string, struct{}](note).Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (struct{}, error) {
				return struct{}{}, add(ctx, o, tag)
			})
		}
		lmz.Method1[string, struct{}]("undo").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (struct{}, error) {
			no := errors.New("no")
			err := o.Tx(ctx, func(ctx context.Context) error {
				return errors.Join(remind(ctx, tag+"/undone"), o.Send(ctx, callee, lmz.Ctn("add", tag+"/undone")), no)
			})
			if !errors.Is(err, no) {
				return struct{}{}, fmt.Errorf("got %w", err)
			}
			return struct{}{}, add(ctx, o, tag)
		})
		lmz.Method1[string, struct{}]("fail").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (struct{}, error) {
			return struct{}{}, errors.Join(remind(ctx, tag), o.Send(ctx, callee, lmz.Ctn("add", tag+"/a")),
				o.Send(ctx, lmz.Worker("WORKER"), lmz.Ctn("work", tag+"/w"), lmz.Reply(lmz.Ctn("replied", tag, lmz.Result))),
				o.Send(ctx, lmz.Worker("WORKER"), lmz.Ctn("work", tag+"/w")), lmz.Errorf("as ordered"))
		})
		lmz.Method1[string, struct{}]("send").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (struct{}, error) {
			reply := func(what string) lmz.SendOption { return lmz.Reply(lmz.Ctn("replied", tag+what, lmz.Result)) }
			return struct{}{}, errors.Join(
				add(ctx, o, tag),
				o.Send(ctx, lmz.Worker("WORKER"), lmz.Ctn("work", tag+"/v")),
				o.Send(ctx, callee, lmz.Ctn("add", tag+"/a")),
				o.Send(ctx, callee, lmz.Ctn("add", tag+"/b"), reply("/b")),
				o.Send(ctx, callee, lmz.Ctn("slow", tag+"/c"), reply("/c")),
				o.Send(ctx, lmz.Worker("WORKER"), lmz.Ctn("work", tag+"/w"), reply("/w")))
		})
	}))
}

// restart kills the gateway, and starts it again.
func (p *post) restart() { p.start(p.world.crash(p.disk)) }

// rows returns the row keys of an object with a prefix.
func (p *post) rows(a lmz.Address, prefix string) (keys []string) {
	for _, key := range p.disk.disk.Rows(a) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func seededDisk(seed uint64) *MemoryDisk {
	r, survivals := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	var mu sync.Mutex
	return &MemoryDisk{
		Latency: func(lmz.Address) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(r.Int64N(int64(2*time.Millisecond))) + 1
		},
		Survives: func() bool { return survivals.IntN(2) == 0 },
	}
}

// Whenever the gateway is killed, the sends of a turn on disk are executed once by an object
// and at most once by a worker, in order, their replies run once, and nothing else was sent,
// even without further calls.
func TestStoredSendsOfAKilledGateway(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			p := newPost(t, seededDisk(seed))
			for i := range 1 + r.IntN(3) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				p.send(ctx, fmt.Sprint(i))
				time.Sleep(time.Duration(r.Int64N(int64(25 * time.Millisecond))))
				p.restart()
				cancel()
			}
			for r.IntN(2) == 0 {
				p.rt.Start()
				time.Sleep(time.Duration(r.Int64N(int64(25 * time.Millisecond))))
				p.restart()
			}
			p.rt.Start()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			for _, a := range []lmz.Address{sender, callee} {
				if p.rows(a, "") != nil || len(p.disk.disk.WakeTimes()) != 0 {
					t.Errorf("seed %d: left at %s: %v; to be woken: %v", seed, a, p.rows(a, ""), p.disk.disk.WakeTimes())
				}
			}
			sent, received := must[[]string](p.world, sender, "log"), must[[]string](p.world, callee, "log")
			for i := range 3 {
				tag := fmt.Sprint(i)
				n := times(sent, tag)
				if a, b := times(received, tag+"/a"), times(received, tag+"/b"); a != n || b != n {
					t.Errorf("seed %d: sent %d times, executed %d and %d times", seed, n, a, b)
				}
				if times(received, tag+"/c") != n || times(received, tag+"/c/end") > n || p.work[tag+"/w"] > n {
					t.Errorf("seed %d: sent %d times; slow is in %q, the worker did %v", seed, n, received, p.work)
				}
				if b, c, w := withPrefix(sent, tag+"/b "), withPrefix(sent, tag+"/c "), withPrefix(sent, tag+"/w "); b != n || c != n || w != n {
					t.Errorf("seed %d: sent %d times, replied %d, %d and %d times: %q", seed, n, b, c, w, sent)
				}
				if n == 1 && times(sent, tag+"/b added") != 1 {
					t.Errorf("seed %d: an object that had finished did not say so: %q", seed, sent)
				}
			}
			begun := slices.DeleteFunc(slices.Clone(received), func(s string) bool { return strings.HasSuffix(s, "/end") })
			if !slices.IsSorted(begun) {
				t.Errorf("seed %d: out of order: %q", seed, received)
			}
			wantNil(t, p.rt.Close())
		})
	}
}

// send starts a call of send, and does not wait for it.
func (p *post) send(ctx context.Context, tag string) {
	if _, err := p.world.peer.start(ctx, sender, lmz.Ctn("send", tag)); err != nil {
		p.t.Fatal(err)
	}
}

func times(log []string, what string) (n int) {
	for _, s := range log {
		if s == what {
			n++
		}
	}
	return n
}

// without returns the entries that do not begin with prefix.
func without(log []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(log), func(s string) bool { return strings.HasPrefix(s, prefix) })
}

func withPrefix(log []string, prefix string) (n int) {
	for _, s := range log {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// exposeCounters exposes count, which counts a tag and returns the object's name, and
// counted.
func exposeCounters(o *Object, mux *lmz.Mux) {
	lmz.Method1[string, string]("count").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (string, error) {
		var n int
		_, err := o.KV().Get(ctx, tag, &n)
		return tag + " by " + o.Identity().Instance, errors.Join(err, o.KV().Put(ctx, tag, n+1))
	})
	lmz.Method1[string, int]("counted").Expose(mux, lmz.Anyone, func(ctx context.Context, tag string) (n int, err error) {
		_, err = o.KV().Get(ctx, tag, &n)
		return n, err
	})
}

// onEveryStore runs a test on each kind of disk.
func onEveryStore(t *testing.T, test func(*testing.T, store.Disk)) {
	t.Run("SQLite", func(t *testing.T) {
		disk, err := sqlite.Open(t.TempDir(), slog.New(slog.DiscardHandler), sqlite.Options{})
		wantNil(t, err)
		test(t, disk)
		wantNil(t, disk.Usage().Close(), disk.Wakes().Close(), disk.Close())
	})
	t.Run("memory", func(t *testing.T) {
		disk, err := new(memory.Disk).Use()
		wantNil(t, err)
		test(t, disk)
	})
}

package object

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/value"
)

// leavings records the calls of left by watches.
type leavings struct {
	mu   sync.Mutex
	args []int
}

func (l *leavings) register(w *world) {
	w.script = make(chan func(context.Context, *Object) error, 1)
	w.registerKind("BOX", Kind{New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		lmz.Method0[bool]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, (<-w.script)(ctx, o)
		})
		lmz.Method1[int, struct{}]("left").Expose(mux, lmz.NoOne, func(_ context.Context, n int) (struct{}, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.args = append(l.args, n)
			return struct{}{}, nil
		})
		return mux
	}})
}

func (l *leavings) wants(t *testing.T, want ...int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.args)
	if !slices.Equal(l.args, want) {
		t.Errorf("left with %v, want %v", l.args, want)
	}
}

func watchesOf(o *Object, ctx context.Context) (n int, err error) {
	err = o.use(ctx, func(st store.Store) error {
		rows, err := st.Rows(store.WatchRows, store.NoLimit)
		n = len(rows)
		return err
	})
	return n, err
}

// TestAWatchIsStoredOnce makes an object watch one client 500 times in a turn, each time
// with another number, as documents do when a client resubscribes repeatedly.
func TestAWatchIsStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemoryWorld(t, &MemoryDisk{})
		var l leavings
		l.register(w)
		w.run(func(ctx context.Context, o *Object) error {
			for i := range 500 {
				if err := o.Watch(ctx, lmz.At("CLIENT", "ann.tab"), lmz.Ctn("left", i)); err != nil {
					return err
				}
			}
			if n, err := watchesOf(o, ctx); n != 1 {
				t.Errorf("%d watches are stored, %v", n, err)
			}
			return nil
		})
		time.Sleep(time.Second)
		l.wants(t, 499) // the client has no session
		w.close()
	})
}

// TestOldDuplicatesOfWatchesCollapse stores 500 watches of one session in an object, as
// version 1 did, and another one. After a restart the last of them runs, once.
func TestOldDuplicatesOfWatchesCollapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &MemoryDisk{}
		w := newMemoryWorld(t, disk)
		var l leavings
		l.register(w)
		old := func(st store.Store, session byte, n int) error {
			chain, err := value.MarshalChain(lmz.Ctn("left", n))
			if err != nil {
				return err
			}
			data, err := value.Marshal(struct {
				Client  []string
				Session []byte
				Chain   []byte
				Work    string
			}{[]string{"CLIENT", "ann.tab"}, []byte{session, 15: 0}, chain, "left()"})
			if err != nil {
				return err
			}
			hash := sha256.Sum256(data)
			return st.PutRow(fmt.Sprintf("%s%x", store.WatchRows, hash[:16]), data)
		}
		w.run(func(ctx context.Context, o *Object) error {
			return o.use(ctx, func(st store.Store) error {
				o.stirred = true
				for i := range 500 {
					if err := old(st, 1, i); err != nil {
						return err
					}
				}
				return old(st, 2, 7)
			})
		})
		w = w.crash(disk)
		l.register(w)
		w.rt.Start()
		time.Sleep(time.Minute)
		l.wants(t, 7, 499)
		w.run(func(ctx context.Context, o *Object) error {
			if n, err := watchesOf(o, ctx); n != 0 || err != nil {
				t.Errorf("%d watches are left, %v", n, err)
			}
			return nil
		})
		w.close()
	})
}

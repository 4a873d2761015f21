package object

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// newWorldOfFiles is newWorld with a limit on open files.
func newWorldOfFiles(t *testing.T, files int) (w *world, disk *sqlite.Disk) {
	w = newWorldOn(t, func(m mesh, log *slog.Logger) (*Runtime, error) {
		var err error
		disk, err = sqlite.Open(t.TempDir(), log, sqlite.Options{Files: func() int { return files }})
		wantNil(t, err)
		return openOn(disk, m, log)
	})
	return w, disk
}

// TestManyObjectsOnFewFiles makes chains of objects wait for each other, more at once than
// may have their files open. None waits forever, and nothing is lost.
func TestManyObjectsOnFewFiles(t *testing.T) {
	const few, objects, callers, depth = 3, 60, 30, 8
	w, disk := newWorldOfFiles(t, few)
	var highest atomic.Int64
	hop := lmz.Method2[int, int, int]("hop")
	w.registerKind("HOP", Kind{TurnLimit: -1, New: func(o *Object) lmz.Handler { // a turn waits for its file
		mux := new(lmz.Mux)
		hop.Expose(mux, lmz.Anyone, func(ctx context.Context, at, left int) (int, error) {
			if err := o.KV().Put(ctx, "before", left); err != nil || left == 0 {
				return 0, err
			}
			open, _ := disk.Files()
			for most := highest.Load(); int64(open) > most && !highest.CompareAndSwap(most, int64(open)); {
				most = highest.Load()
			}
			next := (at + 1) % objects
			below, err := hop.Call(ctx, o, lmz.At("HOP", fmt.Sprint(next)), next, left-1)
			if err != nil {
				return 0, err
			}
			var before int
			if found, err := o.KV().Get(ctx, "before", &before); !found || err != nil {
				return 0, fmt.Errorf("what was written before the call: found %v, %w", found, err)
			}
			return below + 1, o.KV().Put(ctx, "after", left)
		})
		return mux
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // must pass on slow machines
	defer cancel()
	rounds := 1
	if os.Getenv("LMZ_SOAK") != "" {
		rounds = 10
	}
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for round := range rounds {
				at := (i*7 + round*11) % objects
				n, err := hop.Call(ctx, w, lmz.At("HOP", fmt.Sprint(at)), at, depth)
				if n != depth || err != nil {
					t.Errorf("caller %d: %d hops, %v; want %d", i, n, err, depth)
				}
			}
		})
	}
	all.Wait()
	if most := highest.Load(); most != few {
		t.Errorf("%d files were open at once, want %d", most, few)
	}
	table, err := w.rt.Inspect(t.Context(), lmz.At("HOP", "5"), `SELECT count(*) FROM lmz_kv`)
	if err != nil || fmt.Sprint(table.Rows) != "[[2]]" {
		t.Errorf("an inspection: %v, %v; want the two values of the object", table.Rows, err)
	}
}

// TestAFileForWhichThereIsNoRoom lets handlers keep all files open while one more object
// needs its file: it waits until one of them has ended.
func TestAFileForWhichThereIsNoRoom(t *testing.T) {
	w, disk := newWorldOfFiles(t, 1)
	held, let := make(chan struct{}), make(chan struct{})
	w.register("KEEP", func(o *Object, mux *lmz.Mux) {
		mux.Expose("keep", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			err := o.KV().Put(ctx, "kept", true)
			close(held)
			<-let
			return nil, err
		}))
		mux.Expose("put", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			return nil, o.KV().Put(ctx, "put", true)
		}))
	})
	first, err := w.start(t.Context(), lmz.At("KEEP", "a"), lmz.Ctn("keep"))
	if err != nil {
		t.Fatal(err)
	}
	<-held
	second, err := w.start(t.Context(), lmz.At("KEEP", "b"), lmz.Ctn("put"))
	if err != nil {
		t.Fatal(err)
	}
	poll.Until(t, "the second object waits for a file", func() bool {
		_, waiting := disk.Files()
		return waiting == 1
	})
	close(let)
	for _, answers := range []<-chan proto.Answer{first, second} {
		if a := <-answers; a.Failed != "" {
			_, err := a.Result()
			t.Errorf("the call failed: %v", err)
		}
	}
}

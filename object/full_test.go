//go:build unix

package object

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// limitFiles lets no file of this process grow beyond size bytes, as on a disk that is
// full, until the returned function is called.
func limitFiles(t *testing.T, size int64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	wantNil(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limited := before
	limited.Cur = uint64(size)
	wantNil(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited))
	return func() { wantNil(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) }
}

// fullVar marks the process whose files are limited: a separate one, because the go tool
// makes the original test process write files.
const fullVar = "LMZ_TEST_FULL_DISK"

func TestFullDiskUntilThereIsRoom(t *testing.T) {
	if os.Getenv(fullVar) == "" {
		child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		child.Env = append(os.Environ(), fullVar+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	w := newWorld(t, dir)
	var entered, release chan bool
	w.registerKind("BOX", Kind{Schema: noteSchema, New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		exposeStorage(o, mux)
		entered, release = exposeHold(mux)
		lmz.Method1[string, int64]("insert").Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (int64, error) {
			return o.SQL().Exec(ctx, `INSERT INTO note (text) VALUES (?)`, text)
		})
		return mux
	}})
	large := strings.Repeat("large ", 50_000) // 300 kB
	must[struct{}](w, box, "put", "key", "acknowledged")
	must[int](w, box, "insert", "acknowledged")
	for range 3 { // the disk stays full
		lift := limitFiles(t, walSize(t, dir, "BOX")+100_000)
		for method, args := range map[string][]any{"put": {"key", "lost " + large}, "insert": {large}} {
			err := fails(w, box, method, args...)
			wantCode(t, err, lmz.CodeGateway, "storage failed, and nothing was changed")
			if !errors.Is(err, lmz.ErrNotExecuted) {
				t.Errorf("%s: %v is not ErrNotExecuted", method, err)
			}
		}
		if got := must[string](w, box, "get", "key"); got != "acknowledged" {
			t.Errorf("got %q while the disk is full", got)
		}
		lift()
	}
	hold := w.later(box, "hold")
	<-entered
	group := []<-chan answered{w.later(box, "put", "a", large), w.later(box, "get", "key"), w.later(box, "put", "b", large)}
	lift := limitFiles(t, 4096)
	release <- true
	<-hold
	for _, answers := range group {
		if a := <-answers; a.err != nil && !errors.Is(a.err, lmz.ErrNotExecuted) {
			t.Errorf("in a shared commit: got %v, want success or not executed", a.err)
		}
	}
	lift()
	must[struct{}](w, box, "put", "key", "room again")
	must[int](w, box, "insert", large)
	if got := must[string](w, box, "get", "key"); got != "room again" {
		t.Errorf("got %q", got)
	}
}

func TestFileDamagedWhileClosed(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	must[struct{}](w, box, "put", "key", "value")
	w.close()
	damage(t, sqlite.Path(dir, box))
	before, err := os.ReadFile(sqlite.Path(dir, box))
	wantNil(t, err)
	w = newWorld(t, dir)
	w.register("BOX", exposeStorage)
	for range 2 {
		err := fails(w, box, "put", "key", "other")
		wantCode(t, err, lmz.CodeGateway, store.Damaged)
		if !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("%v is not ErrNotExecuted", err)
		}
		must[struct{}](w, lmz.At("BOX", "two"), "put", "key", "the others go on")
	}
	after, err := os.ReadFile(sqlite.Path(dir, box))
	if string(after) != string(before) || err != nil {
		t.Errorf("the damaged file was changed: %v", err)
	}
}

package object

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

var box = lmz.At("BOX", "one")

func TestSQLiteIsNewEnough(t *testing.T) {
	conn, err := zombiezen.OpenConn(":memory:", zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	version, err := sqlitex.ResultText(conn.Prep(`SELECT sqlite_version()`))
	if err != nil {
		t.Fatal(err)
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		t.Fatal(err)
	}
	// 3.51.3 repairs a WAL race that corrupts files.
	if slices.Compare([]int{major, minor, patch}, []int{3, 51, 3}) < 0 {
		t.Errorf("got SQLite %s, want at least 3.51.3", version)
	}
}

func TestAHundredCallersIncrementExactly(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("COUNTER", exposeCounter)
	counter := lmz.At("COUNTER", "shared")

	var wg sync.WaitGroup
	for i := range 100 {
		caller := peer{fmt.Sprint("caller", i), w.mesh}
		wg.Go(func() {
			for range 100 {
				if _, err := caller.CallRaw(t.Context(), counter, lmz.Ctn("increment")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := must[int](w, counter, "total"); got != 10000 {
		t.Errorf("got %d, want 10000", got)
	}
	w.close()

	again := newWorld(t, dir)
	again.register("COUNTER", exposeCounter)
	if got := must[int](again, counter, "total"); got != 10000 {
		t.Errorf("after reopening: got %d, want 10000", got)
	}
}

func TestKeysAreListedByPrefixInOrder(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.register("BOX", exposeStorage)
	for _, key := range []string{"b", "a/2", "a/1", "a", "", "a/\x00", "ä", "a0"} {
		must[struct{}](w, box, "put", key, "value of "+key)
	}
	tests := []struct {
		prefix string
		want   []string
	}{
		{"", []string{"", "a", "a/\x00", "a/1", "a/2", "a0", "b", "ä"}},
		{"a/", []string{"a/\x00", "a/1", "a/2"}},
		{"c", nil},
	}
	for _, test := range tests {
		if got := must[[]string](w, box, "list", test.prefix); !slices.Equal(got, test.want) {
			t.Errorf("prefix %q: got %q, want %q", test.prefix, got, test.want)
		}
	}
	must[struct{}](w, box, "delete", "a/1")
	must[struct{}](w, box, "delete", "never there")
	if got := must[string](w, box, "get", "a/1"); got != "" {
		t.Errorf("got %q after delete", got)
	}
	if got := must[string](w, box, "get", "a/\x00"); got != "value of a/\x00" {
		t.Errorf("got %q", got)
	}
}

func TestValuesComeBackEqual(t *testing.T) {
	type note struct {
		Title string
		Tags  []string
		Count map[string]int
	}
	w := newWorld(t, t.TempDir())
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		lmz.Method0[bool]("check").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			put := note{"x", []string{"a", "b"}, map[string]int{"one": 1}}
			if err := o.KV().Put(ctx, "note", put); err != nil {
				return false, err
			}
			var got note
			found, err := o.KV().Get(ctx, "note", &got)
			return found && fmt.Sprint(got) == fmt.Sprint(put), err
		})
	})
	if !must[bool](w, box, "check") {
		t.Error("the value came back changed")
	}
}

// walSize returns the size of the write-ahead log of a binding's only object: SQLite syncs
// when it appends to it.
func walSize(t *testing.T, dir, binding string) int64 {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "objects", binding, "*.db-wal"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("got logs %v, %v, want one", logs, err)
	}
	info, err := os.Stat(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestPutOfTheSameValue(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[bool]("putMap").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			m := map[string]any{}
			for i := range 20 {
				m[fmt.Sprint(i)] = i
			}
			return true, o.KV().Put(ctx, "map", m)
		})
	})
	must[struct{}](w, box, "put", "key", "value")
	size, commits := walSize(t, dir, "BOX"), w.rt.commits.Load()

	must[string](w, box, "get", "key")
	must[[]string](w, box, "list", "")
	must[struct{}](w, box, "put", "key", "value")
	must[struct{}](w, box, "delete", "never there")
	if got := walSize(t, dir, "BOX"); got != size {
		t.Errorf("the log grew from %d to %d bytes", size, got)
	}
	if got := w.rt.commits.Load(); got != commits {
		t.Errorf("got %d commits that wrote, want %d", got, commits)
	}

	must[bool](w, box, "putMap")
	size, commits = walSize(t, dir, "BOX"), w.rt.commits.Load()
	for range 10 { // map order is random
		must[bool](w, box, "putMap")
	}
	if got := w.rt.commits.Load(); got != commits {
		t.Errorf("putting an equal map again: got %d commits that wrote, want %d", got, commits)
	}

	must[struct{}](w, box, "put", "key", "other")
	if got := walSize(t, dir, "BOX"); got <= size {
		t.Errorf("a changed value did not grow the log of %d bytes", size)
	}
	if got := w.rt.commits.Load(); got != commits+1 {
		t.Errorf("got %d commits that wrote, want %d", got, commits+1)
	}
}

func TestReadOfAnObjectThatNeverWrote(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	must[string](w, box, "get", "key")
	must[[]string](w, box, "list", "")
	must[struct{}](w, box, "delete", "key")
	if got := files(t, filepath.Join(dir, "objects")); len(got) != 0 {
		t.Errorf("got files %v, want none", got)
	}
}

// files returns the names of all files below dir.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAnErrorRollsTheTurnBack(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		spoil := func(ctx context.Context) {
			if err := o.KV().Put(ctx, "key", "spoiled"); err != nil {
				t.Error(err)
			}
		}
		lmz.Method0[int]("fail").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			spoil(ctx)
			return 0, lmz.Errorf("no luck")
		})
		lmz.Method0[int]("failSecretly").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			spoil(ctx)
			return 0, errors.New("table secrets is locked")
		})
		lmz.Method0[int]("panic").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
			spoil(ctx)
			panic("out of cheese")
		})
		lmz.Method0[func()]("unsendable").Expose(mux, lmz.Anyone, func(ctx context.Context) (func(), error) {
			spoil(ctx)
			return func() {}, nil
		})
	})
	must[struct{}](w, box, "put", "key", "good")
	tests := []struct{ method, message string }{
		{"fail", "no luck"},
		{"failSecretly", "internal error"},
		{"panic", "internal error"},
		{"unsendable", "the result cannot be sent"},
	}
	for _, test := range tests {
		wantCode(t, fails(w, box, test.method), lmz.CodeCallee, test.message)
		if got := must[string](w, box, "get", "key"); got != "good" {
			t.Errorf("%s: got %q, want the value from before", test.method, got)
		}
	}
	for _, want := range []string{"binding=BOX", "instance=one", "method=failSecretly", "table secrets is locked", "method=panic", "out of cheese"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log misses %q:\n%s", want, w.log)
		}
	}
}

func TestStorageWithoutTheTurnFailsByName(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var kept context.Context
	var object *Object
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		object = o
		lmz.Method0[bool]("keep").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			kept = ctx
			return true, o.KV().Put(ctx, "key", "value")
		})
		lmz.Method0[bool]("wait").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			kept = ctx
			_, err := o.CallRaw(ctx, lmz.Worker("PROBE"), lmz.Ctn("probe"))
			return true, err
		})
	})
	probe := func() {
		if err := object.KV().Put(kept, "key", "late"); !errors.Is(err, ErrNoTurn) {
			t.Errorf("got %v, want ErrNoTurn", err)
		}
	}
	w.mesh["PROBE"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		probe()
		return true, nil
	})}
	must[bool](w, box, "keep")
	probe()
	must[bool](w, box, "wait")
	if _, err := object.KV().Get(t.Context(), "key", new(string)); !errors.Is(err, ErrNoTurn) {
		t.Errorf("with a foreign ctx: got %v, want ErrNoTurn", err)
	}
}

// connection returns the SQLite connection of the turn, which is not accessible to the
// object's own code.
func connection(st store.Store) (*zombiezen.Conn, error) {
	tables, err := st.Tables()
	if err != nil {
		return nil, err
	}
	return tables.(*sqldb.Tx).Conn, nil
}

// violate makes the commit of this turn fail: it violates a constraint that only COMMIT
// checks.
func violate(ctx context.Context, o *Object) error {
	return o.use(ctx, func(st store.Store) error {
		conn, err := connection(st)
		if err != nil {
			return err
		}
		return sqlitex.ExecuteScript(conn, `
			CREATE TABLE IF NOT EXISTS parent (id INTEGER PRIMARY KEY);
			CREATE TABLE IF NOT EXISTS child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
			INSERT INTO child VALUES (7)`, nil)
	})
}

func TestAFailedCommitFailsTheCallAndSendsNothing(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	var sent []string
	w.mesh["PROBE"] = worker{lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) {
		sent = append(sent, r.Method)
		return nil, nil
	})}
	made := 0
	work := func(ctx context.Context, o *Object) {
		err := errors.Join(
			o.KV().Put(ctx, "key", "spoiled"),
			o.Send(ctx, lmz.Worker("PROBE"), lmz.Ctn("sent")),
			violate(ctx, o))
		if err != nil {
			t.Error(err)
		}
	}
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		made++
		exposeStorage(o, mux)
		lmz.Method0[bool]("return").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			work(ctx, o)
			return true, nil
		})
		lmz.Method0[bool]("call").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			work(ctx, o)
			_, err := o.CallRaw(ctx, lmz.Worker("PROBE"), lmz.Ctn("called"))
			wantCode(t, err, lmz.CodeGateway, "the call was not made")
			if err := o.KV().Put(ctx, "key", "spoiled"); err == nil {
				t.Error("Put after a failed commit succeeded")
			}
			if err := o.Send(ctx, lmz.Worker("PROBE"), lmz.Ctn("sent")); err == nil {
				t.Error("Send after a failed commit succeeded")
			}
			return true, nil
		})
	})
	must[struct{}](w, box, "put", "key", "good")
	for i, method := range []string{"return", "call"} {
		wantCode(t, fails(w, box, method), lmz.CodeGateway, "storage failed")
		if got := must[string](w, box, "get", "key"); got != "good" {
			t.Errorf("%s: got %q, want the value from before", method, got)
		}
		if want := i + 2; made != want {
			t.Errorf("%s: the handler was made %d times, want %d: the object was not reset", method, made, want)
		}
	}
	if len(sent) != 0 {
		t.Errorf("got %v sent by turns that failed", sent)
	}
}

func TestHandlerOfAnObjectThatWasReset(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	g := newGate()
	w.mesh["GATE"] = worker{g}
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[bool]("wait").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			if err := o.KV().Put(ctx, "key", "first turn"); err != nil {
				return false, err
			}
			_, err := o.CallRaw(ctx, lmz.Worker("GATE"), lmz.Ctn("pass", "x"))
			if !errors.Is(err, errReset) {
				t.Errorf("got %v, want errReset", err)
			}
			if err := o.KV().Put(ctx, "key", "second turn"); !errors.Is(err, errReset) {
				t.Errorf("got %v, want errReset", err)
			}
			return true, nil
		})
		lmz.Method0[bool]("violate").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, violate(ctx, o)
		})
	})
	waiting, err := w.start(t.Context(), box, lmz.Ctn("wait"))
	if err != nil {
		t.Fatal(err)
	}
	<-g.entered
	wantCode(t, fails(w, box, "violate"), lmz.CodeGateway, "storage failed")
	must[string](w, box, "get", "key") // reopened
	close(g.open)
	_, err = (<-waiting).Result()
	wantCode(t, err, lmz.CodeUnknown, "when a part was done")
	if got := must[string](w, box, "get", "key"); got != "first turn" {
		t.Errorf("got %q", got)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method0[bool]("fill").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, o.use(ctx, func(st store.Store) error {
				conn, err := connection(st)
				if err != nil {
					return err
				}
				return sqlitex.ExecuteTransient(conn, `PRAGMA max_page_count = 20`, nil)
			})
		})
	})
	must[struct{}](w, box, "put", "key", "good")
	must[bool](w, box, "fill")
	wantCode(t, fails(w, box, "put", "key", strings.Repeat("x", 200_000)), lmz.CodeGateway, "storage failed")
	if got := must[string](w, box, "get", "key"); got != "good" {
		t.Errorf("got %q, want the value from before", got)
	}
	must[struct{}](w, box, "put", "key", "room again")
}

func TestAFileOfAnotherObjectIsRefused(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	must[struct{}](w, box, "put", "key", "mine")
	w.close()
	two := lmz.At("BOX", "two")
	if err := os.Rename(sqlite.Path(dir, box), sqlite.Path(dir, two)); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t, dir)
	again.register("BOX", exposeStorage)
	wantCode(t, fails(again, two, "get", "key"), lmz.CodeGateway, "could not start")
	if !strings.Contains(again.log.String(), "belongs to another object") {
		t.Errorf("the log does not say why:\n%s", again.log)
	}
	must[struct{}](again, lmz.At("BOX", "three"), "put", "key", "the others go on")
}

func TestAFileThatACrashLeftEmptyIsUsed(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	path := sqlite.Path(dir, box)
	wantNil(t, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600))
	must[string](w, box, "get", "key")
	must[struct{}](w, box, "put", "key", "value")
}

func TestCorruptFile(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	path := sqlite.Path(dir, box)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantCode(t, fails(w, box, "get", "key"), lmz.CodeGateway, "its file is damaged")
	must[struct{}](w, lmz.At("BOX", "two"), "put", "key", "value")
	if strings.Contains(w.log.String(), dir) {
		t.Errorf("the log names the path:\n%s", w.log)
	}
}

package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

func TestAdministratorsReadWhatAnObjectHasStored(t *testing.T) {
	dir := t.TempDir()
	starts := 0
	open := func() *world {
		w := newWorld(t, dir)
		w.script = make(chan func(context.Context, *Object) error, 1)
		w.registerKind("BOX", Kind{Schema: noteSchema, New: func(o *Object) lmz.Handler {
			starts++
			mux := &lmz.Mux{}
			exposeStorage(o, mux)
			lmz.Method0[bool]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				return true, (<-w.script)(ctx, o)
			})
			return mux
		}})
		return w
	}
	w := open()
	must[struct{}](w, box, "put", "key", "value")
	w.run(func(ctx context.Context, o *Object) error {
		_, err := o.SQL().Exec(ctx, `INSERT INTO note (id, text, weight) VALUES (1, 'one', 1.5), (2, NULL, 2)`)
		return err
	})
	look := func() {
		t.Helper()
		table, err := w.rt.Inspect(t.Context(), box, `SELECT id, text, weight FROM note WHERE id >= ? ORDER BY id`, 1)
		if got, want := fmt.Sprint(table), "{[id text weight] [[1 one 1.5] [2 <nil> 2]] false}"; got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		table, err = w.rt.Inspect(t.Context(), box, `SELECT key, lmz_json(value) AS value FROM lmz_kv`)
		if err != nil || len(table.Rows) != 1 || !strings.Contains(fmt.Sprint(table.Rows[0]...), "value") {
			t.Errorf("got %v, %v", table, err)
		}
		table, err = w.rt.Inspect(t.Context(), box, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n`)
		if err != nil || len(table.Rows) != 1000 || !table.More {
			t.Errorf("got %d rows, more %v, %v", len(table.Rows), table.More, err)
		}
		for query, want := range map[string]string{
			`DELETE FROM note`: "DELETE: an inspection only reads", `INSERT INTO note (id) VALUES (3) RETURNING id`: "INSERT",
			`CREATE TABLE x (y)`: "only reads", `DROP TABLE note`: "only reads", `PRAGMA user_version = 3`: "PRAGMA user_version",
			`COMMIT`: "TRANSACTION", `ATTACH ':memory:' AS x`: "ATTACH", `VACUUM`: "ATTACH", `SELECT 1; SELECT 2`: "several statements",
			`SELECT * FROM nowhere`: "no such table", ``: "no statement",
		} {
			if _, err := w.rt.Inspect(t.Context(), box, query); err == nil || !strings.Contains(err.Error(), want) || node.PublicError(err) == nil {
				t.Errorf("%s: got %v, want %q, for the administrator to see", query, err, want)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := w.rt.Inspect(short, box, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n`); err == nil {
			t.Error("a query without end ended")
		}
	}
	look()
	must[struct{}](w, box, "put", "key", "value") // the object is well
	w.close()
	w, starts = open(), 0
	look()
	if starts != 0 {
		t.Error("an inspection started the object")
	}
	must[struct{}](w, box, "put", "key", "value")
	_, err := w.rt.Inspect(t.Context(), lmz.At("BOX", "nobody"), `SELECT 1`)
	wantCode(t, err, lmz.CodeAbsent, "has stored nothing")
	_, err = w.rt.Inspect(t.Context(), lmz.At("NOBODY", "x"), `SELECT 1`)
	wantCode(t, err, lmz.CodeAbsent, "no objects are registered")
}

func TestInspectionOfAPreparedStatement(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.script = make(chan func(context.Context, *Object) error, 1)
	w.registerKind("BOX", Kind{Schema: noteSchema, New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		lmz.Method0[bool]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, (<-w.script)(ctx, o)
		})
		return mux
	}})
	const drop = `DELETE FROM note`
	w.run(func(ctx context.Context, o *Object) error {
		_, err := o.SQL().Exec(ctx, drop) // it stays prepared
		if err == nil {
			_, err = o.SQL().Exec(ctx, `INSERT INTO note (id, text, weight) VALUES (1, 'one', 1.5)`)
		}
		return err
	})
	if _, err := w.rt.Inspect(t.Context(), box, drop); err == nil || !strings.Contains(err.Error(), "only reads") {
		t.Errorf("got %v", err)
	}
	table, err := w.rt.Inspect(t.Context(), box, `SELECT count(*) FROM note`)
	if err != nil || fmt.Sprint(table.Rows) != "[[1]]" {
		t.Errorf("got %v, %v: the inspection has written", table, err)
	}
}

func TestAnInspectionDoesNotFillTheMemory(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.registerKind("BOX", Kind{New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		exposeStorage(o, mux)
		return mux
	}})
	must[struct{}](w, box, "put", "key", "value")
	if _, err := w.rt.Inspect(t.Context(), box, `SELECT hex(zeroblob(400000000))`); err == nil || !strings.Contains(err.Error(), "too big") {
		t.Errorf("a value of 800 MB: got %v", err)
	}
	if _, err := w.rt.Inspect(t.Context(), box, `SELECT zeroblob(300000)`); err == nil || !strings.Contains(err.Error(), "a row of 300009 bytes is too large") {
		t.Errorf("a row that fits into no frame: got %v", err)
	}
	table, err := w.rt.Inspect(t.Context(), box, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT zeroblob(100000) FROM n`)
	if err != nil || len(table.Rows) != 2 || !table.More {
		t.Errorf("90 MB of rows: got %d rows, more %v, %v", len(table.Rows), table.More, err)
	}
	must[struct{}](w, box, "put", "key", "value") // the object is well
}

func TestObjectsOnDiskAreListed(t *testing.T) {
	dir, begin := t.TempDir(), time.Now().Add(-time.Second) // file times are coarse
	w := newWorld(t, dir)
	w.register("BOX", exposeStorage)
	w.register("OTHER BOX", exposeStorage)
	names := []string{"a", "with space?#%", "ü/../x", strings.Repeat("long", 200)}
	for _, name := range names {
		must[struct{}](w, lmz.At("BOX", name), "put", "key", "value")
	}
	must[struct{}](w, lmz.At("OTHER BOX", "x"), "put", "key", "value")
	must[string](w, lmz.At("BOX", "never wrote"), "get", "key")
	list := func(binding string, open bool) (got []string, errs []error) {
		for s, err := range w.rt.List(binding, "") {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if s.Open != open || s.Size == 0 || s.Changed.Before(begin) || s.Changed.After(time.Now().Add(time.Second)) {
				t.Errorf("got %+v", s)
			}
			got = append(got, s.Address.Instance)
		}
		slices.Sort(got)
		return got, errs
	}
	slices.Sort(names)
	if got, errs := list("BOX", true); !slices.Equal(got, names) || errs != nil {
		t.Errorf("got %q, %v", got, errs)
	}
	w.close()
	w = newWorld(t, dir)
	w.register("BOX", exposeStorage)
	if got, errs := list("BOX", false); !slices.Equal(got, names) || errs != nil {
		t.Errorf("closed: got %q, %v", got, errs)
	}
	if got, errs := list("", false); len(got) != 5 || errs != nil {
		t.Errorf("all: got %q, %v", got, errs)
	}
	if got, errs := list("NOTHING", false); got != nil || errs != nil {
		t.Errorf("nothing: got %q, %v", got, errs)
	}
	damage(t, sqlite.Path(dir, lmz.At("BOX", "a")))
	got, errs := list("BOX", false)
	if len(got) != 3 || len(errs) != 1 || !strings.Contains(errs[0].Error(), store.Damaged) {
		t.Errorf("got %q, %v, want three names and one damaged file", got, errs)
	}
}

func TestFilesOpenedByAList(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.register("BOX %", exposeStorage)
	for _, name := range []string{"plain-1", "-", "un usual"} {
		must[struct{}](w, lmz.At("BOX %", name), "put", "key", "value")
	}
	w.close()
	for _, name := range []string{"plain-1", "-", "un usual"} {
		file := sqlite.Path(dir, lmz.At("BOX %", name))
		data, err := os.ReadFile(file)
		wantNil(t, err)
		copy(data[40:], strings.Repeat("damage!!", 200)) // SQLite can no longer open it
		wantNil(t, os.WriteFile(file, data, 0o600))
	}
	// Files that look as if nothing had been committed are opened.
	wantNil(t, os.WriteFile(sqlite.Path(dir, lmz.At("BOX %", "empty")), nil, 0o600))
	w = newWorld(t, dir)
	w.register("BOX %", exposeStorage)
	var got, broken []string
	for s, err := range w.rt.List("BOX %", "") {
		if err != nil {
			broken = append(broken, s.Address.Instance)
			continue
		}
		got = append(got, s.Address.String())
	}
	if fmt.Sprint(got) != "[BOX %/- BOX %/plain-1]" || len(broken) != 1 || !strings.HasPrefix(broken[0], "un_usual-") {
		t.Errorf("got %q, and cannot be read: %q", got, broken)
	}
}

func TestAListGoesOnAfterAnyObject(t *testing.T) {
	w := newWorld(t, t.TempDir())
	for _, binding := range []string{"A", "A-B", "A B", "AB"} {
		w.register(binding, exposeStorage)
		for i := range 4 {
			must[struct{}](w, lmz.At(binding, fmt.Sprint(i)), "put", "key", "value")
		}
	}
	all := func(binding, after string) (files []string) {
		for s, err := range w.rt.List(binding, after) {
			wantNil(t, err)
			files = append(files, s.File)
		}
		return files
	}
	for _, binding := range []string{"", "A B"} {
		whole := all(binding, "")
		if want := map[string]int{"": 16, "A B": 4}[binding]; len(whole) != want {
			t.Fatalf("%q: %d objects", binding, len(whole))
		}
		for i, file := range whole {
			if rest := all(binding, file); !slices.Equal(rest, whole[i+1:]) {
				t.Errorf("after %s: %d objects, want %d", file, len(rest), len(whole)-i-1)
			}
		}
	}
}

// damage overwrites the beginning of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Repeat("damage!!", 64)); err != nil {
		t.Fatal(err)
	}
	wantNil(t, f.Close())
}

func TestABackupIsRestoredUnderAnotherName(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "one.backup")
	w := newWorld(t, dir)
	registerScripted(w, Kind{Schema: noteSchema})
	must[struct{}](w, box, "put", "key", "then")
	w.run(func(ctx context.Context, o *Object) error {
		_, err := o.SQL().Exec(ctx, `INSERT INTO note (id, text) VALUES (1, 'one')`)
		return err
	})
	wantNil(t, w.rt.Backup(t.Context(), box, file))
	must[struct{}](w, box, "put", "key", "now")
	if err := w.rt.Backup(t.Context(), box, file); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("over an old backup: got %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}

	two := lmz.At("BOX", "two")
	must[string](w, two, "get", "key") // it is open, and empty
	wantNil(t, w.rt.Restore(t.Context(), file, two))
	check := func() {
		t.Helper()
		if got := must[string](w, two, "get", "key"); got != "then" {
			t.Errorf("the copy has %q", got)
		}
		if err := inTurnOf(w, two, func(ctx context.Context, o *Object) error {
			text, _, err := QueryOne[string](ctx, o.SQL(), `SELECT text FROM note`)
			if text != "one" {
				t.Errorf("the copy's table has %q", text)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		if got := must[string](w, box, "get", "key"); got != "now" {
			t.Errorf("the original has %q", got)
		}
	}
	check()
	must[struct{}](w, two, "put", "other", "written")
	w.close()
	w = newWorld(t, dir)
	registerScripted(w, Kind{Schema: noteSchema})
	check()

	wantCode(t, w.rt.Restore(t.Context(), file, box), "", "has stored something already")
	junk := filepath.Join(t.TempDir(), "junk")
	wantNil(t, os.WriteFile(junk, []byte(strings.Repeat("no database ", 1000)), 0o600))
	wantCode(t, w.rt.Restore(t.Context(), junk, lmz.At("BOX", "three")), "", "damaged, or no backup")
	if err := w.rt.Restore(t.Context(), junk, lmz.At("BOX", "three")); node.PublicError(err) == nil {
		t.Errorf("an administrator does not see %v", err)
	}
	wantNil(t, os.WriteFile(junk, nil, 0o600))
	wantCode(t, w.rt.Restore(t.Context(), junk, lmz.At("BOX", "three")), "", "no backup of an object")
	if err := w.rt.Restore(t.Context(), junk+"x", lmz.At("BOX", "three")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := w.rt.Backup(t.Context(), lmz.At("BOX", "three"), junk+"x"); lmz.CodeOf(err) != lmz.CodeAbsent {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "check-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestObjectsInMemoryHaveNoFiles(t *testing.T) {
	w := newMemoryWorld(t, new(MemoryDisk))
	w.register("BOX", exposeStorage)
	must[struct{}](w, box, "put", "key", "value")
	_, inspected := w.rt.Inspect(t.Context(), box, `SELECT 1`)
	errs := []error{inspected, w.rt.Backup(t.Context(), box, "x"), w.rt.Restore(t.Context(), "x", box)}
	for _, err := range w.rt.List("", "") {
		errs = append(errs, err)
	}
	for _, err := range errs {
		if !errors.Is(err, store.ErrNoFiles) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAlarmsAndSendsOfARestoredCopy(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "one.backup")
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld(t, dir), newClock()
		w.rt.Start()
		c.register(w, nil)
		deaf := worker{lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			c.note("asked")
			<-ctx.Done()
			return nil, ctx.Err()
		})}
		w.mesh["DEAF"] = deaf
		w.run(func(ctx context.Context, o *Object) error {
			return errors.Join(
				set(ctx, o, In(time.Hour), "hourly"),
				o.Send(ctx, lmz.Worker("DEAF"), lmz.Ctn("x"), lmz.Reply(lmz.Ctn("ring", "answered"))))
		})
		c.wants(t, "0s asked")
		wantNil(t, w.rt.Backup(t.Context(), box, file), w.rt.Restore(t.Context(), file, lmz.At("BOX", "copy")))
		time.Sleep(time.Minute)
		c.wants(t, "30s answered") // the original
		time.Sleep(time.Hour)
		c.wants(t, "1h0m0s hourly", "1h0m0s hourly")
		w.close()
	})
}

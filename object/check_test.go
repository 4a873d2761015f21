package object

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/sqlite"
	"github.com/lumenize/lmz/internal/value"
)

// door is an object whose guard writes, sends and counts.
type door struct {
	*Object
	lmz.Mux
	asked, ran int
}

func (d *door) OnStart(ctx context.Context) error {
	if err := d.Send(ctx, lmz.Worker("POST"), lmz.Ctn("started")); err != nil {
		return err
	}
	return d.KV().Put(ctx, "started", true)
}

func (d *door) guard(ctx context.Context, req *lmz.Request) error {
	d.asked++
	var asked int
	if _, err := d.KV().Get(ctx, "asked", &asked); err != nil {
		return err
	}
	var started bool
	if _, err := d.KV().Get(ctx, "started", &started); err != nil || !started {
		return lmz.Errorf("not started: %v", err)
	}
	if err := d.KV().Put(ctx, "asked", asked+1); err != nil {
		return err
	}
	if err := d.Send(ctx, lmz.Worker("POST"), lmz.Ctn("asked")); err != nil {
		return err
	}
	var word string
	if err := req.Arg(0, &word); err != nil || word == "secret" {
		return nil
	}
	if word == "call" {
		_, err := d.CallRaw(ctx, lmz.Worker("POST"), lmz.Ctn("called"))
		return err
	}
	return lmz.Errorf("%q is wrong, and it was asked %d times", word, asked)
}

func TestACheckAsksGuardsAndLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	got := make(chan string, 100)
	post := worker{lmz.HandlerFunc(func(_ context.Context, req *lmz.Request) (any, error) {
		got <- req.Method
		return nil, nil
	})}
	var last *door
	open := func() *Runtime {
		rt, err := Open(dir, mesh{"POST": post}, nil)
		if err != nil {
			t.Fatal(err)
		}
		rt.Register("DOOR", Kind{New: func(o *Object) lmz.Handler {
			last = &door{Object: o}
			last.Expose("open", last.guard, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				last.ran++
				return nil, last.KV().Put(ctx, "open", true)
			}))
			return last
		}})
		return rt
	}
	rt := open()
	to := lmz.At("DOOR", "d")
	check := func(word string) (lmz.Verdict, bool, error) {
		t.Helper()
		data, err := value.Marshal(word)
		if err != nil {
			t.Fatal(err)
		}
		item, err := value.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		return rt.CheckCall(t.Context(), to, lmz.CallContext{}, &lmz.Request{Method: "open", Args: []lmz.Value{item}})
	}
	wantVerdict := func(when string, wantExists bool) {
		t.Helper()
		v, exists, err := check("wrong")
		if err != nil || exists != wantExists || v.Guard != "guard" || lmz.CodeOf(v.Err) != lmz.CodeGuard ||
			!strings.Contains(v.Err.Error(), "asked 0 times") {
			t.Errorf("%s: %+v, exists %v, %v", when, v, exists, err)
		}
		if v, _, err := check("secret"); err != nil || v.Err != nil {
			t.Errorf("%s: %+v, %v", when, v, err)
		}
		if _, _, err := check("call"); err == nil || !strings.Contains(err.Error(), "calls another node") {
			t.Errorf("%s: a guard that calls: %v", when, err)
		}
		if last.ran != 0 {
			t.Errorf("%s: the method ran", when)
		}
	}

	wantVerdict("no object", false)
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*")); len(left) != 0 || len(got) != 0 {
		t.Errorf("there are %q; %d were sent", left, len(got))
	}

	call := func() {
		t.Helper()
		p := peer{"p", rt}
		if _, err := p.CallRaw(t.Context(), to, lmz.Ctn("open", "wrong")); lmz.CodeOf(err) != lmz.CodeGuard {
			t.Fatal(err)
		}
	}
	call() // opens it: OnStart writes, the guard is rolled back
	if sent := <-got; sent != "started" {
		t.Errorf("%q was sent", sent)
	}
	before := contents(t, dir)
	last.asked = 0
	wantVerdict("open object", true)
	if after := contents(t, dir); after != before || len(got) != 0 || last.asked != 3 {
		t.Errorf("open: files changed is %v, %d were sent, asked %d times", after != before, len(got), last.asked)
	}

	if err := rt.Close(); err != nil {
		t.Fatal(err)
	}
	before = contents(t, dir)
	rt = open()
	wantVerdict("closed object", true)
	if after := contents(t, dir); after != before || len(got) != 0 {
		t.Errorf("closed: files changed is %v, %d were sent", after != before, len(got))
	}
	if err := rt.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "check-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// contents returns the names and contents of all object files.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join(dir, "objects"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all.WriteString(path + "\n" + string(data) + "\n")
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if all.Len() == 0 {
		t.Fatal("there are no files")
	}
	return all.String()
}

func TestCheckOfALargeObject(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	register := func() {
		w.registerKind("BOX", Kind{New: func(o *Object) lmz.Handler {
			mux := &lmz.Mux{}
			exposeStorage(o, mux)
			return mux
		}})
	}
	register()
	must[struct{}](w, box, "put", "key", "value")
	w.close()
	if err := os.Truncate(sqlite.Path(dir, box), maxPeek+1); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, dir)
	register()
	v, exists, err := w.rt.CheckCall(t.Context(), box, lmz.CallContext{}, &lmz.Request{Method: "put"})
	if !exists || err != nil || v.Err != nil {
		t.Errorf("exists %v, verdict %v, %v", exists, v.Err, err)
	}
	for s, err := range w.rt.List("BOX", "") {
		if err != nil || !s.Open {
			t.Errorf("%+v, %v: it was copied", s, err)
		}
	}
}

func TestCopiesThatACrashLeftAreRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "check-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	rt, err := Open(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	if left, _ := filepath.Glob(filepath.Join(dir, "check-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

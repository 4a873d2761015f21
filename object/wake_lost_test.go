//go:build unix

package object

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// loseIndex deletes the wake index of a data directory.
func loseIndex(t *testing.T, dir string) {
	t.Helper()
	wantNil(t, os.Remove(filepath.Join(dir, "index.db")))
	os.Remove(filepath.Join(dir, "index.db-wal"))
}

func TestLostIndexAfterAKill(t *testing.T) {
	for nth := range 4 {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			o := order{Dir: t.TempDir(), Works: []string{"send", "remind", "fail"}, Die: "after commit", Nth: 1 + 3*nth, Schema: 1}
			said := o.run(t, "TestVictim")
			loseIndex(t, filepath.Join(o.Dir, "data"))
			p := o.postOn(t)
			p.rt.Start() // without any calls
			p.rest()
			p.check(o.Dir, parseAcknowledged(t, said))
			if !strings.Contains(p.log.String(), "rebuilt the wake index") {
				t.Errorf("the log does not tell: %s", p.log)
			}
		})
	}
}

// reminders registers objects that set an alarm, and returns which were opened.
func reminders(w *world) (opened map[string]bool) {
	opened = make(map[string]bool)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		opened[o.Identity().Instance] = true
		exposeStorage(o, mux)
		lmz.Method1[time.Duration, struct{}]("remind").Expose(mux, lmz.Anyone, func(ctx context.Context, in time.Duration) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, In(in), lmz.Ctn("list", ""), AlarmOptions{})
			return struct{}{}, err
		})
	})
	return opened
}

func TestRebuiltIndex(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	reminders(w)
	for i := range 10 {
		a := lmz.At("BOX", fmt.Sprint("odd % name ", i))
		must[struct{}](w, a, "put", "key", "value")
		if i%2 == 0 {
			must[struct{}](w, a, "remind", time.Hour+time.Duration(i)*time.Second)
		}
	}
	want := w.rt.wakes.All()
	w.close()
	loseIndex(t, dir)
	for life := range 2 { // it is rebuilt once
		w = newWorld(t, dir)
		opened := reminders(w)
		if got := w.rt.wakes.All(); !maps.Equal(got, want) || len(got) != 5 {
			t.Errorf("life %d: got %v, want %v", life, got, want)
		}
		w.rt.Start()
		w.close()
		if len(opened) != 0 {
			t.Errorf("life %d: %v were opened", life, opened)
		}
		if anew := strings.Contains(w.log.String(), "objects=10 due=5"); anew != (life == 0) {
			t.Errorf("life %d: the log says %s", life, w.log)
		}
	}
}

func TestRebuiltIndexWithDamagedObjects(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	reminders(w)
	for _, name := range []string{"good", "bad"} {
		must[struct{}](w, lmz.At("BOX", name), "remind", time.Hour)
	}
	w.close()
	damage(t, sqlite.Path(dir, lmz.At("BOX", "bad")))
	loseIndex(t, dir)
	// A start that cannot read an object must not leave an index without it.
	unreadable := sqlite.Path(dir, lmz.At("BOX", "good"))
	wantNil(t, os.Rename(unreadable, unreadable+".away"), os.Mkdir(unreadable, 0o700))
	if rt, err := Open(dir, mesh{}, nil); err == nil {
		rt.Close()
		t.Fatal("it starts without an object that cannot be read")
	} else if text := err.Error(); !strings.Contains(text, filepath.Base(unreadable)) || strings.Contains(text, dir) {
		t.Errorf("got %q", text)
	}
	wantNil(t, os.Remove(unreadable), os.Rename(unreadable+".away", unreadable))
	w = newWorld(t, dir)
	reminders(w)
	if got := w.rt.wakes.All(); len(got) != 1 || got[lmz.At("BOX", "good")].At == 0 {
		t.Errorf("got %v, want the alarm of the good one", got)
	}
	if !strings.Contains(w.log.String(), "damaged") {
		t.Errorf("the log does not tell of the damaged one: %s", w.log)
	}
	w.close()
	damage(t, filepath.Join(dir, "index.db"))
	if _, err := Open(dir, mesh{}, nil); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a damaged index: got %v, want what to do", err)
	}
}

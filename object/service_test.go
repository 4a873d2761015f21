package object

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
)

// journal is a service that records events, and tally one that uses it.
type journal struct {
	o      *Object
	lines  int
	closed *[]string
}

func (j *journal) add(ctx context.Context, text string) error {
	j.lines++
	return j.o.KV().Put(ctx, fmt.Sprintf("journal/%03d", j.lines), text)
}

func (j *journal) Close() error {
	*j.closed = append(*j.closed, "journal")
	panic("out of cheese")
}

type tally struct {
	*journal
	closed *[]string
}

func (t tally) Close() error {
	*t.closed = append(*t.closed, "tally")
	return nil
}

// idle waits until the last call has left the object, a moment after its answer.
func (w *world) idle(a lmz.Address) *Object {
	for {
		w.rt.mu.Lock()
		o := w.rt.objects[a]
		working := o.work
		w.rt.mu.Unlock()
		if working == 0 {
			return o
		}
		runtime.Gosched()
	}
}

func TestPartsOfAnObjectShareItsServices(t *testing.T) {
	w := newWorld(t, t.TempDir())
	made := 0
	var closed []string
	newJournal := func(o *Object) *journal {
		made++
		return &journal{o: o, closed: &closed}
	}
	newTally := func(o *Object) tally { return tally{Service(o, newJournal), &closed} }
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		exposeStorage(o, mux)
		lmz.Method1[string, int]("note").Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (int, error) {
			if err := Service(o, newTally).add(ctx, text); err != nil {
				return 0, err
			}
			return Service(o, newJournal).lines, nil
		})
	})
	must[int](w, box, "note", "a")
	if got := must[int](w, box, "note", "b"); got != 2 || made != 1 {
		t.Errorf("got %d lines from %d journals", got, made)
	}
	if got := must[int](w, lmz.At("BOX", "two"), "note", "x"); got != 1 || made != 2 {
		t.Errorf("another object: got %d lines from %d journals", got, made)
	}
	if got := must[[]string](w, box, "list", "journal/"); !slices.Equal(got, []string{"journal/001", "journal/002"}) {
		t.Errorf("got %q", got)
	}
	w.rt.retire(w.idle(box))
	if want := []string{"tally", "journal"}; !slices.Equal(closed, want) {
		t.Errorf("closed %q, want %q", closed, want)
	}
	if !strings.Contains(w.log.String(), "closing a service failed") {
		t.Errorf("the log does not tell of the panic:\n%s", w.log)
	}
	if got := must[int](w, box, "note", "c"); got != 1 {
		t.Errorf("after the object was closed: got %d lines, want a new journal", got)
	}
}

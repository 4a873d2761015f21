package editor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registerNodes registers the nodes of the editor.
func registerNodes(m *meshtest.Mesh) {
	m.HandleObject(DocumentBinding, object.Kind{New: NewDocument})
	m.HandleObject(WorkspaceBinding, object.Kind{New: NewWorkspace})
	m.HandleWorker(SpellCheckBinding, NewSpellCheck)
}

// person is somebody with one document open. A test uses the session only within do, so
// never concurrently with a Pull.
type person struct {
	*meshtest.Client
	desk    *Desk
	doc     *OpenDocument
	wake    chan struct{}
	screen  string // what a view would show, kept up to date from the results of Pull
	refused []Refusal
}

// crowd is everybody in the test: while it waits for one, the others update their screens
// too.
var crowd []*person

func newPerson(t testing.TB, m *meshtest.Mesh, subject string, o client.Options) *person {
	t.Helper()
	a := &person{desk: NewDesk(), wake: make(chan struct{}, 1)}
	o.Handler, o.OnSubscriptionRequired, o.OnMissed = a.desk, a.desk.SubscriptionRequired, a.desk.Missed
	a.Client = m.NewClient(subject, map[string]any{"email": subject + "@example.com"}, o)
	go a.Connect(context.Background())
	crowd = append(crowd, a)
	t.Cleanup(func() { crowd = nil })
	return a
}

func (a *person) open(t testing.TB, document string, o OpenOptions) {
	t.Helper()
	o.Document = document
	a.begin(t, o)
	a.until(t, "the text is there", a.doc.Ready)
}

// begin opens a document without waiting for it.
func (a *person) begin(t testing.TB, o OpenOptions) {
	t.Helper()
	a.beginVia(t, a.Peer, o)
}

// openVia is open for another kind of client.
func (a *person) openVia(t testing.TB, via lmz.Caller, o OpenOptions) {
	t.Helper()
	a.beginVia(t, via, o)
	a.until(t, "the text is there", a.doc.Ready)
}

func (a *person) beginVia(t testing.TB, via lmz.Caller, o OpenOptions) {
	t.Helper()
	o.Wake = func() {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	s, err := a.desk.Open(via, o)
	if err != nil {
		t.Fatal(err)
	}
	a.doc = s
	t.Cleanup(func() { s.Close(context.Background()) })
}

// pull does what a screen does when woken.
func (a *person) pull(t testing.TB) {
	t.Helper()
	news := a.doc.Pull()
	a.refused = append(a.refused, news.Refused...)
	if news.Loaded {
		a.screen = a.doc.Text().String()
		return
	}
	if len(news.Changes) == 0 {
		return
	}
	shown := text.NewText(a.screen)
	for _, c := range news.Changes {
		if err := shown.Apply(c); err != nil {
			t.Fatalf("the screen cannot show %v: %v", c.Wire(), err)
		}
	}
	if a.screen = shown.String(); a.screen != a.doc.Text().String() {
		t.Fatalf("the screen has %.200q, the document %.200q", a.screen, a.doc.Text())
	}
}

// disk holds the journals of one machine, by editor. It may be busy.
type disk struct {
	mu      sync.Mutex // guards the following fields
	records map[string]Record
	busy    func() bool // nil: never
}

func (d *disk) write(r Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.busy != nil && d.busy():
		return errors.New("the disk is busy")
	case len(r.Edits) == 0:
		delete(d.records, r.Editor)
	case d.records == nil:
		d.records = map[string]Record{r.Editor: r}
	default:
		d.records[r.Editor] = r
	}
	return nil
}

func (d *disk) all() []Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.records))
}

// options returns the options of a process on the machine.
func (d *disk) options() OpenOptions { return OpenOptions{Journal: d.write, Restore: d.all()} }

// until pulls until ok returns true, in virtual time.
func (a *person) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(5 * time.Minute) // virtual
	for {
		for _, p := range crowd {
			if p.doc != nil {
				p.pull(t)
			}
		}
		if ok() {
			return
		}
		select {
		case <-a.wake:
		case <-time.After(100 * time.Millisecond): // virtual
		case <-timeout:
			a.doc.mu.Lock()
			defer a.doc.mu.Unlock()
			_, err := a.doc.sync.Problem()
			t.Fatalf("never: %s (error %v, the document at %+v)", what, err, a.doc.sync)
		}
	}
}

// typeAt types text at a position, as the screen's user would.
func (a *person) typeAt(t testing.TB, at int, s string) {
	t.Helper()
	a.pull(t)
	a.edit(t, text.Insert(a.doc.Text().Len(), at, s))
}

func (a *person) edit(t testing.TB, c text.ChangeSet) {
	t.Helper()
	if err := a.doc.Edit(c); err != nil {
		t.Fatal(err)
	}
	a.screen = a.doc.Text().String()
}

// saved pulls until everything is saved.
func (a *person) saved(t testing.TB) {
	t.Helper()
	a.until(t, "saved", a.doc.Saved)
}

func (a *person) shows(t testing.TB, want string) {
	t.Helper()
	a.until(t, "shows "+want, func() bool { return a.screen == want })
}

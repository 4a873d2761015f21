package editor_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startMesh registers the nodes of the editor.
func register(m *meshtest.Mesh) {
	m.Object(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	m.Object(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	m.Worker(editor.SpellCheckBinding, editor.NewSpellCheck)
}

// author is somebody with one document open. What a test does with the session it does
// within do, so that it is never beside a Pull.
type author struct {
	*meshtest.Client
	desk    *editor.Desk
	session *editor.Session
	wake    chan struct{}
	screen  string // what a view would show, kept up to date by what Pull says
	refused []editor.Refusal
}

func newAuthor(t testing.TB, m *meshtest.Mesh, subject string, o client.Options) *author {
	t.Helper()
	a := &author{desk: editor.NewDesk(), wake: make(chan struct{}, 1)}
	o.Handler, o.OnSubscriptionRequired = a.desk, a.desk.SubscriptionRequired
	a.Client = m.Client(subject, map[string]any{"email": subject + "@example.com"}, o)
	return a
}

func (a *author) open(t testing.TB, document string, o editor.SessionOptions) {
	t.Helper()
	o.Document, o.Wake = document, func() {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	var err error
	if a.session, err = a.desk.Open(a.Peer, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.session.Close(context.Background()) })
	a.until(t, "the text is there", a.session.Ready)
}

// pull does what a screen does when it is woken.
func (a *author) pull(t testing.TB) {
	t.Helper()
	news := a.session.Pull()
	a.refused = append(a.refused, news.Refused...)
	if news.Loaded {
		a.screen = a.session.Text().String()
		return
	}
	shown := text.NewText(a.screen)
	for _, c := range news.Changes {
		if err := shown.Apply(c); err != nil {
			t.Fatalf("the screen cannot show %v: %v", c.Wire(), err)
		}
	}
	if a.screen = shown.String(); a.screen != a.session.Text().String() {
		t.Fatalf("the screen has %.200q, the session %.200q", a.screen, a.session.Text())
	}
}

// until pulls until ok, in virtual time.
func (a *author) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(5 * time.Minute)
	for {
		a.pull(t)
		if ok() {
			return
		}
		select {
		case <-a.wake:
		case <-time.After(100 * time.Millisecond):
		case <-timeout:
			t.Fatalf("never: %s (screen %.200q, error %v)", what, a.screen, a.session.Err())
		}
	}
}

// typeAt types something, as the user of the screen does.
func (a *author) typeAt(t testing.TB, at int, s string) {
	t.Helper()
	a.pull(t)
	a.edit(t, text.Insert(a.session.Text().Len(), at, s))
}

func (a *author) edit(t testing.TB, c text.ChangeSet) {
	t.Helper()
	if err := a.session.Edit(c); err != nil {
		t.Fatal(err)
	}
	a.screen = a.session.Text().String()
}

// saved pulls until everything is saved.
func (a *author) saved(t testing.TB) {
	t.Helper()
	a.until(t, "saved", a.session.Saved)
}

func (a *author) shows(t testing.TB, want string) {
	t.Helper()
	a.until(t, "shows "+want, func() bool { return a.screen == want })
}

func TestTwoAuthorsSeeEachOthersTyping(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		register(m)
		ann, bob := newAuthor(t, m, "ann", client.Options{}), newAuthor(t, m, "bob", client.Options{})
		ann.open(t, "notes", editor.SessionOptions{})
		bob.open(t, "notes", editor.SessionOptions{})
		ann.typeAt(t, 0, "Hello")
		bob.shows(t, "Hello")
		ann.typeAt(t, 5, " world")
		bob.typeAt(t, 5, ", dear")
		ann.saved(t)
		bob.saved(t)
		ann.until(t, "one text", func() bool { bob.pull(t); return ann.screen == bob.screen && len(ann.screen) == 17 })
	})
}

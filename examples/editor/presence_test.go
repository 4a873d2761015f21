package editor

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

func TestOneEditorPerClient(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerOpen(m, nil)
		ann, mallory := newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "mallory", client.Options{})
		ann.open(t, "notes", OpenOptions{})
		var mu sync.Mutex
		told := map[string]bool{} // by editor: whether it is present
		var mux lmz.Mux
		HandleEdits.Expose(&mux, lmz.Anyone, func(context.Context, string, []Made) (struct{}, error) { return struct{}{}, nil })
		HandlePresence.Expose(&mux, lmz.Anyone, func(_ context.Context, _ string, p Person) (struct{}, error) {
			mu.Lock()
			defer mu.Unlock()
			told[p.ClientID] = !p.Gone
			return struct{}{}, nil
		})
		simple := m.NewClient("simple", nil, client.Options{Handler: &mux})
		go simple.Connect(context.Background())
		at := lmz.At(DocumentBinding, "notes")
		for _, c := range []*meshtest.Client{mallory.Client, simple} {
			if _, err := Subscribe.Call(t.Context(), c.Peer, at); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 500 {
			if _, err := Present.Call(t.Context(), mallory.Peer, at, Cursor{ClientID: fmt.Sprint("ghost", i), Anchor: -1 << 62, Head: 1 << 62}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		ann.pull(t)
		if people := ann.doc.People(); len(people) != 1 || people[0].ClientID != "ghost499" || people[0].Anchor != 0 || people[0].Head != 0 {
			t.Errorf("ann sees %+v", people)
		}
		mu.Lock()
		defer mu.Unlock()
		here := 0
		for _, is := range told {
			if is {
				here++
			}
		}
		if here != 1 || len(told) != 500 {
			t.Errorf("a client that goes by names sees %d of %d", here, len(told))
		}
		if n := askInside(t, ann.Peer, rows, editorPrefix); n != 1 {
			t.Errorf("%d editors are stored", n)
		}
	})
}

func TestExpensiveCall(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, _ := twoPeople(t, m)
		for _, c := range []lmz.Continuation{
			Read.Ctn(0, 0), Subscribe.Ctn(), Present.Ctn(Cursor{ClientID: "x"}), Update.Ctn("y"),
		} {
			var all []any
			for range 90 {
				all = append(all, c)
			}
			_, err := ann.CallRaw(t.Context(), lmz.At(DocumentBinding, "notes"), lmz.Ctn(string(Unsubscribe), all...))
			if err == nil || !strings.Contains(err.Error(), "one call does too much") {
				t.Errorf("%s: %v", c, err)
			}
		}
	})
}

// TestRepeatedSubscription subscribes several times within one session.
func TestRepeatedSubscription(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerOpen(m, nil)
		ann, bob := newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "bob", client.Options{})
		ann.open(t, "notes", OpenOptions{})
		bob.open(t, "notes", OpenOptions{})
		for range 50 {
			if _, err := Subscribe.Call(t.Context(), bob.Peer, lmz.At(DocumentBinding, "notes")); err != nil {
				t.Fatal(err)
			}
		}
		if n := askInside(t, ann.Peer, rows, subscriberPrefix); n != 2 {
			t.Errorf("%d subscriptions", n)
		}
		bob.doc.SetCursor(0, 0)
		ann.until(t, "bob", func() bool { return len(ann.doc.People()) == 1 })
		bob.Kill()
		ann.until(t, "alone", func() bool { return len(ann.doc.People()) == 0 })
	})
}

func TestNamesakes(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		one, two, eve := newPersonCalled(t, m, "u1", "ann@one.example"), newPersonCalled(t, m, "u2", "Ann@two.example"), newPerson(t, m, "eve", client.Options{})
		for _, p := range []*person{one, two, eve} {
			p.open(t, "notes", OpenOptions{})
		}
		one.doc.SetCursor(0, 0)
		eve.until(t, "ann", func() bool { return len(eve.doc.People()) == 1 })
		if p := eve.doc.People()[0]; p.Name != "ann" {
			t.Errorf("alone she is called %q", p.Name)
		}
		one.typeAt(t, 0, "first")
		one.saved(t)
		two.shows(t, "first")
		two.typeAt(t, 0, "second ")
		two.saved(t)
		two.doc.SetCursor(0, 0)
		eve.until(t, "both", func() bool { return len(eve.doc.People()) == 2 })
		a, b := eve.doc.People()[0].Name, eve.doc.People()[1].Name
		if a != "ann@one.example" || b != "Ann@two.example" {
			t.Errorf("they are called %q and %q", a, b)
		}
		at := lmz.At(DocumentBinding, "notes")
		revisions, err := History.Call(t.Context(), eve.Peer, at, 0)
		if err != nil || len(revisions) != 2 || revisions[0].By != b || revisions[1].By != a {
			t.Errorf("versions: %+v, %v", revisions, err)
		}
		missing, err := Changes.Call(t.Context(), eve.Peer, at, 0)
		if err != nil || len(missing.Made) != 2 || missing.Made[0].By != a || missing.Made[1].By != b {
			t.Errorf("changes: %+v, %v", missing, err)
		}
	})
}

func newPersonCalled(t testing.TB, m *meshtest.Mesh, subject, address string) *person {
	t.Helper()
	p := &person{desk: NewDesk(), wake: make(chan struct{}, 1)}
	p.Client = m.NewClient(subject, map[string]any{"email": address}, client.Options{Handler: p.desk, OnSubscriptionRequired: p.desk.SubscriptionRequired})
	go p.Connect(context.Background())
	crowd = append(crowd, p)
	t.Cleanup(func() { crowd = nil })
	return p
}

func TestLongNames(t *testing.T) {
	email := strings.Repeat("ü", 500) + "@example.com"
	ctx := meshtest.WithCallContext(t.Context(), lmz.CallContext{Auth: &lmz.Auth{Subject: "s", Claims: map[string]any{"email": email}}})
	if name := fullName(ctx); len(name) > maxName || text.Units(name) != maxName/2 {
		t.Errorf("%d bytes", len(name))
	}
}

func TestOpeningWithManyPeople(t *testing.T) {
	d := &Document{people: make(people)}
	for i := range maxPeople + 50 {
		d.people[fmt.Sprint(i)] = visitor{Person: Person{Name: strings.Repeat("n", maxName), Color: i}}
	}
	if all := d.others("7"); len(all) != maxPeople || all[0].Color != 0 || all[7].Color != 8 {
		t.Errorf("%d people, of whom the first has colour %d", len(all), all[0].Color)
	}
}

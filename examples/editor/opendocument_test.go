package editor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

// twoPeople opens one document in two clients.
func twoPeople(t *testing.T, m *meshtest.Mesh) (ann, bob *person) {
	t.Helper()
	registerNodes(m)
	ann, bob = newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "bob", client.Options{})
	ann.open(t, "notes", OpenOptions{})
	bob.open(t, "notes", OpenOptions{})
	return ann, bob
}

func TestTwoAuthors(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "Hello")
		bob.shows(t, "Hello")
		ann.typeAt(t, 5, " world")
		bob.typeAt(t, 5, ", dear")
		ann.saved(t)
		bob.saved(t)
		ann.until(t, "one text", func() bool { bob.pull(t); return ann.screen == bob.screen && len(ann.screen) == 17 })
	})
}

func TestUndoAmongTwoAuthors(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "one two three")
		bob.shows(t, "one two three")
		bob.typeAt(t, 5, "[bob]")
		ann.shows(t, "one t[bob]wo three")
		ann.doc.Undo()
		ann.screen = ann.doc.Text().String()
		if ann.screen != "[bob]" {
			t.Errorf("after undo: %q", ann.screen)
		}
		bob.shows(t, "[bob]")
		bob.doc.Undo()
		bob.screen = bob.doc.Text().String()
		ann.shows(t, "")
	})
}

func TestOddText(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		want := ""
		for i, s := range []string{"a\r\nb", "\r", "👨‍👩‍👧‍👦", "e\u0301", "\U0010FFFF", "\u0000", "\uFFFD"} {
			from := ann
			if i%2 == 1 {
				from = bob
			}
			from.typeAt(t, text.Units(want), s)
			want += text.Breaks(s)
			ann.shows(t, want)
			bob.shows(t, want)
		}
		// Half a character is not text: the screen shows Go's replacement for it, and that
		// arrives.
		ann.typeAt(t, 0, "\xed\xa0\x80")
		bob.shows(t, ann.screen)
		// A client that sends one nevertheless is refused.
		half := []text.Update{{ClientID: "x", Number: 1, Changes: []any{text.Units(want) + 3, []any{0, "\xed\xa0\x80"}}}}
		if _, err := Push.Call(t.Context(), ann.Peer, lmz.At(DocumentBinding, "notes"), ann.doc.Version(), half); err == nil {
			t.Error("half a character was accepted")
		}
	})
}

func TestMisspellingOfAuthor(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "A line\nThe teh fox\nrecieve this")
		ann.until(t, "findings", func() bool { return len(ann.doc.Findings()) == 2 })
		bob.shows(t, ann.screen)
		bob.typeAt(t, 0, "Bob: ")
		ann.until(t, "bob's text", func() bool { return strings.HasPrefix(ann.screen, "Bob") })
		found := ann.doc.Findings()
		if found[0].Word != "teh" || found[0].Suggestions[0] != "the" || found[1].Suggestions[0] != "receive" ||
			found[0].From != strings.Index(ann.screen, "teh") || found[0].To != found[0].From+3 {
			t.Errorf("%+v in %q", found, ann.screen)
		}
		if found := bob.doc.Findings(); len(found) != 0 {
			t.Errorf("bob heard of %+v", found)
		}
		at := found[0].From
		c, err := text.New(ann.doc.Text().Len(), text.Change{From: at, To: at + 3, Insert: "the"})
		if err != nil {
			t.Fatal(err)
		}
		ann.edit(t, c)
		ann.saved(t)
		time.Sleep(time.Second)
		ann.pull(t)
		if found := ann.doc.Findings(); len(found) != 1 || found[0].Word != "recieve" {
			t.Errorf("after the correction: %+v", found)
		}
	})
}

func TestPresence(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "Hello world")
		bob.shows(t, "Hello world")
		bob.doc.SetCursor(6, 11)
		ann.until(t, "bob's selection", func() bool { return len(ann.doc.People()) == 1 })
		if p := ann.doc.People()[0]; p.Name != "bob" || p.Anchor != 6 || p.Head != 11 {
			t.Errorf("%+v", p)
		}
		ann.typeAt(t, 0, "Oh! ")
		if p := ann.doc.People()[0]; p.Anchor != 10 || p.Head != 15 {
			t.Errorf("after typing before it: %+v", p)
		}
		ann.doc.SetCursor(0, 0)
		bob.until(t, "ann", func() bool { return len(bob.doc.People()) == 1 })
		if a, b := bob.doc.People()[0], ann.doc.People()[0]; a.Color == b.Color {
			t.Errorf("ann and bob have the color %d", a.Color)
		}

		// A client that opens the document sees who is there.
		eve := newPerson(t, m, "eve", client.Options{})
		eve.open(t, "notes", OpenOptions{})
		eve.until(t, "both", func() bool { return len(eve.doc.People()) == 2 })

		// A short disconnection changes nothing, even if something is typed meanwhile.
		bob.Cut()
		time.Sleep(2 * time.Second)
		ann.typeAt(t, 0, "A ")
		ann.saved(t)
		bob.Heal()
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			ann.pull(t)
			if len(ann.doc.People()) != 1 {
				t.Fatalf("bob flickers: %+v", ann.doc.People())
			}
		}

		// A client that closes the document, or does not come back, is gone.
		eve.doc.Close(context.Background())
		bob.Kill()
		ann.until(t, "alone", func() bool { return len(ann.doc.People()) == 0 })
	})
}

func TestCursorBehindTypedText(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "words")
		ann.saved(t)
		bob.shows(t, "words")
		// From an editor that does not know yet which version it made.
		late := Cursor{ClientID: ann.doc.sync.Client().Editor(), Version: 0, Anchor: 0, Head: 0}
		if _, err := Present.Call(t.Context(), ann.Peer, lmz.At(DocumentBinding, "notes"), late); err != nil {
			t.Fatal(err)
		}
		bob.until(t, "ann's cursor", func() bool {
			all := bob.doc.People()
			return len(all) == 1 && all[0].Head == 5
		})
	})
}

func TestRestoreOfVersion(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "first")
		ann.saved(t)
		version := ann.doc.Version()
		time.Sleep(10 * time.Minute)
		bob.shows(t, "first")
		bob.typeAt(t, 5, " second")
		bob.saved(t)
		at := lmz.At(DocumentBinding, "notes")
		revisions, err := History.Call(t.Context(), ann.Peer, at, 0)
		if err != nil || len(revisions) != 2 || revisions[0].By != "bob" || revisions[1].By != "ann" || revisions[1].Last != version {
			t.Fatalf("%+v, %v", revisions, err)
		}
		if old, err := Read.Call(t.Context(), ann.Peer, at, version, 0); err != nil || old != "first" {
			t.Errorf("%q, %v", old, err)
		}
		if _, err := Restore.Call(t.Context(), ann.Peer, at, version); err != nil {
			t.Fatal(err)
		}
		ann.shows(t, "first")
		bob.shows(t, "first")
	})
}

func TestJournalAfterKill(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		files := new(disk)
		ann, bob := newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "bob", client.Options{})
		ann.open(t, "notes", files.options())
		bob.open(t, "notes", OpenOptions{})
		ann.typeAt(t, 0, "Start.")
		bob.shows(t, "Start.")
		ann.saved(t)
		ann.Cut()
		for i := range 60 {
			ann.typeAt(t, ann.doc.Text().Len(), fmt.Sprint(" ", i))
			time.Sleep(time.Second)
		}
		typed := ann.screen
		bob.typeAt(t, 0, "Bob. ")
		bob.saved(t)
		ann.Kill()
		ann.doc.halt()
		if len(files.all()) != 1 {
			t.Fatalf("%d records on disk", len(files.all()))
		}
		again := newPerson(t, m, "ann", client.Options{})
		again.open(t, "notes", files.options())
		again.shows(t, "Bob. "+typed)
		bob.shows(t, "Bob. "+typed)
		again.until(t, "the journal is empty", func() bool { return len(files.all()) == 0 })
	})
}

func TestFailingJournal(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		full := false
		files := &disk{busy: func() bool { return full }}
		ann := newPerson(t, m, "ann", client.Options{})
		ann.open(t, "notes", files.options())
		ann.Cut()
		ann.typeAt(t, 0, "a")
		ann.until(t, "it is on disk", func() bool { return len(files.all()) == 1 })
		files.mu.Lock()
		full = true
		files.mu.Unlock()
		ann.doc.Pull()
		ann.typeAt(t, 1, "b")
		time.Sleep(time.Second)
		if err := ann.doc.JournalErr(); err == nil || !ann.doc.Pull().Status {
			t.Errorf("nobody is told: %v", err)
		}
		time.Sleep(time.Minute)
		files.mu.Lock()
		full = false
		files.mu.Unlock()
		time.Sleep(time.Second)
		if err := ann.doc.JournalErr(); err != nil || !ann.doc.Pull().Status || len(files.all()[0].Edits) != 2 {
			t.Errorf("%v, on disk %+v", err, files.all()[0])
		}
	})
}

func TestRefusedJournal(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		files := new(disk)
		ann, bob := newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "bob", client.Options{})
		ann.open(t, "notes", files.options())
		bob.open(t, "notes", OpenOptions{})
		ann.Cut()
		ann.typeAt(t, 0, "Kept for you.")
		time.Sleep(time.Second)
		ann.Kill()
		ann.doc.halt()
		bob.typeAt(t, 0, "Bob.")
		bob.saved(t)
		bob.doc.Close(t.Context())
		bob.Close() // a month of pings takes long
		time.Sleep(text.Retention + time.Hour)
		for _, discard := range []bool{false, true} { // the first time, the user does not see it
			again := newPerson(t, m, "ann", client.Options{})
			again.open(t, "notes", files.options())
			again.until(t, "it is shown", func() bool { return len(again.refused) == 1 })
			r := again.refused[0]
			if r.Record.Text() != "Kept for you." || r.Err == nil || again.screen != "Bob." || len(files.all()) != 1 {
				t.Errorf("%+v, screen %q, %d on disk", r, again.screen, len(files.all()))
			}
			if discard {
				again.doc.Discard(r)
			}
			again.doc.Close(context.Background())
		}
		if len(files.all()) != 0 {
			t.Error("what was discarded is on disk")
		}
	})
}

func TestCatchUpOver10000Versions(t *testing.T) {
	for _, unsaved := range []bool{false, true} {
		t.Run(fmt.Sprint("unsaved ", unsaved), func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
				ann, bob := twoPeople(t, m)
				ann.Cut()
				if unsaved {
					ann.typeAt(t, 0, "ann was here")
				}
				at := lmz.At(DocumentBinding, "notes")
				for number := 1; number < 10_000; number += 500 {
					var edits []text.Edit
					for i := range 500 {
						length := number - 1 + i
						edits = append(edits, text.Edit{Editor: "bot", Number: number + i, Changes: text.Insert(length, length/2, "x")})
					}
					if _, err := Push.Call(t.Context(), bob.Peer, at, number-1, text.Updates(edits)); err != nil {
						t.Fatal(err)
					}
				}
				ann.Heal()
				ann.saved(t)
				bob.until(t, "one text", func() bool {
					ann.pull(t)
					return ann.screen == bob.screen && bob.doc.Version() >= 10_000
				})
				if got := strings.Contains(ann.screen, "ann was here"); got != unsaved || len(ann.refused) > 0 {
					t.Errorf("ann's typing is there: %v, refused %v", got, ann.refused)
				}
			})
		})
	}
}

func TestDocumentOf10MB(t *testing.T) {
	m := meshtest.StartWith(t, meshtest.Options{Gateway: gateway.Options{Dir: t.TempDir()}})
	registerNodes(m)
	ann, bob := newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "bob", client.Options{})
	ann.open(t, "book", OpenOptions{})
	page := strings.Repeat("The quick brown fox jumps over the lazy dog. 🦊\n", 1<<20/50)
	for range 10 {
		ann.typeAt(t, 0, page)
		ann.saved(t)
	}
	bob.open(t, "book", OpenOptions{})
	if bob.screen != ann.screen || len(bob.screen) < 10*len(page) {
		t.Fatalf("bob has %d bytes, ann %d", len(bob.screen), len(ann.screen))
	}
	bob.typeAt(t, bob.doc.Text().Len()/100*50, page)
	bob.saved(t)
	ann.until(t, "the paste", func() bool { return ann.screen == bob.screen })

	// It is all there after the gateway was killed, too.
	m.CrashGateway()
	m.RestartGateway()
	content, version, err := ReadAll(t.Context(), ann.Peer, "book")
	if err != nil || content != ann.screen || version != ann.doc.Version() {
		t.Errorf("%d bytes, version %d, %v", len(content), version, err)
	}
}

// refusing is a caller whose pushes a document refuses.
type refusing struct {
	lmz.Caller
	left atomic.Int32 // pushes to refuse
}

func (r *refusing) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	if strings.HasPrefix(c.String(), string(Push)) && r.left.Add(-1) >= 0 {
		return nil, refused(text.ErrTooLong)
	}
	return r.Caller.CallRaw(ctx, to, c)
}

func TestRefusedEdit(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		files := new(disk)
		registerNodes(m)
		ann := newPerson(t, m, "ann", client.Options{})
		o := files.options()
		o.Document = "notes"
		via := &refusing{Caller: ann.Peer}
		ann.openVia(t, via, o)
		ann.typeAt(t, 0, "fine")
		ann.saved(t)
		via.left.Store(1)
		ann.typeAt(t, 4, " or not")
		ann.until(t, "shown", func() bool { return len(ann.refused) == 1 })
		e := new(lmz.Error)
		if r := ann.refused[0]; r.Record.Text() != " or not" || !errors.As(r.Err, &e) || e.Name != RefusedName {
			t.Errorf("%+v", ann.refused)
		}
		ann.shows(t, "fine")
		ann.typeAt(t, 4, "!")
		ann.saved(t)
		ann.until(t, "kept", func() bool { return len(files.all()) == 1 })
	})
}

// slowly is a caller whose goroutine sees answers late.
type slowly struct{ lmz.Caller }

func (s slowly) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	v, err := s.Caller.CallRaw(ctx, to, c)
	time.Sleep(time.Second)
	return v, err
}

func TestPresenceDuringSlowOpen(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		ann, bob, eve := newPerson(t, m, "ann", client.Options{}), newPerson(t, m, "bob", client.Options{}), newPerson(t, m, "eve", client.Options{})
		eve.open(t, "notes", OpenOptions{})
		eve.doc.SetCursor(0, 0)
		bob.open(t, "notes", OpenOptions{})
		time.Sleep(time.Second)

		ann.beginVia(t, slowly{ann.Peer}, OpenOptions{Document: "notes"})
		time.Sleep(500 * time.Millisecond) // the document has answered, but ann's goroutine does not know
		bob.doc.SetCursor(0, 0)
		eve.doc.Close(t.Context())
		ann.until(t, "the text is there", ann.doc.Ready)
		time.Sleep(5 * time.Second)
		ann.pull(t)
		if people := ann.doc.People(); len(people) != 1 || people[0].Name != "bob" {
			t.Errorf("ann sees %+v", people)
		}
	})
}

package editor

import (
	"errors"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

func isRefused(err error) bool {
	e := new(lmz.Error)
	return errors.As(err, &e) && e.Name == RefusedName
}

func TestPushAsForeignEditor(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, mallory := twoPeople(t, m)
		at := lmz.At(DocumentBinding, "notes")
		push := func(editor string) error {
			version, length := mallory.doc.Version(), mallory.doc.Text().Len()
			edits := []text.Edit{{Editor: editor, Number: 1 << 40, Changes: text.Insert(length, 0, "x")}}
			_, err := Push.Call(t.Context(), mallory.Peer, at, version, text.Updates(edits))
			return err
		}
		// Before ann has typed anything, mallory sees her cursor, and with it her editor.
		ann.doc.SetCursor(0, 0)
		mallory.until(t, "ann's cursor", func() bool { return len(mallory.doc.People()) == 1 })
		anns := mallory.doc.People()[0].ClientID
		if err := push(anns); !isRefused(err) {
			t.Errorf("before she typed: %v", err)
		}
		ann.typeAt(t, 0, "first ")
		ann.saved(t)
		mallory.until(t, "ann's text", func() bool { return mallory.screen == "first " })
		if err := push(anns); !isRefused(err) {
			t.Errorf("after she typed: %v", err)
		}
		for _, name := range []string{updater, restorer, "", strings.Repeat("x", maxEditor+1)} {
			if err := push(name); !isRefused(err) {
				t.Errorf("as %.10q: %v", name, err)
			}
		}
		ann.typeAt(t, 6, "second")
		ann.saved(t)
		if _, err := Update.Call(t.Context(), ann.Peer, at, "whole"); err != nil {
			t.Error(err)
		}
		if content, _, err := ReadAll(t.Context(), ann.Peer, "notes"); content != "whole" || err != nil {
			t.Errorf("the document has %q, %v", content, err)
		}
		present := Cursor{ClientID: anns}
		if _, err := Present.Call(t.Context(), mallory.Peer, at, present); !isRefused(err) {
			t.Errorf("a cursor under her name: %v", err)
		}
	})
}

func TestExpensivePush(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		_, mallory := twoPeople(t, m)
		at := lmz.At(DocumentBinding, "notes")
		edits := func(editor string, first, length int) []text.Update {
			var all []text.Edit
			for i := range 1000 {
				all = append(all, text.Edit{Editor: editor, Number: first + i, Changes: text.Insert(length+i, 0, "x")})
			}
			return text.Updates(all)
		}
		for i := range 4 {
			if _, err := Push.Call(t.Context(), mallory.Peer, at, 1000*i, edits("bot", 1000*i+1, 1000*i)); err != nil {
				t.Fatal(err)
			}
		}
		// A thousand edits over four thousand versions need millions of mappings.
		_, err := Push.Call(t.Context(), mallory.Peer, at, 0, edits("another", 1, 0))
		if err == nil || !strings.Contains(err.Error(), "so far back") || isRefused(err) {
			t.Errorf("far back: %v", err)
		}
		// Searching for a thousand edits that were never made is too expensive as well.
		if _, err := Push.Call(t.Context(), mallory.Peer, at, 4000, edits("late", 1<<30, 4000)[:1]); err != nil {
			t.Fatal(err)
		}
		_, err = Push.Call(t.Context(), mallory.Peer, at, 4001, edits("late", 1, 4001))
		if err == nil || !strings.Contains(err.Error(), "so far back") {
			t.Errorf("never made: %v", err)
		}
		if _, err := Push.Call(t.Context(), mallory.Peer, at, 0, edits("another", 1, 0)[:1]); err != nil {
			t.Errorf("one edit: %v", err)
		}
	})
}

func TestSpellingOfManyWrongWords(t *testing.T) {
	var parts Parts
	for i := range 20 {
		var b strings.Builder
		for j := range 220 {
			b.WriteString(" qx" + letters(i) + letters(j))
		}
		parts.Parts = append(parts.Parts, Part{Text: b.String()})
	}
	if found, err := spellingOf(t.Context(), parts); err != nil || len(found.Found) != maxFindings || len(found.Checked) != 1 {
		t.Errorf("%d words were searched for, in %d parts", len(found.Found), len(found.Checked))
	}
}

func letters(n int) string {
	s := ""
	for ; n > 0; n /= 26 {
		s += string(rune('a' + n%26))
	}
	return s
}

func TestSpellingOfScatteredChanges(t *testing.T) {
	const length, edits, each = 400_000, 1000, 200
	var entries []text.Entry
	for i := range edits {
		var changes []text.Change
		for j := range each {
			at := i*300 + j
			changes = append(changes, text.Change{From: at, To: at, Insert: "a"})
		}
		c, err := text.New(length+i*each, changes...)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, text.Entry{Edit: text.Edit{Editor: "x", Number: i + 1, Changes: c}, Version: i + 1})
	}
	var replaced int
	allocated := testing.AllocsPerRun(1, func() { replaced = len(changedRanges(entries)) })
	if replaced != 0 {
		t.Errorf("%d ranges were found, with %.0f allocations", replaced, allocated)
	}
	if some := changedRanges(entries[:5]); len(some) == 0 {
		t.Error("a few scattered changes are not checked")
	}
}

package editor

import "testing"

func TestAnArrivingTextIsNeverPutOverUnsavedTyping(t *testing.T) {
	var b Buffer
	b.Arrive(Change{Content: "start", Version: 1})
	b.Text = "start, typed"
	if b.Arrive(Change{Content: "theirs", Version: 2, By: "bob"}) || b.Text != "start, typed" || b.Held == nil {
		t.Fatalf("text %q, held %+v", b.Text, b.Held)
	}
	text, ok := b.BeginSave()
	if _, twice := b.BeginSave(); !ok || twice || text != "start, typed" {
		t.Fatalf("to save: %q %v, twice %v", text, ok, twice)
	}
	b.Saved(3)
	if b.Dirty() || b.Arrive(Change{Content: "old", Version: 2}) || b.Text != "start, typed" {
		t.Errorf("dirty %v, text %q", b.Dirty(), b.Text)
	}
	b.Take()
	if b.Text != "theirs" || !b.Dirty() || b.Held != nil {
		t.Errorf("taken: %q, dirty %v", b.Text, b.Dirty())
	}
}

func TestASaveThatNobodyKnowsOfIsMadeAgain(t *testing.T) {
	b := Buffer{Text: "typed"}
	b.BeginSave()
	b.SaveFailed()
	if text, ok := b.BeginSave(); !ok || text != "typed" {
		t.Errorf("to save: %q %v", text, ok)
	}
}

func TestAHeldTextThatTheDocumentHasNoMoreIsNotOffered(t *testing.T) {
	var b Buffer
	b.Arrive(Change{Content: "a", Version: 1})
	b.Text = "a, typed"
	b.Arrive(Change{Content: "b", Version: 2})
	b.Arrive(Change{Content: "a", Version: 3})
	if b.Held != nil {
		t.Errorf("held %+v", b.Held)
	}
}

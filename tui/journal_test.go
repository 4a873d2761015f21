package tui

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/text"
)

func journalOf(t *testing.T, state, account string) *journal {
	t.Helper()
	j, err := openJournal(state, "http://s", account, "../notes")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func record(name, what string) editor.Record {
	return editor.Record{Editor: name, Version: 3,
		Edits: text.Updates([]text.Edit{{Editor: name, Number: 1, Changes: text.Insert(0, 0, what)}})}
}

func wantLeft(t *testing.T, j *journal, want ...string) {
	t.Helper()
	var got []string
	for _, r := range j.left() {
		got = append(got, r.Text())
	}
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Errorf("left: %q, want %q", got, want)
	}
}

func TestJournalAfterEditor(t *testing.T) {
	state := t.TempDir()
	j := journalOf(t, state, "ann")
	for _, what := range []string{"first", "second"} {
		if err := j.store(record("editor1", what)); err != nil {
			t.Fatal(err)
		}
	}
	other := journalOf(t, state, "ann")
	wantLeft(t, other) // its owner is alive
	if err := other.store(record("editor1", "stolen")); err == nil {
		t.Error("two processes wrote one record")
	}
	j.close()
	wantLeft(t, journalOf(t, state, "bob"))
	wantLeft(t, other, "second")
	wantLeft(t, journalOf(t, state, "ann")) // the second process holds it now
	files, err := filepath.Glob(filepath.Join(j.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	if err := other.store(editor.Record{Editor: "editor1"}); err != nil {
		t.Error(err)
	}
	other.close()
	if got, _ := filepath.Glob(filepath.Join(j.dir, "*")); len(got) != 0 {
		t.Errorf("remains: %q", got)
	}
}

func TestDamagedRecord(t *testing.T) {
	j := journalOf(t, t.TempDir(), "ann")
	file := filepath.Join(j.dir, "x.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, j)
	j.close()
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

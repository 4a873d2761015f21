package tui

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestJournalOfVersion1 finds the edits that version 1 left (testdata/v1/README.md).
func TestJournalOfVersion1(t *testing.T) {
	const v1 = "../testdata/v1"
	var made struct{ Subjects map[string]string }
	manifest, err := os.ReadFile(v1 + "/manifest.json")
	if err == nil {
		err = json.Unmarshal(manifest, &made)
	}
	state := t.TempDir()
	if err == nil {
		err = os.CopyFS(state, os.DirFS(v1+"/journal/terminal"))
	}
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(state, "https://mesh.example.com", made.Subjects["bob@example.com"], "notes")
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	left := j.left()
	if len(left) != 1 || left[0].Version != 4 || !strings.Contains(left[0].Text(), "in the terminal") {
		t.Errorf("version 1 left %+v", left)
	}
}

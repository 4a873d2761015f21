package editor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
)

// TestMissedEdits makes more edits in a document than may wait for an editor that is
// briefly disconnected. Its session survives, in another document too, and it gets the
// edits and learns who arrived meanwhile.
func TestMissedEdits(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		ann := newPerson(t, m, "ann", client.Options{})
		ann.open(t, "notes", OpenOptions{})
		bob := newPerson(t, m, "bob", client.Options{})
		bob.open(t, "notes", OpenOptions{})
		ann.until(t, "bob's connection", func() bool { return bob.State() == client.Connected })
		ann.Cut()
		bob.doc.SetCursor(0, 0)
		for i := range 1200 {
			if _, err := Update.Call(t.Context(), bob, lmz.At(DocumentBinding, "notes"), fmt.Sprint("word ", i)); err != nil {
				t.Fatal(err)
			}
		}
		ann.Heal()
		ann.until(t, "the newest text", func() bool { return ann.screen == "word 1199" })
		ann.until(t, "bob's cursor", func() bool { return len(ann.doc.People()) == 1 })
		log := m.Log()
		if !strings.Contains(log, "calls dropped") || strings.Contains(log, "session ended") {
			t.Errorf("calls dropped: %v, session ended: %v", strings.Contains(log, "calls dropped"), strings.Contains(log, "session ended"))
		}
	})
}

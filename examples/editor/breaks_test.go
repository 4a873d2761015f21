package editor

import (
	"context"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

// Other editors, and journals of earlier versions of this program, push line breaks other
// than "\n". The document applies the edit unchanged and corrects it with its own edit.
func TestForeignLineBreaks(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "one\r\ntwo\rthree")
		ann.typeAt(t, 14, "!\r")
		bob.shows(t, "one\ntwo\nthree!\n")
		ann.shows(t, "one\ntwo\nthree!\n")
		if len(ann.refused) > 0 || !ann.doc.Saved() {
			t.Errorf("ann's edits are refused %v, saved %v", ann.refused, ann.doc.Saved())
		}
		bob.typeAt(t, len("one\ntwo\nthree!\n"), "four")
		ann.shows(t, "one\ntwo\nthree!\nfour")
		ann.doc.Undo()
		ann.screen = ann.doc.Text().String()
		bob.shows(t, ann.screen)
		if strings.ContainsAny(ann.screen, "\r") {
			t.Errorf("after undo: %q", ann.screen)
		}
		version, err := Update.Call(t.Context(), ann.Peer, lmz.At(DocumentBinding, "notes"), "five\r\nsix\r\n")
		if err != nil {
			t.Fatal(err)
		}
		bob.shows(t, "five\nsix\n")
		if version != bob.doc.Version() {
			t.Errorf("the update made version %d, and then there was %d", version, bob.doc.Version())
		}
	})
}

// A version with "\r" can be restored, even a long one that is restored by reference.
func TestForeignLineBreaksRestored(t *testing.T) {
	for name, size := range map[string]int{"short": 10, "long": restoredBytes} {
		t.Run(name, func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
				ann, bob := twoPeople(t, m)
				old := strings.Repeat("x\r\n", size)
				ann.typeAt(t, 0, old)
				bob.shows(t, text.Breaks(old))
				notes := lmz.At(DocumentBinding, "notes")
				read, err := Read.Call(t.Context(), ann.Peer, notes, 1, 0)
				if err != nil || !strings.HasPrefix(old, read) {
					t.Fatalf("version 1 is %.20q, %v", read, err)
				}
				if _, err := Update.Call(context.Background(), ann.Peer, notes, "new"); err != nil {
					t.Fatal(err)
				}
				bob.shows(t, "new")
				if _, err := Restore.Call(context.Background(), ann.Peer, notes, 1); err != nil {
					t.Fatal(err)
				}
				bob.shows(t, text.Breaks(old))
				ann.shows(t, text.Breaks(old))
				m.CrashGateway()
				m.RestartGateway()
				content, _, err := ReadAll(t.Context(), ann.Peer, "notes")
				if err != nil || content != text.Breaks(old) {
					t.Errorf("after a restart: %.20q, %v", content, err)
				}
			})
		})
	}
}

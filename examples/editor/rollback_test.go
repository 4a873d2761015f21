package editor

import (
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/meshtest"
)

// TestRollbackOfFailedChain rolls back a turn after the document has applied an edit:
// memory must not be ahead of storage.
func TestRollbackOfFailedChain(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := twoPeople(t, m)
		ann.typeAt(t, 0, "kept")
		ann.saved(t)
		at := lmz.At(DocumentBinding, "notes")
		_, err := bob.CallRaw(t.Context(), at, lmz.Ctn(string(Update), "lost").Then("nonsense"))
		if err == nil {
			t.Fatal("the chain succeeded")
		}
		ann.typeAt(t, 4, "!")
		ann.saved(t)
		m.CrashGateway()
		m.RestartGateway()
		if content, version, err := ReadAll(t.Context(), bob.Peer, "notes"); content != "kept!" || version != 2 || err != nil {
			t.Errorf("the document has %q, version %d, %v", content, version, err)
		}
	})
}

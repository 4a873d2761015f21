package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// TestAGreetingListsFeatures checks that a welcome names what the gateway understands, even
// to a client that names nothing, and that a client of a later version is served.
func TestAGreetingListsFeatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		for name, hello := range map[string]proto.Frame{
			"a client of the first version": {Kind: proto.KindHello, Session: proto.SessionID{1}},
			"a client of this version":      {Kind: proto.KindHello, Session: proto.SessionID{2}, Attempt: 1, Features: proto.AllFeatures},
		} {
			r := m.raw("ann.tab", token("ann", time.Time{}))
			r.frame(hello)
			f, err := r.read()
			if err != nil || f.Kind != proto.KindWelcome || f.Features != proto.AllFeatures {
				t.Errorf("%s is welcomed with %+v, %v", name, f, err)
			}
			r.conn.CloseNow()
		}
	})
}

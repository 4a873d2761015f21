package session

import (
	"runtime"
	"testing"
	"weak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// TestASessionAtRestKeepsNoFrame checks that every frame becomes garbage once it is
// acknowledged: a gateway has many idle sessions, and a frame may have 1 MiB.
func TestASessionAtRestKeepsNoFrame(t *testing.T) {
	a, b := newEnd(t, Limits{Forget: true}), newEnd(t, Limits{})
	link(a, b)
	chain := make([]byte, 60_000)
	sent := weak.Make(&chain[0])
	a.do(a.s.Call(1, proto.Frame{To: lmz.At("B", "i"), Payload: chain}, false))
	frame := weak.Make(&a.out[0][0])
	b.deliver(a)
	b.do(b.s.AckTimeout())
	a.deliver(b)
	chain, b.ran, b.out, a.out = nil, nil, nil, nil
	runtime.GC()
	if sent.Value() != nil {
		t.Error("the chain of a call that the other end has is kept")
	}
	if frame.Value() != nil {
		t.Error("a frame that was acknowledged is kept")
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
}

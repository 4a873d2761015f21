package gateway_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// TestCallsThatWaitKeepNoChain calls a client with 12 MB, which it accepts but does not
// answer. A waiting call must not keep its chain in memory.
func TestCallsThatWaitKeepNoChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		ann, bob := m.raw("ann.tab", token("ann", time.Time{})), m.raw("bob.tab", token("bob", time.Time{}))
		defer ann.conn.CloseNow()
		defer bob.conn.CloseNow()
		ann.hello()
		bob.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{2}})
		if _, err := bob.read(); err != nil {
			t.Fatal(err)
		}
		before := heap()
		chain, err := value.MarshalChain(lmz.Ctn("never", strings.Repeat("x", 60_000)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range uint64(200) {
			ann.frame(proto.Frame{
				Kind: proto.KindCall, Seq: n + 1, To: lmz.At(lmz.DefaultGateway, "bob.tab"), Timeout: time.Hour,
				Context: []byte{0xa0}, Payload: chain,
			})
			for got := uint64(0); got <= n; {
				f, err := bob.read()
				if err != nil {
					t.Fatal(err)
				}
				if f.Kind == proto.KindCall {
					got = f.Seq
					bob.frame(proto.Frame{Kind: proto.KindAck, Ack: got})
				}
			}
		}
		synctest.Wait()
		if s := m.gateway.Stats(); s.HeldBytes < 12_000_000 || s.HeldBytes > 13_000_000 {
			t.Errorf("%d bytes are counted", s.HeldBytes)
		}
		if now := heap(); now > before+3<<20 {
			t.Errorf("%d KiB are kept for 200 calls that were delivered", (now-before)>>10)
		}
		runtime.KeepAlive(m)
	})
}

package gateway_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz/internal/session"
)

// What was written to a JSON client counts as received, because it sends no acknowledgements:
// otherwise the gateway would keep all of it and resend it on the next connection.

// jsonAdd makes a JSON client add to the counter, and reads the sum.
func (r *raw) jsonAdd(id string, n, sum int) {
	r.t.Helper()
	r.say(jsonCall(id, toCounter, "add", fmt.Sprint(n)))
	r.hear(fmt.Sprintf(`{"type":"call_response","callId":"%s","success":true,"result":{"json":%d,"meta":{}}}`, id, sum))
}

func TestJSONAfterALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		first := m.jsonRaw("ann.tab")
		first.hearNew()
		first.jsonAdd("1", 1, 1)
		first.jsonAdd("2", 1, 2)
		synctest.Wait()
		first.conn.CloseNow()
		time.Sleep(time.Second) // virtual: within the grace period
		second := m.jsonRaw("ann.tab")
		defer second.conn.CloseNow()
		second.hear(statusResumed)
		second.jsonAdd("3", 1, 3) // and no earlier answer
	})
}

func TestJSONAfterAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		first := m.jsonRaw("ann.tab")
		defer first.conn.CloseNow()
		first.hearNew()
		first.jsonAdd("1", 1, 1)
		first.jsonAdd("2", 1, 2)
		synctest.Wait()
		second := m.jsonRaw("ann.tab") // while the first one is open
		defer second.conn.CloseNow()
		second.hear(statusResumed)
		second.jsonAdd("3", 1, 3)
	})
}

// TestJSONOfALongConnection makes more calls than may be unacknowledged.
func TestJSONOfALongConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		ann := m.jsonRaw("ann.tab")
		defer ann.conn.CloseNow()
		ann.hearNew()
		for i := 1; i <= 1100; i++ {
			ann.jsonAdd(fmt.Sprint(i), 1, i)
		}
		for i := 1101; i <= 1110; i++ {
			time.Sleep(session.StallTimeout) // virtual
			ann.jsonAdd(fmt.Sprint(i), 1, i)
		}
	})
}

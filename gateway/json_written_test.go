package gateway_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz/internal/session"
)

// What was written to a JSON client counts as received, because it says nothing of what it got:
// else all of it would come again on the next connection, and the gateway would keep it.

// jsonAdd has a JSON client add to the counter, and hear the sum.
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
		second.jsonAdd("3", 1, 3) // and no answer of before
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
		second := m.jsonRaw("ann.tab") // while the first one lives
		defer second.conn.CloseNow()
		second.hear(statusResumed)
		second.jsonAdd("3", 1, 3)
	})
}

// TestJSONOfALongConnection makes more calls than may wait for an acknowledgement.
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

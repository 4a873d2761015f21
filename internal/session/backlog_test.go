package session

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// newSlow returns two ends: one like a gateway's, and one that reads only when the test lets
// it and understands missed calls.
func newSlow(t *testing.T, limits Limits) (gateway, slow *end) {
	limits.Policy, limits.Forget = ForClients(), true
	gateway, slow = newEnd(t, limits), newEnd(t, Limits{})
	slow.features = proto.FeatureMissed
	link(gateway, slow)
	return gateway, slow
}

// tell sends n one-way calls of a caller, numbered from first.
func (e *end) tell(caller string, first, n int) {
	for i := range n {
		e.do(e.s.Call(0, proto.Frame{
			From: lmz.At("DOC", caller), NoReply: true, Timeout: time.Minute,
			Payload: fmt.Appendf(nil, "%s %d", caller, first+i),
		}, false))
	}
}

// read delivers everything, including due acknowledgements.
func (e *end) read(from *end) {
	for drain(from, e); e.acks > 0; drain(from, e) {
		e.acks--
		e.do(e.s.AckTimeout())
	}
}

func TestASlowReaderLosesOneBacklog(t *testing.T) {
	gateway, slow := newSlow(t, Limits{Waiting: 20, Frames: 40})
	gateway.tell("calm", 0, 5)
	gateway.tell("busy", 0, 500)
	gateway.tell("calm", 5, 5)
	if gateway.broken != "" {
		t.Fatalf("the session ended: %s", gateway.broken)
	}
	slow.read(gateway)
	calm, busy, missed := 0, 0, 0
	for _, what := range slow.ran {
		var n int
		switch {
		case what == fmt.Sprintf("calm %d", calm):
			calm++
		case what == fmt.Sprintf("busy %d", busy+missed):
			busy++
		default:
			if _, err := fmt.Sscanf(what, "missed %d of busy", &n); err != nil {
				t.Fatalf("%q after %d calls of calm, %d of busy and %d that it missed", what, calm, busy, missed)
			}
			missed += n
		}
	}
	if calm != 10 || busy+missed != 500 || missed < 400 {
		t.Errorf("%d calls of calm, %d of busy, %d missed", calm, busy, missed)
	}
}

func TestAWindowBoundsWhatIsNumbered(t *testing.T) {
	gateway, slow := newSlow(t, Limits{Waiting: 1000, Bytes: 40_000})
	chain := make([]byte, 1000)
	for range 40 {
		gateway.do(gateway.s.Call(0, proto.Frame{NoReply: true, Timeout: time.Minute, Payload: chain}, false))
	}
	if got := len(gateway.out); got != 2 {
		t.Errorf("%d frames were numbered before anything was acknowledged", got)
	}
	if got := gateway.s.Held(); got < 40_000 || got > 42_000 {
		t.Errorf("%d bytes are held", got)
	}
	slow.read(gateway)
	if got := len(slow.ran); got != 40 || gateway.s.Held() != 0 {
		t.Errorf("%d calls ran, and %d bytes are held", got, gateway.s.Held())
	}
}

// TestCallsWithAReplyAreRefusedNotDropped fills the queue of a slow end with calls that wait
// for an answer: each is answered, or fails at once as not executed.
func TestCallsWithAReplyAreRefusedNotDropped(t *testing.T) {
	gateway, slow := newSlow(t, Limits{Waiting: 20, Frames: 40})
	for key := range uint64(50) {
		gateway.do(gateway.s.Call(key+1, proto.Frame{From: lmz.At("DOC", "a"), Timeout: time.Minute}, false))
		gateway.tell("a", int(key), 1)
	}
	for key, a := range gateway.settled {
		if _, err := a.Result(); a.Failed != lmz.CodeGateway || !strings.Contains(err.Error(), "wait for the other end") {
			t.Errorf("call %d: %q %v", key, a.Failed, err)
		}
	}
	refused := len(gateway.settled)
	slow.read(gateway)
	for len(slow.open) > 0 {
		slow.answer(0)
		slow.read(gateway)
		gateway.read(slow)
	}
	if refused == 0 || len(gateway.settled) != 50 || gateway.broken != "" {
		t.Errorf("%d of 50 calls were refused, %d settled; broken: %q", refused, len(gateway.settled), gateway.broken)
	}
}

func TestWhoCannotBeToldOfDropsIsEnded(t *testing.T) {
	gateway := newEnd(t, Limits{Waiting: 20, Frames: 40, Policy: ForClients()})
	plain := newEnd(t, Limits{})
	link(gateway, plain)
	gateway.tell("busy", 0, 40*hardFactor+1)
	if !strings.Contains(gateway.broken, "wait for the other end") {
		t.Errorf("broken: %q", gateway.broken)
	}
	crowd, _ := newSlow(t, Limits{Waiting: 20, Frames: 40})
	for i := range 60 { // more callers than markers allowed
		crowd.tell(fmt.Sprint("caller", i), 0, 1)
	}
	if crowd.broken == "" {
		t.Error("a session with a marker for each of 50 callers goes on")
	}
}

func TestACallWhoseTimeIsOverIsMissed(t *testing.T) {
	now := time.Now()
	gateway, slow := newSlow(t, Limits{Waiting: 20, Frames: 40})
	gateway.s.now = func() time.Time { return now }
	unlink(gateway, slow)
	gateway.tell("a", 0, 2)
	now = now.Add(time.Minute)
	gateway.tell("a", 2, 1)
	now = now.Add(time.Minute - time.Microsecond) // the wire carries whole milliseconds
	gateway.tell("a", 3, 1)
	link(gateway, slow)
	slow.read(gateway)
	if want := []string{"missed 3 of a", "a 3"}; !slices.Equal(slow.ran, want) {
		t.Errorf("it got %q, want %q", slow.ran, want)
	}
}

// TestDropsAreAnnouncedInEverySchedule drives a gateway's end and a slow reader through
// random schedules, with cuts. Every one-way call of a caller arrives in order, or is counted
// as missed before a later one arrives; every other call is settled once.
func TestDropsAreAnnouncedInEverySchedule(t *testing.T) {
	for seed := range uint64(700) {
		random := rand.New(rand.NewPCG(seed, 1))
		now := time.Now()
		gateway, slow := newSlow(t, Limits{Calls: 4, Waiting: 12, Frames: 24, Bytes: 600})
		gateway.s.now = func() time.Time { return now }
		linked := true
		var made [3]int
		key := uint64(0)
		for range 300 {
			switch what := random.IntN(20); {
			case what < 9:
				i := random.IntN(3)
				gateway.tell(string("abc"[i]), made[i], 1)
				made[i]++
			case what == 9:
				key++
				gateway.do(gateway.s.Call(key, proto.Frame{From: lmz.At("DOC", "a"), Timeout: time.Minute, Payload: []byte("call")}, false))
			case what == 10 && key > 0:
				gateway.do(gateway.s.Cancel(random.Uint64N(key)+1, "given up"))
			case what == 11 && len(slow.open) > 0:
				slow.answer(random.IntN(len(slow.open)))
			case what < 15 && len(gateway.out) > 0:
				slow.deliver(gateway)
			case what < 17 && len(slow.out) > 0:
				gateway.deliver(slow)
			case what == 17 && slow.acks > 0:
				slow.acks--
				slow.do(slow.s.AckTimeout())
			case what == 18:
				now = now.Add(time.Duration(random.IntN(20)) * time.Second)
			case what == 19 && linked:
				unlink(gateway, slow)
				linked = false
			case what == 19:
				link(gateway, slow)
				linked = true
			}
		}
		unlink(gateway, slow)
		link(gateway, slow)
		for slow.read(gateway); len(slow.open) > 0; slow.read(gateway) {
			slow.answer(0)
			gateway.read(slow)
		}
		if gateway.broken != "" {
			t.Fatalf("seed %d: broken: %s", seed, gateway.broken)
		}
		wantAnnounced(t, seed, slow.ran, made[:])
		if got := len(gateway.settled); got != int(key) || gateway.s.Held() != 0 {
			t.Fatalf("seed %d: %d of %d calls settled, %d bytes held", seed, got, key, gateway.s.Held())
		}
	}
}

// wantAnnounced checks what an end got of callers a, b and c, given how many calls each made.
func wantAnnounced(t *testing.T, seed uint64, ran []string, made []int) {
	t.Helper()
	var got, missed, last [3]int
	for _, what := range ran {
		var n int
		var caller string
		if _, err := fmt.Sscanf(what, "missed %d of %s", &n, &caller); err == nil {
			missed[caller[0]-'a'] += n
			continue
		}
		if _, err := fmt.Sscanf(what, "%s %d", &caller, &n); err != nil {
			continue // a call with a reply
		}
		i := caller[0] - 'a'
		if got[i] > 0 && n <= last[i] || n-got[i] > missed[i] {
			t.Fatalf("seed %d: %q after %d calls, the last %d, and %d missed: %q", seed, what, got[i], last[i], missed[i], ran)
		}
		got[i], last[i] = got[i]+1, n
	}
	for i := range made {
		if got[i]+missed[i] != made[i] {
			t.Fatalf("seed %d: %d calls of %c arrived and %d were missed, of %d: %q", seed, got[i], 'a'+i, missed[i], made[i], ran)
		}
	}
}

package session

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// callee stands for the part of the other end that outlives a session: an object, which
// remembers its calls and their ids.
type callee struct {
	ran      []string
	outcomes map[proto.CallID]proto.Answer
}

// run executes a call unless it did so before.
func (c *callee) run(id proto.CallID, f proto.Frame) proto.Answer {
	if again, ok := c.outcomes[id]; ok {
		return again
	}
	c.ran = append(c.ran, string(f.Payload))
	c.outcomes[id] = proto.Answer{Payload: f.Payload}
	return c.outcomes[id]
}

// TestCallsRunOnceAcrossSessions drives a client through random schedules in which the
// gateway sometimes forgets the session, and with it every frame. The callee keeps outcomes
// under the first ids of the calls.
func TestCallsRunOnceAcrossSessions(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		a, b := newEnd(t, Limits{Calls: 5}), newEnd(t, Limits{})
		object := &callee{outcomes: make(map[proto.CallID]proto.Answer)}
		session := byte(1)
		var made uint64
		linked := false
		ids := make(map[uint64]proto.CallID) // of open calls by number
		frames := make(map[uint64]proto.Frame)
		deliver := func(to, from *end) {
			bytes := from.out[0]
			from.out = from.out[1:]
			f, err := proto.ParseFrame(bytes)
			if err != nil {
				t.Fatal(err)
			}
			before := len(to.open)
			to.do(to.s.Receive(f))
			if to == b && len(to.open) > before {
				ids[f.Seq], frames[f.Seq] = proto.CallID{Session: b.s.ID, Number: f.Seq}, f
				if f.Again != (proto.CallID{}) {
					ids[f.Seq] = f.Again
				}
			}
		}
		answer := func() { // the oldest first, as in turns
			number := b.open[0]
			b.open = b.open[1:]
			b.do(b.s.Answer(number, object.run(ids[number], frames[number])))
		}
		forget := func() {
			session++
			id := proto.SessionID{session}
			b = newEnd(t, Limits{})
			b.s.ID = id
			a.do(a.s.Restart(id))
		}
		for range 300 {
			switch what := random.IntN(40); {
			case what < 8:
				made++
				a.call(made)
			case what < 16 && len(b.open) > 0:
				answer()
			case what < 24 && len(a.out) > 0:
				deliver(b, a)
			case what < 32 && len(b.out) > 0:
				deliver(a, b)
			case what == 32 && linked:
				unlink(a, b)
				linked = false
			case what == 33 && linked:
				unlink(a, b)
				linked = false
				forget()
			case what >= 34 && !linked:
				link(a, b)
				linked = true
			}
		}
		unlink(a, b)
		forget()
		link(a, b)
		for len(a.out)+len(b.out)+len(b.open) > 0 {
			switch {
			case len(a.out) > 0:
				deliver(b, a)
			case len(b.out) > 0:
				deliver(a, b)
			default:
				answer()
			}
		}
		var want []string
		for key := uint64(1); key <= made; key++ {
			want = append(want, payload(key))
			if got := a.settled[key]; got.Failed != "" || string(got.Payload) != payload(key) {
				t.Fatalf("seed %d: call %d was answered %q %q", seed, key, got.Failed, got.Payload)
			}
		}
		if !slices.Equal(object.ran, want) || a.broken+b.broken != "" {
			t.Fatalf("seed %d: ran %q, want %q; broken %q %q", seed, object.ran, want, a.broken, b.broken)
		}
	}
}

func TestAbandonedCallBeforeSecondTryIsUnknown(t *testing.T) {
	a, b := newEnd(t, Limits{}), newEnd(t, Limits{})
	link(a, b)
	a.call(1)
	unlink(a, b)
	a.do(a.s.Restart(proto.SessionID{2}))
	a.call(2)
	a.do(a.s.Cancel(1, "enough"))
	a.do(a.s.Cancel(2, "enough"))
	if a.settled[1].Failed != lmz.CodeUnknown || a.settled[2].Failed != lmz.CodeGateway {
		t.Errorf("sent before: %q, never sent: %q", a.settled[1].Failed, a.settled[2].Failed)
	}
}

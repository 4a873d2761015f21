package session

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// end is one end of a session in a test: the effects it produced, and the frames in transit
// to the other end.
type end struct {
	t       *testing.T
	s       *Session
	out     [][]byte       // written, not delivered
	ran     []string       // payloads of incoming calls, in order
	again   []proto.CallID // their earlier ids
	open    []uint64       // unanswered incoming calls
	settled map[uint64]proto.Answer
	acks    int // due AckLater effects
	stalls  int // StallLater effects so far
	broken  string

	features proto.Features // what this end understands
}

func newEnd(t *testing.T, limits Limits) *end {
	return &end{t: t, s: New(proto.SessionID{1}, limits, time.Now), settled: make(map[uint64]proto.Answer)}
}

func (e *end) do(effects []Effect) {
	for _, f := range effects {
		switch f := f.(type) {
		case Write:
			e.out = append(e.out, f.Frame)
		case Settle:
			if _, twice := e.settled[f.Key]; twice {
				e.t.Fatalf("call %d settled twice", f.Key)
			}
			e.settled[f.Key] = f.Answer
		case Run:
			e.ran = append(e.ran, string(f.Frame.Payload))
			e.again = append(e.again, f.Frame.Again)
			e.open = append(e.open, f.Number)
		case Stop:
			e.open = slices.DeleteFunc(e.open, func(n uint64) bool { return n == f.Number })
		case Missed:
			e.ran = append(e.ran, fmt.Sprintf("missed %d of %s", f.Frame.Count, f.Frame.From.Instance))
		case AckLater:
			e.acks++
		case StallLater:
			e.stalls++
		case Break:
			e.broken = f.Reason
		case Overflow:
			e.broken = f.Reason
		}
	}
	e.s.Recycle(effects)
}

// deliver passes the first frame that from wrote to e.
func (e *end) deliver(from *end) {
	b := from.out[0]
	from.out = from.out[1:]
	f, err := proto.ParseFrame(b)
	if err != nil {
		e.t.Fatalf("frame %x: %v", b, err)
	}
	e.do(e.s.Receive(f))
}

// link resumes the session over a new link between a and b.
func link(a, b *end) {
	a.out, b.out = nil, nil
	fromA, fromB := a.s.Received(), b.s.Received()
	b.do(b.s.Resume(fromA, a.features))
	a.do(a.s.Resume(fromB, b.features))
}

func unlink(a, b *end) {
	a.s.Unlink()
	b.s.Unlink()
	a.out, b.out = nil, nil
}

func drain(a, b *end) {
	for len(a.out)+len(b.out) > 0 {
		if len(a.out) > 0 {
			b.deliver(a)
		} else {
			a.deliver(b)
		}
	}
}

func payload(key uint64) string { return fmt.Sprintf("call %d", key) }

func (e *end) call(key uint64) {
	e.do(e.s.Call(key, proto.Frame{To: lmz.At("B", "i"), Payload: []byte(payload(key))}, false))
}

// answer answers the i-th open call with its payload.
func (e *end) answer(i int) {
	number := e.open[i]
	e.open = slices.Delete(e.open, i, i+1)
	e.do(e.s.Answer(number, proto.Answer{Payload: fmt.Appendf(nil, "answer %d", number)}))
}

// TestCallsRunOnceAcrossLinks drives both ends through random schedules of calls, answers,
// deliveries, lost acknowledgement timers and cuts that lose everything in transit.
func TestCallsRunOnceAcrossLinks(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		a, b := newEnd(t, Limits{Calls: 5}), newEnd(t, Limits{})
		ends := [2]*end{a, b}
		var keys [2]uint64
		linked := false
		for range 300 {
			side := random.IntN(2)
			me, other := ends[side], ends[1-side]
			switch what := random.IntN(20); {
			case what < 4:
				keys[side]++
				me.call(keys[side])
			case what < 8 && len(me.open) > 0:
				me.answer(random.IntN(len(me.open)))
			case what < 16 && len(other.out) > 0:
				me.deliver(other)
			case what == 16 && me.acks > 0:
				me.acks--
				me.do(me.s.AckTimeout())
			case what == 17 && linked:
				unlink(a, b)
				linked = false
			case what >= 18 && !linked:
				link(a, b)
				linked = true
			}
		}
		if linked {
			unlink(a, b)
		}
		link(a, b)
		for drain(a, b); len(a.open)+len(b.open) > 0; drain(a, b) {
			for _, e := range ends {
				if len(e.open) > 0 {
					e.answer(0)
				}
			}
		}
		for side, me := range ends {
			other := ends[1-side]
			var want []string
			for key := uint64(1); key <= keys[side]; key++ {
				want = append(want, payload(key))
			}
			if !slices.Equal(other.ran, want) {
				t.Fatalf("seed %d: side %d called %q, the other ran %q", seed, side, want, other.ran)
			}
			if len(me.settled) != int(keys[side]) || me.broken != "" {
				t.Fatalf("seed %d: %d of %d calls settled, broken %q", seed, len(me.settled), keys[side], me.broken)
			}
		}
		for _, e := range ends { // due acknowledgements empty the outboxes
			e.do(e.s.AckTimeout())
		}
		drain(a, b)
		if len(a.s.outbox)+len(b.s.outbox)+a.s.outboxBytes+b.s.outboxBytes != 0 {
			t.Fatalf("seed %d: %d and %d frames are still kept", seed, len(a.s.outbox), len(b.s.outbox))
		}
	}
}

func TestEndedSessionSettlesEveryCall(t *testing.T) {
	a, b := newEnd(t, Limits{Calls: 1, Waiting: 2}), newEnd(t, Limits{})
	link(a, b)
	for key := uint64(1); key <= 4; key++ {
		a.call(key) // one is sent, two wait, one is too many
	}
	a.do(a.s.End("gone"))
	want := map[uint64]lmz.Code{1: lmz.CodeUnknown, 2: lmz.CodeGateway, 3: lmz.CodeGateway, 4: lmz.CodeGateway}
	for key, code := range want {
		if got := a.settled[key].Failed; got != code {
			t.Errorf("call %d: got %q, want %q", key, got, code)
		}
	}
}

func TestNewSessionPresentsThenSendsWaiting(t *testing.T) {
	a, b := newEnd(t, Limits{}), newEnd(t, Limits{})
	link(a, b)
	a.call(1)
	drain(a, b)
	unlink(a, b)
	a.call(2)
	for _, id := range []proto.SessionID{{2}, {3}} { // also if that session ends before the answer arrives
		a.do(a.s.Restart(id))
		b = newEnd(t, Limits{})
		link(a, b)
		drain(a, b)
		unlink(a, b)
	}
	if want := []string{payload(1), payload(2)}; !slices.Equal(b.ran, want) || len(a.settled) != 0 {
		t.Errorf("ran %q, want %q; settled %v", b.ran, want, a.settled)
	}
	first := proto.CallID{Session: proto.SessionID{1}, Number: 1}
	second := proto.CallID{Session: proto.SessionID{2}, Number: 2}
	if !slices.Equal(b.again, []proto.CallID{first, second}) {
		t.Errorf("presented as %v, want %v and %v", b.again, first, second)
	}
	a.do(a.s.End("enough"))
	if a.settled[1].Failed != lmz.CodeUnknown || a.settled[2].Failed != lmz.CodeUnknown {
		t.Errorf("settled %v", a.settled)
	}
}

func TestUrgentCallsOvertakeThoseThatAreHeld(t *testing.T) {
	a, b := newEnd(t, Limits{}), newEnd(t, Limits{})
	a.call(1)
	a.s.Hold()
	link(a, b)
	a.call(2)
	a.do(a.s.Call(3, proto.Frame{Payload: []byte(payload(3))}, true))
	a.do(a.s.Release())
	drain(a, b)
	if want := []string{payload(3), payload(1), payload(2)}; !slices.Equal(b.ran, want) {
		t.Errorf("ran %q, want %q", b.ran, want)
	}
}

func TestUrgentOfflineCallOvertakes(t *testing.T) {
	a, b := newEnd(t, Limits{}), newEnd(t, Limits{})
	a.call(1)
	a.s.Hold()
	a.do(a.s.Call(2, proto.Frame{Payload: []byte(payload(2)), Timeout: time.Minute}, true))
	link(a, b)
	drain(a, b)
	if want := []string{payload(2)}; !slices.Equal(b.ran, want) {
		t.Errorf("ran %q, want %q", b.ran, want)
	}
	a.do(a.s.Release())
	drain(a, b)
	if want := []string{payload(2), payload(1)}; !slices.Equal(b.ran, want) {
		t.Errorf("ran %q, want %q", b.ran, want)
	}
}

func TestACancelledCallIsSettledByWhatIsKnown(t *testing.T) {
	a, b := newEnd(t, Limits{}), newEnd(t, Limits{})
	a.call(1)
	a.do(a.s.Cancel(1, "enough"))
	link(a, b)
	a.call(2)
	drain(a, b)
	a.do(a.s.Cancel(2, "enough"))
	drain(a, b)
	if a.settled[1].Failed != lmz.CodeGateway || a.settled[2].Failed != lmz.CodeUnknown {
		t.Errorf("unsent: %q, sent: %q", a.settled[1].Failed, a.settled[2].Failed)
	}
	if len(b.ran) != 1 || len(b.open) != 0 {
		t.Errorf("the callee ran %q, %d still running", b.ran, len(b.open))
	}
}

func TestTooLargeForFrame(t *testing.T) {
	a, b := newEnd(t, Limits{}), newEnd(t, Limits{})
	link(a, b)
	a.do(a.s.Call(1, proto.Frame{Payload: make([]byte, proto.MaxPayload+1)}, false))
	if a.settled[1].Failed != lmz.CodeGateway || len(a.out) != 0 {
		t.Errorf("large call: %q, %d frames", a.settled[1].Failed, len(a.out))
	}
	a.call(2)
	drain(a, b)
	b.do(b.s.Answer(b.open[0], proto.Answer{Payload: make([]byte, proto.MaxPayload+1)}))
	drain(a, b)
	if a.settled[2].Failed != lmz.CodeCallee || a.broken+b.broken != "" {
		t.Errorf("large answer: %q, broken %q %q", a.settled[2].Failed, a.broken, b.broken)
	}
}

func TestBrokenNumberingEndsListening(t *testing.T) {
	for name, f := range map[string]proto.Frame{
		"a gap":                       {Kind: proto.KindCall, Seq: 2},
		"more acknowledged than sent": {Kind: proto.KindAck, Ack: 1},
	} {
		a := newEnd(t, Limits{})
		a.do(a.s.Resume(0, 0))
		a.do(a.s.Receive(f))
		if a.broken == "" || len(a.ran) != 0 {
			t.Errorf("%s: broken %q, ran %q", name, a.broken, a.ran)
		}
	}
}

func TestTooManyBytesAndStalledSession(t *testing.T) {
	a, b := newEnd(t, Limits{Bytes: 100}), newEnd(t, Limits{})
	link(a, b)
	for key := uint64(1); key <= 50; key++ {
		a.call(key)
	}
	if a.broken != "" || a.settled[50].Failed != lmz.CodeGateway {
		t.Fatalf("broken %q, the last call: %q", a.broken, a.settled[50].Failed)
	}
	drain(a, b)
	c, d := newEnd(t, Limits{}), newEnd(t, Limits{Bytes: 100})
	link(c, d)
	for key := uint64(1); key <= 20; key++ {
		c.call(key)
	}
	drain(c, d)
	for len(d.open) > 0 {
		d.answer(0)
	}
	if d.stalls != 1 || d.broken != "" {
		t.Fatalf("%d stall timers, broken %q", d.stalls, d.broken)
	}
	c.deliver(d)
	c.do(c.s.AckTimeout())
	drain(c, d) // some progress
	for key := uint64(21); key <= 40; key++ {
		c.call(key)
	}
	drain(c, d)
	d.do(d.s.StallTimeout())
	if d.broken != "" {
		t.Errorf("an end that makes progress was given up: %s", d.broken)
	}
	for len(d.open) > 0 {
		d.answer(0)
	}
	d.do(d.s.StallTimeout())
	d.do(d.s.StallTimeout())
	if d.broken == "" {
		t.Error("an end that takes nothing was not given up")
	}
}

func TestSendsWhoseTimeIsOverMakeRoom(t *testing.T) {
	a, b := newEnd(t, Limits{Waiting: 2}), newEnd(t, Limits{})
	now := time.Unix(0, 0)
	a.s.now = func() time.Time { return now }
	for range 2 {
		a.do(a.s.Call(1, proto.Frame{NoReply: true, Timeout: time.Second}, false))
	}
	now = now.Add(time.Minute)
	a.call(2)
	link(a, b)
	drain(a, b)
	if !slices.Equal(b.ran, []string{payload(2)}) {
		t.Errorf("ran %q", b.ran)
	}
}

func TestEndThatNeverRefuses(t *testing.T) {
	a, b := newEnd(t, Limits{Waiting: 3, Bytes: 50, Policy: ForClients()}), newEnd(t, Limits{})
	link(a, b)
	for key := uint64(1); key <= 9; key++ {
		a.call(key) // beyond the byte limit, still sent
	}
	if a.stalls != 1 || len(a.settled) != 0 {
		t.Fatalf("%d stall timers, settled %v", a.stalls, a.settled)
	}
	a.do(a.s.StallTimeout())
	if a.broken == "" {
		t.Error("an end that acknowledges nothing was not given up")
	}
	c := newEnd(t, Limits{Waiting: 3, Policy: ForClients()})
	for key := uint64(1); key <= 4; key++ {
		c.call(key)
	}
	if c.broken == "" || len(c.settled) != 0 {
		t.Errorf("too many waiting calls: broken %q, settled %v", c.broken, c.settled)
	}
	c.do(c.s.End("too much waits"))
	if len(c.settled) != 4 {
		t.Errorf("settled %v", c.settled)
	}
}

package session

import (
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/proto"
)

type call struct {
	key      uint64
	frame    proto.Frame
	deadline time.Time
	urgent   bool // sent even while others are held
}

// size returns how many bytes a call occupies while it waits.
func (c *call) size() int { return len(c.frame.Payload) + len(c.frame.Context) }

// sent reports whether an earlier session sent the call, so it may have run.
func (c *call) sent() bool { return c.frame.Again != proto.CallID{} }

// Call makes a call under a key of the shell's choosing, not 0. It is settled exactly once,
// unless f.NoReply. Urgent calls are sent even while others are held.
func (s *Session) Call(key uint64, f proto.Frame, urgent bool) []Effect {
	if n := len(f.Payload) + len(f.Context); n > proto.MaxPayload {
		s.refuse(key, errtype.TooLarge, "the call has "+strconv.Itoa(n)+" bytes, "+strconv.Itoa(proto.MaxPayload)+" fit in a frame")
		return s.take()
	}
	c := call{key, f, s.now().Add(f.Timeout), urgent}
	switch {
	case s.linked && (urgent || !s.held && len(s.waiting) == 0) && s.room() && (s.limits.Policy != nil || !s.heavy(len(f.Payload))):
		s.push(c)
	case s.limits.Policy != nil:
		s.limits.Policy.park(s, c)
	case s.full(len(f.Payload)):
		s.refuse(key, errtype.QueueFull, strconv.Itoa(len(s.waiting))+" calls with "+
			strconv.Itoa(s.Held()>>10)+" KiB wait for the connection")
	default:
		s.wait(c)
		s.bound()
	}
	return s.take()
}

func (s *Session) wait(c call) {
	s.waiting = append(s.waiting, c)
	s.waitingBytes += c.size()
}

// dropExpired drops the one-way calls whose deadline has passed; other calls are cancelled by
// their callers. A call with less than a millisecond left would have zero on the wire, and
// would not run.
func (s *Session) dropExpired() {
	now := s.now()
	expired := func(c call) bool { return c.frame.NoReply && c.deadline.Sub(now) < time.Millisecond }
	if s.drops() {
		s.limits.Policy.drop(s, expired)
		return
	}
	s.waiting, s.waitingBytes = slices.DeleteFunc(s.waiting, expired), 0
	for i := range s.waiting {
		s.waitingBytes += s.waiting[i].size()
	}
}

// room reports whether another call may be in flight.
func (s *Session) room() bool {
	return (s.limits.Calls == 0 || len(s.calls) < s.limits.Calls) && !s.windowFull()
}

// push numbers a call and writes it.
func (s *Session) push(c call) {
	if c.marker() {
		s.markers--
		s.number(&c.frame)
		return
	}
	c.frame.Kind = proto.KindCall
	c.frame.Timeout = max(c.deadline.Sub(s.now()), 0) // the call may have waited
	number := s.number(&c.frame)
	if c.frame.Again == (proto.CallID{}) {
		s.do(Sent{Key: c.key, Number: number})
	}
	if !c.frame.NoReply {
		if s.limits.Forget { // the frame has all of it
			c.frame = proto.Frame{}
		}
		s.calls[number] = c
	}
}

func (s *Session) settle(key uint64, code lmz.Code, message string) {
	s.do(Settle{Key: key, Answer: proto.Failure(code, "", message)})
}

// refuse settles a call that exceeds a limit.
func (s *Session) refuse(key uint64, name, message string) {
	s.do(Settle{Key: key, Answer: proto.Failure(lmz.CodeGateway, name, message)})
}

// Cancel abandons a call and settles it with why and what is known: not executed if it was
// never sent, otherwise outcome unknown.
func (s *Session) Cancel(key uint64, why string) []Effect {
	for i, c := range s.waiting {
		if c.key == key {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			s.waitingBytes -= c.size()
			if c.sent() {
				s.settle(key, lmz.CodeUnknown, why+" before the call could be presented again; it may have run")
			} else {
				s.settle(key, lmz.CodeGateway, why+" before it was sent")
			}
			return s.take()
		}
	}
	for number, c := range s.calls {
		if c.key == key {
			delete(s.calls, number)
			s.number(&proto.Frame{Kind: proto.KindCancel, Call: number})
			s.settle(key, lmz.CodeUnknown, why+" before the answer came; it may have run")
			break
		}
	}
	s.flush()
	return s.take()
}

// Answer answers the incoming call with this number. A second answer is ignored.
func (s *Session) Answer(number uint64, a proto.Answer) []Effect {
	if _, ok := s.running[number]; !ok {
		return nil
	}
	s.ran(number)
	if n := len(a.Payload); n > proto.MaxPayload {
		a = proto.Failure(lmz.CodeCallee, errtype.TooLarge,
			"the answer has "+strconv.Itoa(n)+" bytes, "+strconv.Itoa(proto.MaxPayload)+" fit in a frame")
	}
	s.number(&proto.Frame{Kind: proto.KindAnswer, Call: number, Failed: a.Failed, Payload: a.Payload})
	return s.take()
}

// run starts an incoming call, or refuses it if there are too many.
func (s *Session) run(f proto.Frame) {
	if f.NoReply {
		s.do(Run{Number: f.Seq, Frame: f})
		return
	}
	s.running[f.Seq] = len(f.Payload)
	s.runningBytes += len(f.Payload)
	if s.limits.Policy != nil && s.limits.Policy.refuse(s, f.Seq) {
		return
	}
	s.do(Run{Number: f.Seq, Frame: f})
}

// ran forgets an incoming call that has ended.
func (s *Session) ran(number uint64) {
	s.runningBytes -= s.running[number]
	delete(s.running, number)
}

// Hold makes new calls wait, except urgent ones, until Release.
func (s *Session) Hold() { s.held = true }

// Release sends the calls that Hold made wait.
func (s *Session) Release() []Effect {
	s.held = false
	s.flush()
	return s.take()
}

// flush sends waiting calls, in order, while limits allow.
func (s *Session) flush() {
	s.dropExpired()
	kept := s.waiting[:0]
	for _, c := range s.waiting {
		if s.linked && (c.urgent || !s.held) && s.room() {
			s.waitingBytes -= c.size()
			s.push(c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(s.waiting[len(kept):]) // frees the sent calls
	s.waiting = kept
}

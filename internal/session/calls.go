package session

import (
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

type call struct {
	key      uint64
	frame    proto.Frame
	deadline time.Time
	urgent   bool // goes out although others are held
}

// sent reports whether an earlier session has sent the call: it may have run.
func (c *call) sent() bool { return c.frame.Again != proto.CallID{} }

// Call makes a call with a key of the shell's choosing, not 0. It is settled
// exactly once, unless f.NoReply. Urgent calls go out although others are held.
func (s *Session) Call(key uint64, f proto.Frame, urgent bool) []Effect {
	if n := len(f.Payload) + len(f.Context); n > proto.MaxPayload {
		s.refuse(key, lmz.TooLarge, "the call has "+strconv.Itoa(n)+" bytes, "+strconv.Itoa(proto.MaxPayload)+" fit in a frame")
		return s.take()
	}
	c := call{key, f, s.now().Add(f.Timeout), urgent}
	switch {
	case s.linked && (urgent || !s.held && len(s.waiting) == 0) && s.room() && (s.limits.NeverRefuse || !s.heavy(len(f.Payload))):
		s.push(c)
	case s.limits.NeverRefuse && s.limits.Waiting > 0 && len(s.waiting) >= s.limits.Waiting:
		s.waiting = append(s.waiting, c) // the end settles it
		s.do(Effect{Do: Overflow, Reason: strconv.Itoa(len(s.waiting)) + " calls wait for the other end"})
	case !s.limits.NeverRefuse && s.full(len(f.Payload)):
		s.refuse(key, lmz.QueueFull, strconv.Itoa(len(s.waiting))+" calls with "+
			strconv.Itoa(s.outboxBytes>>10)+" KiB wait for the connection")
	default:
		s.waiting = append(s.waiting, c)
		s.bound(len(f.Payload))
	}
	return s.take()
}

// dropExpired forgets the sends whose time is over; calls are given up by who made them.
func (s *Session) dropExpired() {
	now := s.now()
	s.waiting = slices.DeleteFunc(s.waiting, func(c call) bool {
		expired := c.frame.NoReply && now.After(c.deadline)
		if expired {
			s.outboxBytes -= len(c.frame.Payload)
		}
		return expired
	})
}

// room reports whether another call may be in flight.
func (s *Session) room() bool { return s.limits.Calls == 0 || len(s.calls) < s.limits.Calls }

// push numbers a call and writes it.
func (s *Session) push(c call) {
	c.frame.Kind = proto.KindCall
	c.frame.Timeout = max(c.deadline.Sub(s.now()), 0) // it may have waited
	number := s.number(&c.frame)
	if c.frame.Again == (proto.CallID{}) {
		s.do(Effect{Do: Sent, Key: c.key, Number: number})
	}
	if !c.frame.NoReply {
		s.calls[number] = c
	}
}

func (s *Session) settle(key uint64, code lmz.Code, message string) {
	s.do(Effect{Do: Settle, Key: key, Answer: proto.Failure(code, "", message)})
}

// refuse settles a call that met a bound.
func (s *Session) refuse(key uint64, name, message string) {
	s.do(Effect{Do: Settle, Key: key, Answer: proto.Failure(lmz.CodeGateway, name, message)})
}

// Cancel gives a call up and settles it with why and with what is known: not
// executed if no link has seen it, outcome unknown otherwise.
func (s *Session) Cancel(key uint64, why string) []Effect {
	for i, c := range s.waiting {
		if c.key == key {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			s.outboxBytes -= len(c.frame.Payload)
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
	delete(s.running, number)
	if n := len(a.Payload); n > proto.MaxPayload {
		a = proto.Failure(lmz.CodeCallee, lmz.TooLarge,
			"the answer has "+strconv.Itoa(n)+" bytes, "+strconv.Itoa(proto.MaxPayload)+" fit in a frame")
	}
	s.number(&proto.Frame{Kind: proto.KindAnswer, Call: number, Failed: a.Failed, Payload: a.Payload})
	return s.take()
}

// run has an incoming call run, or answers that there are too many.
func (s *Session) run(f proto.Frame) {
	if !f.NoReply {
		s.running[f.Seq] = struct{}{}
	}
	if s.limits.Running > 0 && len(s.running) > s.limits.Running {
		delete(s.running, f.Seq)
		refusal := proto.Failure(lmz.CodeGateway, lmz.Busy, strconv.Itoa(s.limits.Running)+" calls are under way in this session")
		s.do(Effect{Do: Refused})
		s.number(&proto.Frame{Kind: proto.KindAnswer, Call: f.Seq, Failed: refusal.Failed, Payload: refusal.Payload})
		return
	}
	s.do(Effect{Do: Run, Number: f.Seq, Frame: f})
}

// Hold makes new calls wait, but for urgent ones, until Release.
func (s *Session) Hold() { s.held = true }

// Release lets out what Hold made wait.
func (s *Session) Release() []Effect {
	s.held = false
	s.flush()
	return s.take()
}

// flush sends what waits, in order, as far as it may go.
func (s *Session) flush() {
	s.dropExpired()
	kept := s.waiting[:0]
	for _, c := range s.waiting {
		if s.linked && (c.urgent || !s.held) && s.room() {
			s.outboxBytes -= len(c.frame.Payload)
			s.push(c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(s.waiting[len(kept):]) // frees what was sent
	s.waiting = kept
}

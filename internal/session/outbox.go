package session

import (
	"slices"
	"strconv"

	"github.com/lumenize/lmz/internal/proto"
)

type numbered struct {
	number   uint64
	bytes    []byte
	answered uint64 // number of the call that it answers; 0 if none
}

// heavy reports whether n more bytes would exceed the limit. A single call never does.
func (s *Session) heavy(n int) bool {
	return s.limits.Bytes > 0 && s.Held() > 0 && s.Held()+n > s.limits.Bytes
}

// full reports whether there is no room for a waiting call with n bytes. It drops expired
// one-way calls to make room.
func (s *Session) full(n int) bool {
	if s.limits.Waiting > 0 && len(s.waiting) >= s.limits.Waiting || s.heavy(n) {
		s.dropExpired()
	}
	return s.limits.Waiting > 0 && len(s.waiting) >= s.limits.Waiting || s.heavy(n)
}

// number gives f the next number, keeps it until it is acknowledged, and sends it if there is
// a link.
func (s *Session) number(f *proto.Frame) uint64 {
	s.sent++
	f.Seq, f.Ack = s.sent, s.received
	b := f.Append(make([]byte, 0, len(f.Payload)+len(f.Context)+len(f.To.Binding)+len(f.To.Instance)+64))
	n := numbered{number: f.Seq, bytes: b}
	if f.Kind == proto.KindAnswer {
		n.answered = f.Call
	}
	s.outbox = append(s.outbox, n)
	s.outboxBytes += len(b)
	s.bound()
	if s.linked {
		s.ackSent, s.unacked = s.received, 0
		s.do(Write{b})
	}
	return f.Seq
}

// bound is called when more is kept. It ends a session whose other end does not keep up.
func (s *Session) bound() {
	switch {
	case !s.over(1):
	case s.over(hardFactor):
		s.overflow()
	case !s.stalling:
		s.stalling, s.progress = true, s.ackedUpTo()
		s.do(StallLater{})
	}
}

// over reports whether more is kept than factor times the limits. Waiting calls that can be
// dropped have their own limit.
func (s *Session) over(factor int) bool {
	kept := s.outboxBytes
	if !s.drops() {
		kept = s.Held()
	}
	return s.limits.Frames > 0 && len(s.outbox) > factor*s.limits.Frames ||
		s.limits.Bytes > 0 && kept > factor*s.limits.Bytes
}

func (s *Session) overflow() {
	s.do(Overflow{Reason: strconv.Itoa(len(s.outbox)+len(s.waiting)) + " frames with " +
		strconv.Itoa(s.Held()>>10) + " KiB wait for the other end"})
}

// ackedUpTo returns the number of the last frame of ours that the other end has.
func (s *Session) ackedUpTo() uint64 { return s.sent - uint64(len(s.outbox)) }

// StallTimeout is the event that [StallLater] schedules.
func (s *Session) StallTimeout() []Effect {
	if !s.stalling { // it was set in a session that has ended
		return nil
	}
	s.stalling = false
	switch {
	case !s.over(1):
	case s.ackedUpTo() == s.progress:
		s.overflow()
	default:
		s.bound()
	}
	return s.take()
}

// acknowledged drops the frames that the other end has. It breaks the link if the other end
// acknowledges more than was sent.
func (s *Session) acknowledged(ack uint64) bool {
	if ack > s.sent {
		s.do(Break{Reason: "acknowledged " + strconv.FormatUint(ack, 10) +
			" of " + strconv.FormatUint(s.sent, 10)})
		return false
	}
	n := 0
	for n < len(s.outbox) && s.outbox[n].number <= ack {
		s.outboxBytes -= len(s.outbox[n].bytes)
		if answered := s.outbox[n].answered; answered != 0 {
			s.do(Acknowledged{Number: answered})
		}
		n++
	}
	if n > 0 {
		s.outbox = slices.Delete(s.outbox, 0, n) // also frees their bytes
	}
	return true
}

// acknowledge tells the other end what was received: at once after ackEvery frames or
// ackBytes, otherwise soon, unless a frame of ours carries it before.
func (s *Session) acknowledge() {
	switch {
	case s.received-s.ackSent >= ackEvery, s.unacked >= ackBytes && s.received != s.ackSent:
		s.writeAck()
	case s.received != s.ackSent && !s.ackTimer:
		s.ackTimer = true
		s.do(AckLater{})
	}
}

func (s *Session) writeAck() {
	s.ackSent, s.unacked = s.received, 0
	s.do(Write{(&proto.Frame{Kind: proto.KindAck, Ack: s.received}).Append(nil)})
}

// AckTimeout is the event that [AckLater] schedules.
func (s *Session) AckTimeout() []Effect {
	s.ackTimer = false
	if s.linked && s.received != s.ackSent {
		s.writeAck()
	}
	return s.take()
}

// Package session is the two state machines of a client's connection, without
// sockets, timers or goroutines: a [Session], the calls that survive the links they
// run over, and a [Life], when to dial and when to give up. A [Seat] is the
// gateway's view of a client's address. State and event in, state and effects out:
// the shells in packages client and gateway do what the effects say, in order.
package session

import (
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// Do is what an [Effect] asks for.
type Do int

// The effects of a session.
const (
	Write        Do = iota + 1 // hand Bytes to the link
	Settle                     // the call Key has this Answer
	Run                        // run the call in Frame, whose number is Number, and report with Answer
	Stop                       // nobody waits for the incoming call Number any more
	AckLater                   // call AckTimeout after AckDelay
	StallLater                 // call StallTimeout after StallTimeout
	Break                      // the other side broke the protocol, Reason says how: end the link
	Overflow                   // more is waiting than Limits allow: end the session
	Acknowledged               // the other side has the answer to its call Number
	Refused                    // a call of the other side was answered as busy: Limits.Running are under way
	Sent                       // the call Key has got its Number, for ever
)

// Effect is one thing for a shell to do.
type Effect struct {
	Do     Do
	Bytes  []byte
	Key    uint64
	Number uint64
	Answer proto.Answer
	Frame  proto.Frame
	Reason string
}

// Limits of one end of a session. Zero means no limit.
type Limits struct {
	Calls   int // calls in flight; more wait
	Running int // incoming calls without answer; more are refused with [lmz.ErrBusy]
	Waiting int // calls that wait; more are refused with [lmz.ErrQueueFull]

	// Frames and Bytes are of what is not acknowledged, and Bytes also of what waits.
	// Beyond them, if nothing is acknowledged for [StallTimeout], the session ends; it
	// ends at once at sixteen times that. Beyond Bytes calls are refused.
	Frames, Bytes int

	// NeverRefuse says that calls are not refused beyond Waiting and Bytes: the session
	// ends instead, so that the other end learns that it missed something.
	NeverRefuse bool

	// Forget says that Restart is never called, so that a call need not be kept when
	// the other end has it.
	Forget bool
}

// StallTimeout is how long the other end may take to acknowledge something while too
// much waits for it.
const StallTimeout = 5 * time.Second

// hardFactor is how many times Limits.Frames and Limits.Bytes are too much for any
// other end.
const hardFactor = 16

// After so many frames, or bytes, an acknowledgement goes out by itself. Most ride on
// other frames.
const (
	ackEvery = 32
	ackBytes = 64 << 10
)

// Session is one end of a session: numbered frames in both directions, kept until
// the other end has them. Both ends use it. It is not safe for concurrent use.
type Session struct {
	ID     proto.SessionID
	limits Limits
	now    func() time.Time

	linked   bool
	held     bool   // new calls wait, but for urgent ones
	sent     uint64 // number of the last frame made
	received uint64 // number of the last frame received
	ackSent  uint64 // what the other side knows of received
	unacked  int    // bytes that came since
	ackTimer bool

	progress uint64 // what of ours was acknowledged when the stall timer was set
	stalling bool   // it is set

	outbox      []numbered // made, not acknowledged, ascending
	outboxBytes int
	waiting     []call              // not numbered: no link has seen them, or not in this session
	calls       map[uint64]call     // ours in flight by number
	running     map[uint64]struct{} // theirs that are not answered

	effects []Effect
}

type numbered struct {
	number   uint64
	bytes    []byte
	answered uint64 // the call that it answers; 0 if it is no answer
}

type call struct {
	key      uint64
	frame    proto.Frame
	deadline time.Time
	urgent   bool // goes out although others are held
}

// New makes one end of a session that has no link yet. now tells the time.
func New(id proto.SessionID, limits Limits, now func() time.Time) *Session {
	return &Session{
		ID: id, limits: limits, now: now,
		calls: make(map[uint64]call), running: make(map[uint64]struct{}),
	}
}

// Received returns the number of the last frame received, for the greeting of the
// next link.
func (s *Session) Received() uint64 { return s.received }

// take returns the effects of one event, and keeps none: a session at rest must not
// hold on to the frames that were the last to travel.
func (s *Session) take() []Effect {
	effects := s.effects
	s.effects = nil
	return effects
}

func (s *Session) do(e Effect) { s.effects = append(s.effects, e) }

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

// heavy reports whether n more bytes are more than may wait. A single call always may.
func (s *Session) heavy(n int) bool {
	return s.limits.Bytes > 0 && s.outboxBytes > 0 && s.outboxBytes+n > s.limits.Bytes
}

// full reports whether a call with n bytes cannot wait. Sends that nobody waits for and
// whose time is over make room.
func (s *Session) full(n int) bool {
	if s.limits.Waiting > 0 && len(s.waiting) >= s.limits.Waiting || s.heavy(n) {
		s.dropExpired()
	}
	return s.limits.Waiting > 0 && len(s.waiting) >= s.limits.Waiting || s.heavy(n)
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

// number gives f the next number, keeps it until it is acknowledged and writes it
// if there is a link.
func (s *Session) number(f *proto.Frame) uint64 {
	s.sent++
	f.Seq, f.Ack = s.sent, s.received
	b := f.Append(make([]byte, 0, len(f.Payload)+len(f.Context)+len(f.To.Binding)+len(f.To.Instance)+64))
	n := numbered{number: f.Seq, bytes: b}
	if f.Kind == proto.KindAnswer {
		n.answered = f.Call
	}
	s.outbox = append(s.outbox, n)
	s.bound(len(b))
	if s.linked {
		s.ackSent, s.unacked = s.received, 0
		s.do(Effect{Do: Write, Bytes: b})
	}
	return f.Seq
}

// bound counts n more bytes that are kept. A session whose other end does not take
// them ends.
func (s *Session) bound(n int) {
	s.outboxBytes += n
	switch {
	case !s.over(1):
	case s.over(hardFactor):
		s.overflow()
	case !s.stalling:
		s.stalling, s.progress = true, s.ackedUpTo()
		s.do(Effect{Do: StallLater})
	}
}

// over reports whether more is kept than factor times the limits.
func (s *Session) over(factor int) bool {
	return s.limits.Frames > 0 && len(s.outbox) > factor*s.limits.Frames ||
		s.limits.Bytes > 0 && s.outboxBytes > factor*s.limits.Bytes
}

func (s *Session) overflow() {
	s.do(Effect{Do: Overflow, Reason: strconv.Itoa(len(s.outbox)) + " frames with " +
		strconv.Itoa(s.outboxBytes>>10) + " KiB wait for the other end"})
}

// ackedUpTo returns the number of the last frame of ours that the other end has.
func (s *Session) ackedUpTo() uint64 { return s.sent - uint64(len(s.outbox)) }

// StallTimeout is the event that [StallLater] asked for.
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
		s.bound(0)
	}
	return s.take()
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

// Receive takes a numbered frame or an acknowledgement from the current link.
func (s *Session) Receive(f proto.Frame) []Effect {
	if !s.acknowledged(f.Ack) || !f.Kind.Numbered() {
		return s.take()
	}
	switch {
	case f.Seq <= s.received: // repeated after a resume: we have it
		return s.take()
	case f.Seq != s.received+1:
		s.do(Effect{Do: Break, Reason: "frame " + strconv.FormatUint(f.Seq, 10) +
			" after " + strconv.FormatUint(s.received, 10)})
		return s.take()
	}
	s.received = f.Seq
	s.unacked += len(f.Payload)
	switch f.Kind {
	case proto.KindCall:
		s.run(f)
	case proto.KindAnswer:
		if c, ok := s.calls[f.Call]; ok {
			delete(s.calls, f.Call)
			s.do(Effect{Do: Settle, Key: c.key, Answer: proto.Answer{Failed: f.Failed, Payload: f.Payload}})
			s.flush()
		}
	case proto.KindCancel:
		if _, ok := s.running[f.Call]; ok {
			s.do(Effect{Do: Stop, Number: f.Call})
		}
	}
	s.acknowledge()
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

// acknowledged drops what the other side has. It breaks with a side that has more
// than was sent.
func (s *Session) acknowledged(ack uint64) bool {
	if ack > s.sent {
		s.do(Effect{Do: Break, Reason: "acknowledged " + strconv.FormatUint(ack, 10) +
			" of " + strconv.FormatUint(s.sent, 10)})
		return false
	}
	n := 0
	for n < len(s.outbox) && s.outbox[n].number <= ack {
		s.outboxBytes -= len(s.outbox[n].bytes)
		if c, ok := s.calls[s.outbox[n].number]; ok && s.limits.Forget {
			c.frame = proto.Frame{}
			s.calls[s.outbox[n].number] = c
		}
		if answered := s.outbox[n].answered; answered != 0 {
			s.do(Effect{Do: Acknowledged, Number: answered})
		}
		n++
	}
	if n > 0 {
		s.outbox = slices.Delete(s.outbox, 0, n) // which also lets go of their bytes
	}
	return true
}

// acknowledge sees to it that the other side learns what was received: now and
// then at once, otherwise soon, unless a frame of ours carries it before.
func (s *Session) acknowledge() {
	switch {
	case s.received-s.ackSent >= ackEvery, s.unacked >= ackBytes && s.received != s.ackSent:
		s.writeAck()
	case s.received != s.ackSent && !s.ackTimer:
		s.ackTimer = true
		s.do(Effect{Do: AckLater})
	}
}

func (s *Session) writeAck() {
	s.ackSent, s.unacked = s.received, 0
	s.do(Effect{Do: Write, Bytes: (&proto.Frame{Kind: proto.KindAck, Ack: s.received}).Append(nil)})
}

// AckTimeout is the event that [AckLater] asked for.
func (s *Session) AckTimeout() []Effect {
	s.ackTimer = false
	if s.linked && s.received != s.ackSent {
		s.writeAck()
	}
	return s.take()
}

// Resume puts the session on a new link, whose other end has received our frames
// up to peerReceived: the rest is repeated, then what waited goes out.
func (s *Session) Resume(peerReceived uint64) []Effect {
	s.linked = true
	s.ackSent, s.unacked = s.received, 0 // the greeting told it
	if !s.acknowledged(peerReceived) {
		return s.take()
	}
	for _, n := range s.outbox {
		s.do(Effect{Do: Write, Bytes: n.bytes})
	}
	s.flush()
	return s.take()
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

// Unlink says that the link is gone. The session goes on.
func (s *Session) Unlink() { s.linked = false }

// sent reports whether an earlier session has sent the call: it may have run.
func (c *call) sent() bool { return c.frame.Again != proto.CallID{} }

// Restart ends the session and begins the one called id in its place. Calls that
// no link has seen go over to it, and before them those in flight, to be presented
// again under the number that they had first. Incoming ones are stopped.
func (s *Session) Restart(id proto.SessionID) []Effect {
	var waiting []call
	for _, number := range sortedKeys(s.calls) {
		c := s.calls[number]
		if !c.sent() {
			c.frame.Again = proto.CallID{Session: s.ID, Number: number}
		}
		waiting = append(waiting, c)
	}
	waiting = append(waiting, s.waiting...)
	s.stopRunning()
	effects, held := s.effects, s.held
	*s = *New(id, s.limits, s.now)
	s.waiting, s.effects, s.held = waiting, effects, held
	for _, c := range waiting {
		s.outboxBytes += len(c.frame.Payload)
	}
	return s.take()
}

// End ends the session for good: calls in flight are settled as unknown, those
// that wait as not executed, and incoming ones are stopped.
func (s *Session) End(why string) []Effect {
	s.linked = false
	for _, number := range sortedKeys(s.calls) {
		s.settle(s.calls[number].key, lmz.CodeUnknown, why+"; the call was sent and may have run")
	}
	for _, c := range s.waiting {
		if c.sent() {
			s.settle(c.key, lmz.CodeUnknown, why+"; the call was sent and may have run")
		} else {
			s.settle(c.key, lmz.CodeGateway, why+" before the call was sent")
		}
	}
	clear(s.calls)
	s.stopRunning()
	s.waiting, s.outbox, s.outboxBytes = nil, nil, 0
	return s.take()
}

// stopRunning gives up the incoming calls.
func (s *Session) stopRunning() {
	for _, number := range sortedKeys(s.running) {
		s.do(Effect{Do: Stop, Number: number})
	}
	clear(s.running)
}

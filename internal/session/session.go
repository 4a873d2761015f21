// Package session has the two state machines of a client's connection, without sockets,
// timers or goroutines: a [Session] holds the calls that survive the links they run over, and
// a [Life] decides when to dial and when to stop. A [Seat] is the gateway's view of a
// client's address. Each takes an event and returns effects: the shells in packages client
// and gateway carry them out, in order.
package session

import (
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// Limits are the limits of one end of a session. Zero means no limit.
type Limits struct {
	Calls   int // calls in flight; more wait
	Running int // incoming calls in progress; more are refused with [lmz.ErrBusy]
	Waiting int // calls that wait; more are refused with [lmz.ErrQueueFull]

	// RunningBytes is how many bytes incoming calls in progress may have, unless there is only
	// one; more are refused with [lmz.ErrBusy].
	RunningBytes int

	// Frames and Bytes limit what is not acknowledged, and Bytes also what waits. Beyond them
	// the session ends if nothing is acknowledged for [StallTimeout], and at sixteen times that
	// it ends at once. Beyond Bytes calls are refused, and beyond four times that incoming
	// calls too, because their answers would only wait.
	Frames, Bytes int

	// Policy says what happens beyond the limits. Nil is a client's: calls beyond Waiting and
	// Bytes are refused, and incoming calls are not limited.
	Policy Policy

	// Forget promises that Restart is never called, so that a call need not be kept in addition
	// to its frame, which is freed when the other end has it.
	Forget bool
}

// StallTimeout is how long the other end may acknowledge nothing while too much waits for it.
const StallTimeout = 5 * time.Second

// hardFactor is the multiple of Limits.Frames and Limits.Bytes at which a session ends at
// once.
const hardFactor = 16

// answersFactor is the multiple of Limits.Bytes that may wait before incoming calls are
// refused, because their answers would only wait, too.
const answersFactor = 4

// After so many frames or bytes an acknowledgement is sent in a frame of its own. Most are
// piggybacked on other frames.
const (
	ackEvery = 32
	ackBytes = 64 << 10
)

// Session is one end of a session: numbered frames in both directions, kept until the other
// end has them. Both ends use it. It is not safe for concurrent use.
type Session struct {
	ID     proto.SessionID
	limits Limits
	now    func() time.Time

	linked   bool
	peer     proto.Features // what the other end understands
	held     bool           // new calls wait, except urgent ones
	sent     uint64         // number of the last frame made
	received uint64         // number of the last frame received
	ackSent  uint64         // the last value of received that was acknowledged
	unacked  int            // bytes received since
	ackTimer bool

	progress uint64 // the last frame acknowledged when the stall timer was set
	stalling bool   // the stall timer is set

	outbox       []numbered // not acknowledged, ascending
	outboxBytes  int
	waiting      []call // without numbers: not sent, or not in this session
	waitingBytes int
	markers      int             // entries of waiting that report dropped calls
	calls        map[uint64]call // ours in flight by number
	running      map[uint64]int  // bytes of incoming calls in progress, by number
	runningBytes int

	effects []Effect
}

// New returns one end of a session that has no link yet. now returns the time.
func New(id proto.SessionID, limits Limits, now func() time.Time) *Session {
	return &Session{
		ID: id, limits: limits, now: now,
		calls: make(map[uint64]call), running: make(map[uint64]int),
	}
}

// Received returns the number of the last frame received, for the greeting of the
// next link.
func (s *Session) Received() uint64 { return s.received }

// Held returns how many bytes wait for the other end: frames that it has not
// acknowledged, and calls that have no number yet.
func (s *Session) Held() int { return s.outboxBytes + s.waitingBytes }

// Requests returns how many bytes the other end's calls in progress have.
func (s *Session) Requests() int { return s.runningBytes }

// take returns the effects of one event.
func (s *Session) take() []Effect {
	effects := s.effects
	s.effects = nil
	return effects
}

// maxRecycled is the capacity of the largest slice that Recycle keeps.
const maxRecycled = 8

// Recycle takes back the effects of an event after they were carried out, so that the next
// event need not allocate a slice. It clears them: an idle session must not keep the last
// frames alive. The caller must not use the slice afterwards.
func (s *Session) Recycle(effects []Effect) {
	clear(effects)
	if s.effects == nil && cap(effects) <= maxRecycled {
		s.effects = effects[:0]
	}
}

// do is not inlined: see Life.do.
//
//go:noinline
func (s *Session) do(e Effect) { s.effects = append(s.effects, e) }

// Receive handles a numbered frame or an acknowledgement from the current link.
func (s *Session) Receive(f proto.Frame) []Effect {
	if !s.acknowledged(f.Ack) {
		return s.take()
	}
	if s.drops() && len(s.waiting) > 0 {
		s.flush()
	}
	if !f.Kind.Numbered() {
		return s.take()
	}
	switch {
	case f.Seq <= s.received: // a duplicate after a resume
		return s.take()
	case f.Seq != s.received+1:
		s.do(Break{Reason: "frame " + strconv.FormatUint(f.Seq, 10) +
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
			s.do(Settle{Key: c.key, Answer: proto.Answer{Failed: f.Failed, Payload: f.Payload}})
			s.flush()
		}
	case proto.KindMissed:
		s.do(Missed{Frame: f})
	case proto.KindCancel:
		if _, ok := s.running[f.Call]; ok {
			s.do(Stop{Number: f.Call})
		}
	}
	s.acknowledge()
	return s.take()
}

// Resume continues the session on a new link, whose other end has received our frames up to
// peerReceived and understands the features in peer: it resends the rest, then sends what
// waited.
func (s *Session) Resume(peerReceived uint64, peer proto.Features) []Effect {
	s.linked, s.peer = true, peer
	s.ackSent, s.unacked = s.received, 0 // the greeting acknowledged them
	if !s.acknowledged(peerReceived) {
		return s.take()
	}
	for _, n := range s.outbox {
		s.do(Write{n.bytes})
	}
	if s.markers > 0 && !s.drops() {
		s.overflow() // the other end would not understand the markers
		return s.take()
	}
	s.flush()
	return s.take()
}

// Unlink reports that the link is gone. The session continues.
func (s *Session) Unlink() { s.linked = false }

// Restart ends the session and begins the one called id in its place. Unsent calls carry over
// to it, preceded by those in flight, which are presented again under their first number.
// Incoming calls are stopped.
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
	for i := range waiting {
		s.waitingBytes += waiting[i].size()
	}
	return s.take()
}

// End ends the session for good: calls in flight are settled as unknown, waiting calls as not
// executed, and incoming ones are stopped.
func (s *Session) End(why string) []Effect {
	s.linked = false
	for _, number := range sortedKeys(s.calls) {
		s.settle(s.calls[number].key, lmz.CodeUnknown, why+"; the call was sent and may have run")
	}
	for _, c := range s.waiting {
		if c.marker() {
			continue
		}
		if c.sent() {
			s.settle(c.key, lmz.CodeUnknown, why+"; the call was sent and may have run")
		} else {
			s.settle(c.key, lmz.CodeGateway, why+" before the call was sent")
		}
	}
	clear(s.calls)
	s.stopRunning()
	s.waiting, s.outbox, s.outboxBytes, s.waitingBytes, s.markers = nil, nil, 0, 0, 0
	return s.take()
}

// stopRunning stops the incoming calls.
func (s *Session) stopRunning() {
	for _, number := range sortedKeys(s.running) {
		s.do(Stop{Number: number})
	}
	clear(s.running)
	s.runningBytes = 0
}

package session

import (
	"slices"
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/proto"
)

// Policy is how one end treats another that reads too slowly or calls too much. It is an
// interface so that a browser need not load the gateway's policy.
type Policy interface {
	park(s *Session, c call)                   // queues a call
	drop(s *Session, doomed func(c call) bool) // drops waiting one-way calls, and reports them
	refuse(s *Session, number uint64) bool     // reports whether it refused an incoming call
}

// ForClients returns a gateway's policy. It does not refuse calls to a client that reads too
// slowly, because their callers may not wait for an answer: instead the client learns that it
// missed something. If the client understands [proto.FeatureMissed], calls get numbers only
// as it acknowledges, so the backlog is unnumbered and calls can be dropped from it: the
// one-way calls of the caller with the largest backlog. A frame in their place says how many.
// The session and the calls of others continue. The session of any other client ends.
func ForClients() Policy { return forClients{} }

type forClients struct{}

// The fractions of Limits.Frames and Limits.Bytes that may be numbered and not acknowledged
// before further calls wait. They must cover the round trip of an acknowledgement; on a slow
// line, answers wait behind them.
const (
	windowFrames = 4
	windowBytes  = 32
)

// drops reports whether one-way calls may be dropped.
func (s *Session) drops() bool { return s.limits.Policy != nil && s.peer.Has(proto.FeatureMissed) }

// windowFull reports whether calls must wait until the other end has acknowledged more. A
// single frame may always be sent.
func (s *Session) windowFull() bool {
	return s.drops() && len(s.outbox) > 0 &&
		(s.limits.Bytes > 0 && s.outboxBytes >= s.limits.Bytes/windowBytes ||
			s.limits.Frames > 0 && len(s.outbox) >= s.limits.Frames/windowFrames)
}

// marker reports whether c is not a call but reports dropped calls.
func (c *call) marker() bool { return c.frame.Kind == proto.KindMissed }

// droppable reports whether c is a one-way call that was never sent.
func (c *call) droppable() bool { return c.frame.NoReply && !c.sent() && !c.marker() }

func (p forClients) park(s *Session, c call) {
	s.wait(c)
	if !s.drops() {
		if s.limits.Waiting > 0 && len(s.waiting) > s.limits.Waiting {
			s.do(Overflow{Reason: strconv.Itoa(len(s.waiting)) + " calls wait for the other end"})
		} else {
			s.bound()
		}
		return
	}
	p.thin(s, &c)
	if s.limits.Waiting > 0 && s.markers > s.limits.Waiting {
		s.overflow()
	}
}

// thin drops calls until the limits hold. It refuses the last call if there is nothing to
// drop.
func (p forClients) thin(s *Session, last *call) {
	if s.crowded() {
		s.dropExpired()
	}
	for s.crowded() {
		heaviest, found := s.heaviest()
		if !found {
			s.waiting = s.waiting[:len(s.waiting)-1]
			s.waitingBytes -= last.size()
			s.refuse(last.key, errtype.Busy, strconv.Itoa(len(s.waiting))+" calls with "+
				strconv.Itoa(s.waitingBytes>>10)+" KiB wait for the other end")
			return
		}
		p.drop(s, func(c call) bool { return c.frame.From == heaviest })
	}
}

// crowded reports whether the waiting calls exceed the limits. A single call never does.
func (s *Session) crowded() bool {
	n := len(s.waiting) - s.markers
	return s.limits.Waiting > 0 && n > s.limits.Waiting || s.limits.Bytes > 0 && n > 1 && s.waitingBytes > s.limits.Bytes
}

// callCost is the weight of a call besides its bytes when the heaviest caller is determined.
const callCost = 256

// heaviest returns the caller with the most to drop, the first among equals.
func (s *Session) heaviest() (caller lmz.Address, found bool) {
	weights := make(map[lmz.Address]int)
	for i := range s.waiting {
		if c := &s.waiting[i]; c.droppable() {
			weights[c.frame.From] += c.size() + callCost
		}
	}
	most := 0
	for i := range s.waiting {
		if from := s.waiting[i].frame.From; weights[from] > most {
			caller, found, most = from, true, weights[from]
		}
	}
	return caller, found
}

// drop leaves one marker for each caller, in place of its first dropped call.
func (forClients) drop(s *Session, doomed func(call) bool) {
	if !slices.ContainsFunc(s.waiting, func(c call) bool { return c.droppable() && doomed(c) }) {
		return
	}
	at := make(map[lmz.Address]int)
	dropped := make(map[lmz.Address]uint64)
	var callers []lmz.Address // of dropped, in order
	kept := s.waiting[:0]
	for _, c := range s.waiting {
		from := c.frame.From
		if c.marker() {
			at[from] = len(kept)
		}
		if !c.droppable() || !doomed(c) {
			kept = append(kept, c)
			continue
		}
		s.waitingBytes -= c.size()
		i, marked := at[from]
		if !marked {
			i = len(kept)
			at[from] = i
			s.markers++
			kept = append(kept, call{frame: proto.Frame{Kind: proto.KindMissed, From: from}})
		}
		kept[i].frame.Count++
		if dropped[from]++; dropped[from] == 1 {
			callers = append(callers, from)
		}
	}
	clear(s.waiting[len(kept):])
	s.waiting = kept
	for _, from := range callers {
		s.do(Dropped{From: from, Count: dropped[from]})
	}
}

// refuse answers an incoming call as busy if too much is in progress. s.running already
// includes it.
func (forClients) refuse(s *Session, number uint64) bool {
	l, why := &s.limits, ""
	switch {
	case l.Running > 0 && len(s.running) > l.Running:
		why = strconv.Itoa(l.Running) + " calls are under way in this session"
	case l.RunningBytes > 0 && len(s.running) > 1 && s.runningBytes > l.RunningBytes:
		why = "calls with " + strconv.Itoa(l.RunningBytes>>10) + " KiB are under way in this session"
	case l.Bytes > 0 && s.outboxBytes > answersFactor*l.Bytes:
		why = strconv.Itoa(s.outboxBytes>>10) + " KiB wait for this session to acknowledge them"
	default:
		return false
	}
	s.ran(number)
	refusal := proto.Failure(lmz.CodeGateway, errtype.Busy, why)
	s.do(Refused{})
	s.number(&proto.Frame{Kind: proto.KindAnswer, Call: number, Failed: refusal.Failed, Payload: refusal.Payload})
	return true
}

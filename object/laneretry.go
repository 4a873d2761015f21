package object

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/wake"
)

// settles reports whether the answer of a receiver settles the send. A send that was not
// executed is retried until its deadline.
func (rt *Runtime) settles(s *stored, i int, a proto.Answer) (_ proto.Answer, settled bool) {
	var failure error
	if a.Failed == lmz.CodeGateway {
		_, failure = a.Result()
	}
	rt.mu.Lock()
	p := s.under[i]
	switch {
	case p == nil:
		rt.mu.Unlock()
		return a, true
	case failure != nil && rt.closed: // the next life continues it
		rt.mu.Unlock()
		return a, false
	case a.Failed == lmz.CodeUnknown:
	case failure == nil || errors.Is(failure, lmz.ErrTooLarge):
		rt.works(p.lane)
	case time.Now().UnixMilli() >= s.row.Until:
		a = p.tooLate(failure.Error())
	default:
		ready, failures := rt.failed(p, failure)
		rt.mu.Unlock()
		rt.depart(ready)
		if failures == 1 {
			rt.log.Warn("what was sent cannot be executed just now and is tried again", "binding", s.from.Binding, "instance", s.from.Instance,
				"to", s.target(i).String(), "error", failure)
		}
		if failures > 0 && failures <= storedPauses {
			rt.keepLane(p.lane, s.row.Payer)
		}
		return a, false
	}
	ready := rt.leaveLane(p)
	rt.mu.Unlock()
	rt.depart(ready)
	return a, true
}

// storedPauses is how many failures are stored individually, while the pauses grow.
const storedPauses = 7

// failed keeps a send that was not executed for another attempt. It returns the passages
// that may leave, and the lane's failure count if this adds to it. rt.mu is held.
func (rt *Runtime) failed(p *passage, failure error) (ready []*passage, failures int) {
	l := p.lane
	p.began = false
	l.hold(p)
	l.retreat(p)
	if l.head == p.place && !isBehind(failure) {
		now := time.Now()
		if l.row.Failures == 0 {
			l.row.Since = now.UnixMilli()
		}
		l.row.To = []string{l.to.Binding, l.to.Instance}
		l.row.Failures++
		l.row.Next = now.Add(l.pause()).UnixMilli()
		l.row.Error = publicText(failure)
		failures = l.row.Failures
		rt.note(l)
		rt.setTimer(l)
	}
	rt.arm(l, p)
	return l.release(), failures
}

func isBehind(failure error) bool {
	var e *lmz.Error
	return errors.As(failure, &e) && e.Message == errBehind.Message
}

// pause is how long to wait before the next attempt: the full pause with up to a quarter
// subtracted as jitter, to spread the senders to one receiver. The jitter is deterministic,
// for replays.
func (l *lane) pause() time.Duration {
	h := fnv.New32a()
	for _, s := range []string{l.from.Binding, l.from.Instance, l.to.Binding, l.to.Instance} {
		h.Write([]byte(s + "\x00"))
	}
	h.Write([]byte{byte(l.row.Failures)})
	full := laneRetry.pause(l.row.Failures)
	return full - full/4*time.Duration(h.Sum32()%1024)/1024
}

// arm schedules a check of a lane for the deadline of a held passage. rt.mu is held.
func (rt *Runtime) arm(l *lane, p *passage) {
	until := time.UnixMilli(p.s.row.Until)
	if p.held && p.s.row.Deadline && (l.soonest.IsZero() || until.Before(l.soonest)) {
		l.soonest = until
		rt.setTimer(l)
	}
}

// setTimer sets the timer of a lane for its next event. rt.mu is held.
func (rt *Runtime) setTimer(l *lane) {
	l.stop()
	at := l.soonest
	if next := time.UnixMilli(l.row.Next); l.waits() && (at.IsZero() || next.Before(at)) {
		at = next
	}
	if !at.IsZero() && !rt.closed && !l.finished {
		l.timer = time.AfterFunc(min(time.Until(at), wake.LookAgain), func() { rt.lookAt(l) })
	}
}

// waits reports whether the first passage waits for its next attempt.
func (l *lane) waits() bool {
	return l.row.Failures > 0 && l.head != nil && l.head.Value.(*passage).held
}

// lookAt gives up expired passages, and retries the first when it is due.
func (rt *Runtime) lookAt(l *lane) {
	rt.mu.Lock()
	if rt.closed || l.finished {
		rt.mu.Unlock()
		return
	}
	now := time.Now().UnixMilli()
	var ready, late []*passage
	l.soonest = time.Time{}
	for e := l.sends.Front(); e != nil && l.held > 0; {
		p := e.Value.(*passage)
		e = e.Next()
		switch {
		case !p.held:
		case now >= p.s.row.Until:
			late = append(late, p)
		case p.s.row.Deadline && (l.soonest.IsZero() || p.s.row.Until < l.soonest.UnixMilli()):
			l.soonest = time.UnixMilli(p.s.row.Until)
		}
	}
	answers := make([]proto.Answer, len(late))
	for i, p := range late {
		answers[i] = p.tooLate(l.row.Error)
		ready = append(ready, rt.leaveLane(p)...)
	}
	if l.waits() && now >= l.row.Next {
		ready = append(ready, l.unhold(l.head.Value.(*passage)))
	}
	rt.setTimer(l)
	rt.mu.Unlock()
	for i, p := range late {
		rt.conclude(p.s, p.i, answers[i])
	}
	rt.depart(ready)
}

func nothing(context.Context, lmz.Handler) (any, error) { return nil, nil }

// tooLate is the answer to an expired send: it was not executed, unless an earlier life of
// the gateway presented it.
func (p *passage) tooLate(why string) proto.Answer {
	message := p.lane.to.String() + " could not execute it in time"
	if why != "" {
		message += ": " + why
	}
	if p.s.earlier {
		return unknown(message, nil)
	}
	return proto.ErrorAnswer(notExecuted(message))
}

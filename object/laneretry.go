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

// settles takes the answer of a receiver and reports whether it settles the send. What was
// not executed is tried again, until its time is over.
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
	case failure != nil && rt.closed: // the next life goes on with it
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

// storedPauses is how many failures are stored one by one, while the pauses grow.
const storedPauses = 7

// failed keeps a send that was not executed for another attempt. It returns what may go, and
// the failures of the lane if this is one more. rt.mu is held.
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

// pause is how long to wait for the next attempt: up to a quarter less than the full pause,
// so that the senders to one receiver do not come together, and the same at every replay.
func (l *lane) pause() time.Duration {
	h := fnv.New32a()
	for _, s := range []string{l.from.Binding, l.from.Instance, l.to.Binding, l.to.Instance} {
		h.Write([]byte(s + "\x00"))
	}
	h.Write([]byte{byte(l.row.Failures)})
	full := laneRetry.pause(l.row.Failures)
	return full - full/4*time.Duration(h.Sum32()%1024)/1024
}

// arm has a lane looked at when the deadline of a passage that is held is over. rt.mu is held.
func (rt *Runtime) arm(l *lane, p *passage) {
	until := time.UnixMilli(p.s.row.Until)
	if p.held && p.s.row.Deadline && (l.soonest.IsZero() || until.Before(l.soonest)) {
		l.soonest = until
		rt.setTimer(l)
	}
}

// setTimer sets the timer of a lane for what comes first. rt.mu is held.
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

// waits reports whether the first of a lane waits for its next attempt.
func (l *lane) waits() bool {
	return l.row.Failures > 0 && l.head != nil && l.head.Value.(*passage).held
}

// lookAt gives up what is too late, and tries the first of a lane again when it is time.
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

// tooLate is the answer to a send whose time is over: it was not executed, unless an earlier
// life of the gateway presented it.
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

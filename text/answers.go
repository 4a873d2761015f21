package text

import "math"

// Subscribed is the answer to a [Subscribe].
func (s *Sync) Subscribed(o Opening) {
	s.asking = max(0, s.asking-1)
	s.subscribed = !s.stale
	s.stale = s.stale && s.asking > 0
	s.latest = max(s.latest, o.Version)
	s.welcome(&o)
	s.forgetGone()
	s.sayCursor = s.cursor != nil
	switch {
	case s.client == nil || s.reload != nil:
		s.opening = &o
	case o.Version < s.client.Version():
		clear(s.inbox) // edits of an obsolete history
		s.latest = o.Version
		s.mustReload(errRolledBack, false)
	case o.Version-s.client.Version() > farBehind && s.client.Saved():
		s.mustReload(errFarBehind, false)
		s.opening, s.subscribed = &o, true
	}
	if s.failed == StepOpen && s.opening == nil {
		s.fine()
	}
	s.hurry = s.client != nil && s.reload == nil // messages sent before this will not arrive
	s.wake()
	s.next()
}

// Loaded is the answer to a [Load]: the whole text, which Sync takes over. editor is a
// random name for this opening of the document.
func (s *Sync) Loaded(call int, t *Text, editor string) {
	if s.answered(call) != StepOpen {
		return
	}
	s.fine()
	if s.opening == s.loading { // otherwise there is a newer one
		s.loaded = &loaded{s.opening.Version, t, editor}
		s.opening = nil
		s.wake()
	}
	s.loading = nil
	s.next()
}

// Fetched is the answer to a [Fetch]: the edits after the version, in order, and the
// document's current version. If that is newer than the last edit, there are more.
func (s *Sync) Fetched(call int, entries []Entry, version int) {
	switch s.answered(call) {
	case StepReplay:
		s.fine()
		s.rebase(entries, version)
	case StepCatchUp:
		s.fine()
		if len(entries) == 0 {
			s.latest = min(s.latest, version)
		}
		s.take(entries, math.MaxInt)
		s.hurry = true // to get the rest
	default:
		return
	}
	s.next()
}

// Pushed is the answer to a [Push]: the version that the last edit made, and the
// document's current version.
func (s *Sync) Pushed(call, made, version int) {
	switch s.answered(call) {
	case StepReplay:
	case StepPush:
		s.client.Pushed(made)
		s.latest = max(s.latest, version)
	default:
		return
	}
	s.fine()
	s.next()
}

// Failed reports that a call failed; call is 0 for a [Subscribe]. err is shown to the
// user.
func (s *Sync) Failed(call int, why Failure, err error) {
	of := StepOpen
	if call == 0 {
		s.asking = max(0, s.asking-1)
		s.forgetGone()
		s.subscribed = false
	} else if of = s.answered(call); of == NoStep {
		return
	}
	final := why == Refused || why == TooOld
	switch {
	case final && of == StepReplay:
		s.replayed(err)
	case final && of == StepPush, final && of == StepCatchUp:
		s.mustReload(err, why == Refused)
	default:
		s.again(of, why, err)
	}
	s.next()
}

// again retries a failed step later.
func (s *Sync) again(of Step, why Failure, err error) {
	switch of {
	case StepOpen:
		s.opening, s.subscribed = nil, false
	case StepPush:
		s.client.PushFailed()
	}
	if why == NotSubscribed {
		s.subscribed = false
	}
	if s.offline || s.closed {
		return // everything is retried once reconnected
	}
	s.failed, s.problem = of, err
	s.status()
	s.pausing = true
	s.do(Wait{RetryTimer, retryDelays[min(s.failures, len(retryDelays)-1)]})
	s.failures++
}

// fine records that a call succeeded.
//
//go:noinline
func (s *Sync) fine() {
	s.failures = 0
	if s.problem != nil {
		s.failed, s.problem = NoStep, nil
		s.status()
	}
}

// answered ends a call and returns its step, or NoStep if no answer to that call is
// expected.
//
//go:noinline
func (s *Sync) answered(call int) Step {
	if call == 0 || call != s.calling {
		return NoStep
	}
	s.calling = 0
	return s.step
}

// Arrived receives edits that the document sent.
func (s *Sync) Arrived(entries []Entry) {
	s.take(entries, maxInbox) // the rest is fetched after the screen has pulled
	s.next()
}

// take holds entries until the screen pulls them; the inbox holds at most limit.
//
//go:noinline
func (s *Sync) take(entries []Entry, limit int) {
	for i := range entries {
		e := &entries[i]
		if len(s.inbox) < limit {
			s.inbox[e.Version] = e
		}
		s.latest = max(s.latest, e.Version)
	}
	s.wake()
}

package object

import (
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
)

// Outcomes that callers have not acknowledged are kept with the state they changed, so that
// a call presented again after its session has ended is not executed twice (PROTOCOL.md,
// "Sessions").

// Retention of outcomes.
const (
	outcomeGrace = 60 * time.Second // how long an outcome is kept after the call's deadline
	maxOutcome   = 64 << 10         // the largest answer kept, in bytes
)

// known is a call that is queued or running.
type known struct {
	caller string
	again  []func(proto.Answer) // callbacks of repeated deliveries that wait for the answer
}

func callerOf(c *proto.Call) string { return c.Context.Caller().String() }

// track remembers a call while it is queued or running. It returns a function to call with
// the answer, or nil if the call is already here, whose answer then also goes to done.
func (rt *Runtime) track(c *proto.Call, done func(proto.Answer)) func(proto.Answer) {
	if c.ID == (proto.CallID{}) {
		return done
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if k := rt.known[c.ID]; k != nil {
		if c.Again && k.caller == callerOf(c) {
			k.again = append(k.again, done)
			return nil
		}
		return done // no honest client reuses a call number
	}
	k := &known{caller: callerOf(c)}
	rt.known[c.ID] = k
	return func(a proto.Answer) {
		rt.mu.Lock()
		delete(rt.known, c.ID)
		again := k.again
		rt.mu.Unlock()
		done(a)
		for _, done := range again {
			done(a)
		}
	}
}

// takeAcknowledged takes the outcomes that may be dropped.
func (o *Object) takeAcknowledged() []proto.CallID {
	o.rt.mu.Lock()
	defer o.rt.mu.Unlock()
	ids := o.acknowledged
	o.acknowledged = nil
	return ids
}

// earlier returns the answer to a call that is presented again, if it began earlier. The
// caller has the turn.
func (o *Object) earlier(c *proto.Call) (proto.Answer, bool, error) {
	if !c.Again {
		return proto.Answer{}, false, nil
	}
	stored, found, err := o.store.Outcome(c.ID)
	if err != nil || !found {
		return proto.Answer{}, false, err
	}
	switch {
	case stored.Caller != callerOf(c):
		return proto.ErrorAnswer(notExecuted("this call is not the caller's")), true, nil
	case !stored.Answered:
		return unknown("the call had begun when the gateway died", nil), true, nil
	case stored.Large:
		return unknown("the call was executed; its answer was too large to be kept", map[string]any{"executed": true}), true, nil
	}
	return stored.Answer, true, nil
}

func unknown(message string, fields map[string]any) proto.Answer {
	return proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeUnknown, Message: message, Fields: fields})
}

// keepOutcome stores the outcome of the run's call in the turn's transaction. A nil answer
// means that the call has begun. Nothing is stored for a call that had no effects: it may
// run again.
func (r *run) keepOutcome(answer *proto.Answer) error {
	if r.call == nil || r.call.ID == (proto.CallID{}) || r.call.NoReply && r.call.Until.IsZero() {
		return nil
	}
	if !r.left.Load() && !r.begun && len(r.effects) == 0 && !r.o.store.Changed() {
		return nil
	}
	if answer == nil && r.begun {
		return nil
	}
	r.begun = true
	kept := store.Outcome{ID: r.call.ID, Caller: callerOf(r.call), Expires: r.deadline.Add(outcomeGrace)}
	if !r.call.Until.IsZero() {
		kept.Expires, kept.Lasting = r.call.Until.Add(outcomeGrace), true
	}
	if answer != nil {
		kept.Answered, kept.Answer = true, *answer
		if r.call.NoReply { // only its existence matters
			kept.Answer.Payload = nil
		}
		if len(answer.Payload) > maxOutcome {
			kept.Large, kept.Answer.Payload = true, nil
		}
	}
	return r.o.store.Keep(kept, r.o.takeAcknowledged(), time.Now())
}

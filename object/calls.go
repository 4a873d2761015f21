package object

import (
	"context"
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// Calls is a set of concurrent calls by a handler: add each with [Go], then wait for all of
// them. Create one with [Object.Calls]. It is not safe for concurrent use.
type Calls struct {
	o       *Object
	ctx     context.Context
	start   []func()
	answers []chan answer
	results []func(answer) error
}

// answer is the outcome of one call.
type answer struct {
	proto.Answer
	lost error // the call was not made
}

func (a answer) result() (lmz.Value, error) {
	if a.lost != nil {
		return nil, a.lost
	}
	return a.Answer.Result()
}

// Calls returns an empty set of calls, to be made with ctx.
func (o *Object) Calls(ctx context.Context) *Calls { return &Calls{o: o, ctx: ctx} }

// Pending is the future result of one call.
type Pending[R any] struct {
	value R
	err   error
}

// Result returns what [lmz.Call] would have returned. Before [Calls.Wait] it returns an
// error.
func (p *Pending[R]) Result() (R, error) { return p.value, p.err }

var errNotWaited = errors.New("the result of this call is there after Calls.Wait")

// Go adds a call to calls; they leave in the order of their Go calls when Wait is called.
func Go[R any](calls *Calls, to lmz.Address, c lmz.Continuation) *Pending[R] {
	p := &Pending[R]{err: errNotWaited}
	ctx, cancel := proto.WithDeadline(calls.ctx)
	answers := make(chan answer, 1)
	ask, err := calls.o.asking(ctx, to, c, answers)
	if err != nil {
		cancel()
		p.err = err
		calls.results = append(calls.results, func(answer) error { return err })
		calls.answers = append(calls.answers, nil)
		return p
	}
	calls.start = append(calls.start, ask)
	calls.answers = append(calls.answers, answers)
	calls.results = append(calls.results, func(a answer) error {
		cancel()
		p.value, p.err = decode[R](a.result())
		return p.err
	})
	return p
}

func decode[R any](v lmz.Value, err error) (result R, _ error) {
	if _, none := any(result).(struct{}); none || err != nil {
		return result, err
	}
	err = v.Decode(&result)
	return result, err
}

// Wait makes the calls and waits until all have ended. It gives up the turn once, as a
// single CallRaw does. It returns the first error in the order of the Go calls; the
// [Pending] of that call has it too.
func (c *Calls) Wait() error {
	leave := func() {
		for _, start := range c.start {
			start()
		}
	}
	lost := func(err error) {
		for _, answers := range c.answers {
			if answers != nil {
				answers <- answer{lost: err}
			}
		}
	}
	collected := make([]answer, len(c.answers))
	err := c.o.wait(c.ctx, leave, lost, func() {
		for i, answers := range c.answers {
			if answers != nil {
				collected[i] = <-answers
			}
		}
	})
	first := err
	for i, result := range c.results {
		a := collected[i]
		if err != nil {
			a = answer{lost: err}
		}
		if failure := result(a); first == nil {
			first = failure
		}
	}
	c.start, c.answers, c.results = nil, nil, nil
	return first
}

// wait gives up the turn, if ctx holds it, runs leave once the turn is on disk, or lost if
// that fails, then calls wait and retakes the turn. A goroutine that a handler started has
// no turn to give up: its call leaves with the handler's turn, or at once if the handler has
// none. An error means that neither leave nor lost will run, or that the handler cannot
// continue.
func (o *Object) wait(ctx context.Context, leave func(), lost func(error), wait func()) error {
	r := o.runOf(ctx)
	if r == nil {
		leave()
		wait()
		return nil
	}
	if !inHandler() {
		r.park(ctx, part{leave, lost})
		wait()
		return nil
	}
	if err := r.mayCall(); err != nil {
		return err
	}
	failed := false
	if err := r.release(leave, func(err error) {
		failed = true
		lost(notCalled(err))
	}); err != nil {
		return err
	}
	wait()
	if err := r.retake(); err != nil && !failed {
		return err
	}
	return nil
}

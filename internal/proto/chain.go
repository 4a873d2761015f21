package proto

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/scope"
	"github.com/lumenize/lmz/internal/value"
)

// NewCall prepares a call of c by the node self, within the call context of ctx.
func NewCall(ctx context.Context, self lmz.Identity, to lmz.Address, c lmz.Continuation) (*Call, error) {
	chain, err := value.MarshalChain(c)
	if err != nil {
		return nil, &lmz.Error{Code: lmz.CodeGateway, Name: "TypeError", Message: c.String() + ": " + err.Error()}
	}
	return NewEncodedCall(ctx, self, to, chain)
}

// NewEncodedCall is [NewCall] for an encoded chain, such as one for many nodes.
func NewEncodedCall(ctx context.Context, self lmz.Identity, to lmz.Address, chain []byte) (*Call, error) {
	current, _ := lmz.CallContextFrom(ctx)
	next := current.Next(self)
	var err error
	if next.State, err = EncodedState(next.State); err != nil {
		return nil, &lmz.Error{Code: lmz.CodeGateway, Name: "TypeError", Message: "the state of the call cannot be sent: " + err.Error()}
	}
	return &Call{To: to, Context: next, Chain: chain, Payer: PayerOf(ctx)}, nil
}

// WithDeadline gives ctx the default deadline of a call if it has none.
func WithDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, lmz.DefaultTimeout)
}

// ExecuteCounted is [Execute] and also returns the number of method calls it made.
func ExecuteCounted(ctx context.Context, h lmz.Handler, chain []byte) (result any, steps int, err error) {
	doc, err := value.Parse(chain)
	if err != nil {
		return nil, 0, BadChain(err.Error())
	}
	e := newExecution(h, chain, Limits{})
	result, err = e.run(ctx, doc, 0)
	return result, maxSteps - e.left, err
}

// Limits bound one execution; 0 means the limit of package lmz.
type Limits struct {
	Operations int // in one chain, counted as on the wire
	Arguments  int // of one call
}

// Execute calls the methods of an encoded continuation on h, each once, from left to right.
// Its error is that of h, or a [*PanicError].
func Execute(ctx context.Context, h lmz.Handler, chain []byte) (any, error) {
	return ExecuteWithin(ctx, h, chain, Limits{})
}

// ExecuteWithin is [Execute] with the given limits.
func ExecuteWithin(ctx context.Context, h lmz.Handler, chain []byte, limits Limits) (any, error) {
	doc, err := value.Parse(chain)
	if err != nil {
		return nil, BadChain(err.Error())
	}
	return newExecution(h, chain, limits).run(ctx, doc, 0)
}

// ExecuteReply runs a reply continuation on the node's own handler, without guards. The outcome
// came from another node, so continuations in it are not evaluated.
func ExecuteReply(ctx context.Context, h lmz.Handler, reply lmz.Continuation, a Answer) (any, error) {
	chain, err := value.MarshalChain(reply)
	if err != nil {
		return nil, err
	}
	return ExecuteEncodedReply(ctx, h, chain, a)
}

// ExecuteEncodedReply is [ExecuteReply] for an encoded continuation, such as a stored one.
func ExecuteEncodedReply(ctx context.Context, h lmz.Handler, chain []byte, a Answer) (any, error) {
	outcome, err := a.Outcome()
	if err != nil {
		return nil, err
	}
	doc, err := value.Parse(chain)
	if err != nil {
		return nil, err
	}
	e := newExecution(h, chain, Limits{})
	e.outcome = &outcome
	e.nested = e.nested || bytes.Contains(chain, []byte(cbordoc.ObjectResult))
	return e.run(scope.AsReply(ctx), doc, 0)
}

func newExecution(h lmz.Handler, chain []byte, limits Limits) *execution {
	limits.Operations = limit(limits.Operations, lmz.MaxOperations)
	limits.Arguments = limit(limits.Arguments, lmz.MaxArguments)
	return &execution{
		target: h, limits: limits,
		nested: bytes.Contains(chain, []byte(cbordoc.ObjectContinuation)), left: maxSteps, bytes: MaxPayload,
	}
}

// limit returns n, or most if n is 0 or exceeds it.
func limit(n, most int) int {
	if n == 0 {
		return most
	}
	return min(n, most)
}

// maxSteps is how many calls one frame can cause. Without it, shared continuations could cause
// 2^50.
const maxSteps = 10 * lmz.MaxOperations

// execution is one run of a continuation.
type execution struct {
	target  lmz.Handler
	limits  Limits
	nested  bool        // the arguments may contain continuations or placeholders
	outcome *value.Item // the outcome that a reply handles; nil if this is not a reply
	filled  bool        // a placeholder for the outcome was found
	left    int         // remaining number of calls
	bytes   int         // remaining size of their results
}

// step is one call of a decoded chain.
type step struct {
	method string
	args   value.Item // an array
}

// run executes one chain at a nesting depth.
func (e *execution) run(ctx context.Context, chain value.Item, depth int) (any, error) {
	steps, err := e.decodeChain(chain)
	if err != nil {
		return nil, err
	}
	if e.left -= len(steps); depth > lmz.MaxOperations || e.left < 0 {
		return nil, BadChain("continuations ask for more than " + strconv.Itoa(maxSteps) + " calls")
	}
	var result any
	current := e.target
	for i, s := range steps {
		args, err := e.resolve(ctx, s.args, depth)
		if err != nil {
			return nil, err
		}
		last := i == len(steps)-1
		if e.outcome != nil && !e.filled && depth == 0 && last {
			args = append(args, *e.outcome)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		result, err = handle(ctx, current, &lmz.Request{Method: s.method, Args: args})
		if err != nil {
			return nil, fromStep(err, i+depth)
		}
		if last {
			break
		}
		next, ok := result.(lmz.Handler)
		if !ok {
			return nil, &lmz.Error{Name: "TypeError", Message: s.method + "() returned a value that takes no calls, so ." +
				steps[i+1].method + "() cannot be called on it"}
		}
		current = next
	}
	return result, nil
}

// fromStep keeps the code of a refusal, which says that nothing ran, only for the first step.
func fromStep(err error, step int) error {
	var e *lmz.Error
	if step == 0 || node.Refused(err) == "" || !errors.As(err, &e) {
		return err
	}
	return &lmz.Error{Name: e.Name, Message: e.Message, Fields: e.Fields, Cause: e.Cause}
}

// decodeChain reads ["method", [args], ...] (PROTOCOL.md, "Continuations").
func (e *execution) decodeChain(chain value.Item) ([]step, error) {
	ops, ok := chain.Elements()
	switch {
	case !ok:
		return nil, BadChain("operations must be an array")
	case len(ops) > e.limits.Operations:
		return nil, BadChain("too deep: " + strconv.Itoa(len(ops)) + " > " + strconv.Itoa(e.limits.Operations))
	case len(ops) == 0 || len(ops)%2 != 0:
		return nil, BadChain("it must name a method and call it; properties cannot be read")
	}
	steps := make([]step, 0, len(ops)/2)
	for i := 0; i < len(ops); i += 2 {
		method, ok := ops[i].Text()
		if !ok {
			return nil, BadChain("a method name must be text")
		}
		n, ok := ops[i+1].Len()
		if !ok {
			return nil, BadChain("." + method + " is not called; properties cannot be read")
		}
		if n > e.limits.Arguments {
			return nil, BadChain("too many arguments: " + strconv.Itoa(n) + " > " + strconv.Itoa(e.limits.Arguments))
		}
		steps = append(steps, step{method, ops[i+1]})
	}
	return steps, nil
}

func BadChain(why string) error {
	return &lmz.Error{Name: "TypeError", Message: badChainPrefix + why}
}

const badChainPrefix = "invalid operation chain: "

// IsBadChain reports whether an answer is the error of an invalid chain.
func IsBadChain(a Answer) bool {
	_, err := a.Result()
	return err != nil && strings.HasPrefix(err.Error(), "TypeError: "+badChainPrefix)
}

// PanicError is a panic of a handler. Its text never leaves the node.
type PanicError struct {
	Value any
	Stack []byte
}

// Error describes the panic for the node's log.
func (e *PanicError) Error() string { return "the method panicked" }

// handle calls one method and turns a panic into an error.
func handle(ctx context.Context, h lmz.Handler, req *lmz.Request) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return h.HandleCall(ctx, req)
}

// NewAnswer encodes the outcome of [Execute]. An error that is neither an [*lmz.Error] nor of a
// registered type leaves the node as "internal error"; log [Hidden] for it.
func NewAnswer(result any, err error) Answer {
	if err == nil {
		err = notAHandler(result)
	}
	if err == nil {
		payload, encodeErr := value.Marshal(result)
		if encodeErr == nil {
			return Answer{Payload: payload}
		}
		return ErrorAnswer(&lmz.Error{
			Code: lmz.CodeCallee, Name: "TypeError", Message: "the result cannot be sent: " + encodeErr.Error(),
		})
	}
	e := node.PublicError(err)
	if e == nil {
		return ErrorAnswer(&lmz.Error{Code: lmz.CodeCallee, Message: value.InternalError})
	}
	answer := *e
	answer.Code = node.Refused(err)
	if answer.Code == "" {
		answer.Code = lmz.CodeCallee
	}
	return ErrorAnswer(&answer)
}

// ErrorAnswer returns the answer for the error e, with its code. It can always be sent: fields
// and a cause that cannot be encoded are omitted, as in the original, and an e whose name or
// message is not valid text is replaced by an error that says so.
func ErrorAnswer(e *lmz.Error) Answer {
	payload, err := value.Marshal(e)
	if err == nil {
		return Answer{Failed: e.Code, Payload: payload}
	}
	if payload, again := value.Marshal(sendable(e)); again == nil {
		return Answer{Failed: e.Code, Payload: payload}
	}
	return Failure(e.Code, "TypeError", "the error cannot be sent: "+err.Error())
}

// sendable returns e without the parts that cannot be encoded.
func sendable(e *lmz.Error) *lmz.Error {
	kept := lmz.Error{Name: e.Name, Message: e.Message, Fields: maps.Clone(e.Fields)}
	maps.DeleteFunc(kept.Fields, func(name string, v any) bool {
		_, err := value.Marshal(map[string]any{name: v})
		return err != nil
	})
	if _, err := value.Marshal(e.Cause); err == nil {
		kept.Cause = e.Cause
	}
	return &kept
}

// Failure returns the answer for an error of the runtime, named Error if name is empty. Unlike
// [ErrorAnswer] it does not need the codec of Go values.
func Failure(code lmz.Code, name, message string) Answer {
	return Answer{Failed: code, Payload: cbordoc.EncodeFailure(name, message)}
}

// Hidden returns the part of err that [NewAnswer] withholds from the caller, for the node's
// log, or nil if there is none.
func Hidden(err error) error {
	e := node.PublicError(err)
	switch {
	case e == nil:
		return err
	case e.Cause != nil && node.PublicError(e.Cause) == nil:
		return e.Cause
	}
	return nil
}

// Outcome returns the answer as an argument of a reply: the value, or the error with its
// code as a property.
func (a Answer) Outcome() (value.Item, error) {
	v, err := a.Result()
	if err == nil {
		return v.(value.Item), nil
	}
	e := node.PublicError(err)
	failure := *e
	failure.Fields = maps.Clone(e.Fields)
	if failure.Fields == nil {
		failure.Fields = make(map[string]any)
	}
	failure.Fields[cbordoc.MemberCode] = string(e.Code)
	data, err := value.Marshal(&failure)
	if err != nil {
		return value.Item{}, err
	}
	return value.Parse(data)
}

// Result decodes the answer: a value, or an error with its code.
func (a Answer) Result() (lmz.Value, error) {
	item, err := value.Parse(a.Payload)
	if err != nil {
		return nil, &lmz.Error{Code: lmz.CodeUnknown, Message: "the answer cannot be read: " + err.Error()}
	}
	if a.Failed == "" {
		return item, nil
	}
	var e *lmz.Error
	if err := item.Decode(&e); err != nil || e == nil {
		e = &lmz.Error{Message: "the node returned a malformed error"}
	}
	e.Code = a.Failed
	return nil, e
}

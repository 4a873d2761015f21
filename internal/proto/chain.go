package proto

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
)

// NewCall prepares a call of c by the node self, within the call context of ctx.
func NewCall(ctx context.Context, self lmz.Identity, to lmz.Address, c lmz.Continuation) (*Call, error) {
	chain, err := MarshalChain(c)
	if err != nil {
		return nil, &lmz.Error{Code: lmz.CodeGateway, Name: "TypeError", Message: c.String() + ": " + err.Error()}
	}
	return NewEncodedCall(ctx, self, to, chain), nil
}

// NewEncodedCall is [NewCall] for a chain that is encoded already, such as one that
// goes to many nodes.
func NewEncodedCall(ctx context.Context, self lmz.Identity, to lmz.Address, chain []byte) *Call {
	current, _ := lmz.CallContextFrom(ctx)
	return &Call{To: to, Context: current.Next(self), Chain: chain}
}

// WithDeadline gives ctx the default deadline of a call if it has none.
func WithDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, lmz.DefaultTimeout)
}

// Execute does the work that an encoded continuation describes on h, each step
// once, from left to right. Its error is h's own, or a [*PanicError].
func Execute(ctx context.Context, h lmz.Handler, chain []byte) (any, error) {
	doc, err := Parse(chain)
	if err != nil {
		return nil, badChain(err.Error())
	}
	return newExecution(h, chain).run(ctx, doc, 0)
}

// ExecuteReply runs a reply continuation on the node's own handler, without guards.
// The outcome came from another node: it is passed as it is, and nothing in it is
// evaluated.
func ExecuteReply(ctx context.Context, h lmz.Handler, reply lmz.Continuation, a Answer) (any, error) {
	outcome, err := a.Result()
	if err != nil {
		if outcome, err = encodeValue(err); err != nil {
			return nil, err
		}
	}
	chain, err := MarshalChain(reply)
	if err != nil {
		return nil, err
	}
	doc, err := Parse(chain)
	if err != nil {
		return nil, err
	}
	e := newExecution(h, chain)
	e.outcome = outcome
	return e.run(lmz.AsReply(ctx), doc, 0)
}

func newExecution(h lmz.Handler, chain []byte) *execution {
	return &execution{target: h, nested: bytes.Contains(chain, []byte(nestedName)), left: maxSteps, bytes: MaxPayload}
}

// maxSteps is how many calls one frame can ask for. Shared continuations could ask for
// 2^50 otherwise.
const maxSteps = 10 * lmz.MaxOperations

// execution is one run of a continuation.
type execution struct {
	target  lmz.Handler
	nested  bool      // there may be continuations among the arguments
	outcome lmz.Value // what a reply is about; nil if this is no reply
	left    int       // calls that may still be made
	bytes   int       // that their results may still have
}

// step is one call of a decoded chain.
type step struct {
	method string
	args   []Item
}

// run does one chain, at a depth of nesting.
func (e *execution) run(ctx context.Context, chain Item, depth int) (any, error) {
	steps, err := decodeChain(chain)
	if err != nil {
		return nil, err
	}
	if e.left -= len(steps); depth > lmz.MaxOperations || e.left < 0 {
		return nil, badChain("continuations ask for more than " + strconv.Itoa(maxSteps) + " calls")
	}
	var result any
	current := e.target
	for i, s := range steps {
		args, err := e.resolve(ctx, s.args, depth)
		if err != nil {
			return nil, err
		}
		if e.outcome != nil && depth == 0 && i == len(steps)-1 {
			args = e.fill(s.args, args)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		result, err = handle(ctx, current, &lmz.Request{Method: s.method, Args: args})
		if err != nil {
			return nil, fromStep(err, i+depth)
		}
		if i == len(steps)-1 {
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

// fill puts the outcome where the reply has [lmz.Result], or after its arguments.
func (e *execution) fill(items []Item, args []lmz.Value) []lmz.Value {
	filled := false
	for i, item := range items {
		if name, _, ok := item.Object(); ok && name == objectResult {
			args[i], filled = e.outcome, true
		}
	}
	if !filled {
		args = append(args, e.outcome)
	}
	return args
}

// fromStep keeps a refusal as "nothing ran" only for the very first step.
func fromStep(err error, step int) error {
	var e *lmz.Error
	if step == 0 || lmz.Refused(err) == "" || !errors.As(err, &e) {
		return err
	}
	return &lmz.Error{Name: e.Name, Message: e.Message, Fields: e.Fields, Cause: e.Cause}
}

// decodeChain reads ["method", [args], ...] (PROTOCOL.md, "Continuations").
func decodeChain(chain Item) ([]step, error) {
	ops, ok := chain.Elements()
	switch {
	case !ok:
		return nil, badChain("operations must be an array")
	case len(ops) > lmz.MaxOperations:
		return nil, badChain("too deep: " + strconv.Itoa(len(ops)) + " > " + strconv.Itoa(lmz.MaxOperations))
	case len(ops) == 0 || len(ops)%2 != 0:
		return nil, badChain("it must name a method and call it; properties cannot be read")
	}
	steps := make([]step, 0, len(ops)/2)
	for i := 0; i < len(ops); i += 2 {
		method, ok := ops[i].Text()
		if !ok {
			return nil, badChain("a method name must be text")
		}
		args, ok := ops[i+1].Elements()
		if !ok {
			return nil, badChain("." + method + " is not called; properties cannot be read")
		}
		if len(args) > lmz.MaxArguments {
			return nil, badChain("too many arguments: " + strconv.Itoa(len(args)) + " > " + strconv.Itoa(lmz.MaxArguments))
		}
		steps = append(steps, step{method, args})
	}
	return steps, nil
}

func badChain(why string) error {
	return &lmz.Error{Name: "TypeError", Message: "invalid operation chain: " + why}
}

// nestedName is the type name of a nested continuation (tag 27).
const nestedName = "Continuation"

// resolve evaluates the continuations among args, and in lists among them.
func (e *execution) resolve(ctx context.Context, args []Item, depth int) ([]lmz.Value, error) {
	values := make([]lmz.Value, len(args))
	for i, arg := range args {
		values[i] = arg
		if !e.nested {
			continue // the usual case, without looking inside
		}
		value, err := e.resolveArg(ctx, arg, depth)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

func (e *execution) resolveArg(ctx context.Context, arg Item, depth int) (lmz.Value, error) {
	if name, members, ok := arg.Object(); ok && name == nestedName && len(members) == 1 {
		result, err := e.run(ctx, members[0], depth+1)
		if err != nil {
			return nil, err
		}
		return e.encode(result)
	}
	elements, ok := arg.Elements()
	if !ok || !bytes.Contains(arg.Raw(), []byte(nestedName)) {
		return arg, nil
	}
	values, err := e.resolve(ctx, elements, depth)
	if err != nil {
		return nil, err
	}
	return e.encode(values)
}

// encode makes an argument of results, whose size is bounded as if they had been in
// the frame.
func (e *execution) encode(v any) (lmz.Value, error) {
	data, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	if e.bytes -= len(data); e.bytes < 0 {
		return nil, badChain("the results of its nested continuations are too large")
	}
	return Parse(data)
}

func encodeValue(v any) (lmz.Value, error) {
	data, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// PanicError is a panic of a handler. Its text stays in the node.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the panic for the node's log.
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

// NewAnswer encodes the outcome of [Execute]. An error that is neither an
// [*lmz.Error] nor of a registered type leaves the node as "internal error"; log
// [Hidden] for it.
func NewAnswer(result any, err error) Answer {
	if _, ok := result.(lmz.Handler); ok && err == nil {
		err = &lmz.Error{Name: "TypeError", Message: "the result takes calls and cannot be sent: go on with a call of one of its methods"}
	}
	if err == nil {
		payload, encodeErr := Marshal(result)
		if encodeErr == nil {
			return Answer{Payload: payload}
		}
		return ErrorAnswer(&lmz.Error{
			Code: lmz.CodeCallee, Name: "TypeError", Message: "the result cannot be sent: " + encodeErr.Error(),
		})
	}
	e := lmz.PublicError(err)
	if e == nil {
		return ErrorAnswer(&lmz.Error{Code: lmz.CodeCallee, Message: InternalError})
	}
	answer := *e
	answer.Code = lmz.Refused(err)
	if answer.Code == "" {
		answer.Code = lmz.CodeCallee
	}
	return ErrorAnswer(&answer)
}

// ErrorAnswer is the answer e, with its code. An e that cannot be encoded loses
// its fields.
func ErrorAnswer(e *lmz.Error) Answer {
	payload, err := Marshal(e)
	if err != nil {
		payload, _ = Marshal(&lmz.Error{Name: e.Name, Message: e.Message})
	}
	return Answer{Failed: e.Code, Payload: payload}
}

// Failure is the answer with an error of the runtime itself, of the class Error if
// name is empty. Unlike [ErrorAnswer] it does not need the codec for Go values.
func Failure(code lmz.Code, name, message string) Answer {
	if name == "" {
		name = objectError
	}
	b := appendText(appendHead(appendHead(nil, majorTag, tagObject), majorArray, 2), objectError)
	b = appendText(appendText(appendHead(b, majorMap, 2), memberName), name)
	b = appendText(appendText(b, memberMessage), strings.ToValidUTF8(message, "\ufffd"))
	return Answer{Failed: code, Payload: b}
}

// Hidden returns the part of err that [NewAnswer] does not let out, for the node's
// log, or nil when the caller sees everything.
func Hidden(err error) error {
	e := lmz.PublicError(err)
	switch {
	case e == nil:
		return err
	case e.Cause != nil && lmz.PublicError(e.Cause) == nil:
		return e.Cause
	}
	return nil
}

// Result decodes the answer: a value, or the error with the code of who failed.
func (a Answer) Result() (lmz.Value, error) {
	item, err := Parse(a.Payload)
	if err != nil {
		return nil, &lmz.Error{Code: lmz.CodeUnknown, Message: "the answer cannot be read: " + err.Error()}
	}
	if a.Failed == "" {
		return item, nil
	}
	var e *lmz.Error
	if err := item.Decode(&e); err != nil || e == nil {
		e = &lmz.Error{Message: "the node failed with something that is no error"}
	}
	e.Code = a.Failed
	return nil, e
}

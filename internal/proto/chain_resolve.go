package proto

import (
	"bytes"
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// resolve returns the arguments of one call. It evaluates the continuations among them, at
// any depth and from left to right, and inserts the outcome of a reply. Shared values stay
// shared.
func (e *execution) resolve(ctx context.Context, args value.Item, depth int) ([]lmz.Value, error) {
	items, _ := args.Elements()
	if e.nested && (args.SharesValues() || mayHoldWork(args.Raw())) {
		resolved, err := args.Rewrite(func(it value.Item) (value.Item, bool, error) { return e.replace(ctx, it, depth) })
		if err != nil {
			return nil, err
		}
		items, _ = resolved.Elements()
	}
	values := make([]lmz.Value, len(items), len(items)+1) // a reply appends its outcome
	for i, item := range items {
		values[i] = item
	}
	return values, nil
}

// mayHoldWork is a quick check with false positives: it may report true for a text.
func mayHoldWork(data []byte) bool {
	return bytes.Contains(data, []byte(cbordoc.ObjectContinuation)) || bytes.Contains(data, []byte(cbordoc.ObjectResult))
}

// replace returns the replacement of a typed object: the result of a continuation, or the outcome
// of a reply. It reports false for any other object.
func (e *execution) replace(ctx context.Context, it value.Item, depth int) (with value.Item, ok bool, err error) {
	name, members, _ := it.Object()
	switch {
	case name == cbordoc.ObjectContinuation && len(members) == 1:
		result, err := e.run(ctx, members[0], depth+1)
		if err != nil {
			return value.Item{}, true, err
		}
		with, err = e.encode(result)
		return with, true, err
	case name == cbordoc.ObjectResult && e.outcome != nil:
		e.filled = true
		return *e.outcome, true, nil
	}
	return value.Item{}, false, nil
}

// encode encodes a result as an argument. Its size is bounded as if it were part of the frame.
func (e *execution) encode(result any) (value.Item, error) {
	if err := notAHandler(result); err != nil {
		return value.Item{}, err
	}
	data, err := value.Marshal(result)
	if err != nil {
		return value.Item{}, err
	}
	if e.bytes -= len(data); e.bytes < 0 {
		return value.Item{}, BadChain("the results of its nested continuations are too large")
	}
	return value.Parse(data)
}

// notAHandler refuses a result that is a capability.
func notAHandler(result any) error {
	if _, ok := result.(lmz.Handler); !ok {
		return nil
	}
	return &lmz.Error{
		Name:    "TypeError",
		Message: "the result is a capability and cannot be sent: call one of its methods",
	}
}

func encodeValue(v any) (lmz.Value, error) {
	data, err := value.Marshal(v)
	if err != nil {
		return nil, err
	}
	return value.Parse(data)
}

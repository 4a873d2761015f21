package proto

import (
	"bytes"
	"context"

	"github.com/lumenize/lmz"
)

// resolve returns the arguments of one call with their continuations evaluated, from
// left to right, at any depth of whatever holds them, and with a reply's outcome put
// in. What was the same value in several places stays so.
func (e *execution) resolve(ctx context.Context, args Item, depth int) ([]lmz.Value, error) {
	items, _ := args.Elements()
	if e.nested && (args.refs != nil || mayHoldWork(args.Raw())) {
		resolved, err := e.rewrite(ctx, args, depth)
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

// mayHoldWork is a quick look, which may be wrong about text.
func mayHoldWork(data []byte) bool {
	return bytes.Contains(data, []byte(objectContinuation)) || bytes.Contains(data, []byte(objectResult))
}

// rewrite copies the array of arguments into a document of its own.
func (e *execution) rewrite(ctx context.Context, args Item, depth int) (Item, error) {
	enc := &encoder{dst: make([]byte, 0, len(args.Raw()))}
	c := copier{encoder: enc, data: args.data, refs: args.refs, numbers: enc.numbersOf(args.refs)}
	c.replace = func(pos int) (bool, error) { return e.replace(ctx, enc, args.at(pos), depth) }
	if _, err := c.copy(args.contents()); err != nil {
		return Item{}, err
	}
	return Parse(enc.dst)
}

// replace writes what stands for an item of tag 27: the result of a continuation, or
// a reply's outcome. It reports whether there is such a thing.
func (e *execution) replace(ctx context.Context, enc *encoder, it Item, depth int) (bool, error) {
	name, members, _ := it.Object()
	switch {
	case name == objectContinuation && len(members) == 1:
		result, err := e.run(ctx, members[0], depth+1)
		if err != nil {
			return true, err
		}
		value, err := e.encode(result)
		if err != nil {
			return true, err
		}
		return true, enc.embed(value)
	case name == objectResult && e.outcome != nil:
		e.filled = true
		return true, enc.embed(*e.outcome)
	}
	return false, nil
}

// encode makes an argument of a result, whose size is bounded as if it had been in the
// frame.
func (e *execution) encode(result any) (Item, error) {
	if err := notAHandler(result); err != nil {
		return Item{}, err
	}
	data, err := Marshal(result)
	if err != nil {
		return Item{}, err
	}
	if e.bytes -= len(data); e.bytes < 0 {
		return Item{}, badChain("the results of its nested continuations are too large")
	}
	return Parse(data)
}

// notAHandler refuses a result that is something to call, not a value.
func notAHandler(result any) error {
	if _, ok := result.(lmz.Handler); !ok {
		return nil
	}
	return &lmz.Error{
		Name:    "TypeError",
		Message: "the result takes calls and cannot be sent: go on with a call of one of its methods",
	}
}

func encodeValue(v any) (lmz.Value, error) {
	data, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

package jsonwire

import (
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// resultKey is the name that the original reads for the outcome of a call.
const resultKey = "$result"

// jsonResult stands for the outcome of a call in a reply continuation.
const jsonResult = `{"` + nestedFlag + `":true,"` + nestedChain + `":[{"type":"get","key":"` + resultKey + `"}]}`

// nestedChain is the member of a nested continuation that holds its operations.
const nestedChain = "__operationChain"

// ChainToJSON translates an encoded chain into that of the original, whose operations are
// {"type":"get","key":name} and {"type":"apply","args":[...]}.
func ChainToJSON(chain []byte) ([]byte, error) {
	w, err := newJSONWriter(chain)
	if err != nil {
		return nil, err
	}
	if err := w.survey(0); err != nil {
		return nil, err
	}
	return w.document(func() error { return w.chain(0) })
}

// continuation writes a nested continuation whose chain is at pos.
func (w *jsonWriter) continuation(pos int) (end int, err error) {
	w.out = append(w.out, `{"`+nestedFlag+`":true,"`+nestedChain+`":`...)
	if err := w.chain(pos); err != nil {
		return 0, err
	}
	w.out = append(w.out, '}')
	return cbordoc.Skip(w.Data, pos), nil
}

// chain writes the operations at pos. Shared operations are repeated in each place, because only
// arguments have an identity.
func (w *jsonWriter) chain(pos int) error {
	if err := w.Visit(); err != nil {
		return err
	}
	defer w.Leave()
	t := w.content(pos)
	if t.Major != cbordoc.MajorArray {
		return proto.BadChain("operations must be an array")
	}
	if t.Arg > lmz.MaxOperations {
		return tooManyOperations(int(t.Arg))
	}
	_, err := w.list(t, func(pos int) (int, error) { return w.operation(pos) })
	return err
}

func (w *jsonWriter) operation(pos int) (end int, err error) {
	t := w.content(pos)
	switch t.Major {
	case cbordoc.MajorText:
		w.out = append(value.AppendJSONText(append(w.out, `{"type":"get","key":`...), w.Chunk(t)), '}')
		return cbordoc.Skip(w.Data, pos), nil
	case cbordoc.MajorArray:
		if t.Arg > lmz.MaxArguments {
			return 0, tooManyArguments(int(t.Arg))
		}
		w.out = append(w.out, `{"type":"apply","args":`...)
		if _, err := w.list(t, w.value); err != nil {
			return 0, cbordoc.At(err, "args")
		}
		w.out = append(w.out, '}')
		return cbordoc.Skip(w.Data, pos), nil
	}
	return 0, proto.BadChain("an operation is a name or arguments, not " + w.Describe(t))
}

func tooManyOperations(n int) error {
	return proto.BadChain("too deep: " + strconv.Itoa(n) + " > " + strconv.Itoa(lmz.MaxOperations))
}

func tooManyArguments(n int) error {
	return proto.BadChain("too many arguments: " + strconv.Itoa(n) + " > " + strconv.Itoa(lmz.MaxArguments))
}

package proto

import (
	"strconv"

	"github.com/lumenize/lmz"
)

// resultKey is the name that the original reads to get the outcome of a call.
const resultKey = "$result"

// jsonResult stands for the outcome of a call in a reply continuation.
const jsonResult = `{"` + nestedFlag + `":true,"` + nestedChain + `":[{"type":"get","key":"` + resultKey + `"}]}`

// nestedChain is the member of a nested continuation that holds its operations.
const nestedChain = "__operationChain"

// ChainToJSON turns an encoded chain into the original's: its operations are
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

// continuation writes nested work whose chain is at pos.
func (w *jsonWriter) continuation(pos int) (end int, err error) {
	w.out = append(w.out, `{"`+nestedFlag+`":true,"`+nestedChain+`":`...)
	if err := w.chain(pos); err != nil {
		return 0, err
	}
	w.out = append(w.out, '}')
	return skip(w.data, pos), nil
}

// chain writes the operations at pos. Those that are shared are written out: only
// arguments have an identity.
func (w *jsonWriter) chain(pos int) error {
	if err := w.visit(); err != nil {
		return err
	}
	defer w.leave()
	t := w.content(pos)
	if t.major != majorArray {
		return badChain("operations must be an array")
	}
	if t.arg > lmz.MaxOperations {
		return tooManyOperations(int(t.arg))
	}
	_, err := w.list(t, func(pos int) (int, error) { return w.operation(pos) })
	return err
}

func (w *jsonWriter) operation(pos int) (end int, err error) {
	t := w.content(pos)
	switch t.major {
	case majorText:
		w.out = append(appendJSONText(append(w.out, `{"type":"get","key":`...), w.chunk(t)), '}')
		return skip(w.data, pos), nil
	case majorArray:
		if t.arg > lmz.MaxArguments {
			return 0, tooManyArguments(int(t.arg))
		}
		w.out = append(w.out, `{"type":"apply","args":`...)
		if _, err := w.list(t, w.value); err != nil {
			return 0, at(err, "args")
		}
		w.out = append(w.out, '}')
		return skip(w.data, pos), nil
	}
	return 0, badChain("an operation is a name or arguments, not " + w.describe(t))
}

func tooManyOperations(n int) error {
	return badChain("too deep: " + strconv.Itoa(n) + " > " + strconv.Itoa(lmz.MaxOperations))
}

func tooManyArguments(n int) error {
	return badChain("too many arguments: " + strconv.Itoa(n) + " > " + strconv.Itoa(lmz.MaxArguments))
}

// Package value turns Go values into CBOR and back.
//
// Nodes of a mesh are written in several languages, and a value must mean the same to all of
// them: dates, big integers, ordered maps, sets, errors and typed arrays as well as numbers and
// text, and an object that occurs several times must stay one object. [Marshal] and [Unmarshal]
// do that for any Go value. [Parse] checks a document without decoding it, and an [Item] is a
// part of one, so that an intermediary never pays for the contents. PROTOCOL.md, "Values",
// describes the bytes.
package value

import (
	"net/url"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// Marshal encodes v as one CBOR data item. The error of a value that cannot be sent names
// the path to it and its type.
func Marshal(v any) ([]byte, error) {
	return Append(nil, v)
}

// Append appends the encoding of v to dst. On an error it returns dst unchanged.
func Append(dst []byte, v any) ([]byte, error) {
	if text, ok := v.(string); ok && utf8.ValidString(text) { // a fast path: most results are texts
		if dst == nil {
			dst = make([]byte, 0, len(text)+maxHead)
		}
		return cbordoc.AppendText(dst, text), nil
	}
	e := encoder{Writer: cbordoc.Writer{Dst: dst}}
	start := len(dst)
	if err := e.any(v); err != nil {
		return dst, err
	}
	if e.shared == nil {
		return e.Dst, nil
	}
	// Some values are reachable in two ways. The second pass knows which ones.
	e = encoder{Writer: cbordoc.Writer{Dst: e.Dst[:start]}, known: true, shared: e.shared}
	if err := e.any(v); err != nil {
		return dst, err
	}
	return e.Dst, nil
}

// AppendChain appends the chain of c: an array in which a text names a method and
// an array holds the arguments it is called with. It refuses a chain over the
// limits of package lmz, at any depth.
func AppendChain(dst []byte, c lmz.Continuation) ([]byte, error) {
	return Append(dst, bareChain{c})
}

// MarshalChain encodes the chain of c: see [AppendChain].
func MarshalChain(c lmz.Continuation) ([]byte, error) {
	return AppendChain(nil, c)
}

// maxHead is the length of the longest head.
const maxHead = 9

// bareChain is a continuation that is encoded without its tag.
type bareChain struct{ lmz.Continuation }

// encoder encodes one Go value. Its first pass finds the values that are reachable in two
// ways; if there are any, its output is discarded. In the second pass known is set, and
// shared holds the numbers of these values.
type encoder struct {
	cbordoc.Writer
	known  bool // second pass
	flat   bool // writing a map key to sort by: pointers are left out
	met    identities
	shared map[identity]int // number, or unwritten
	copied map[*cbordoc.References][]int
}

// maxDocument bounds the document of one value, in bytes. A value decoded from a small document
// may contain a long text many times.
const maxDocument = 64 << 20

// any encodes v. The most frequent types do not need reflection.
func (e *encoder) any(v any) error {
	if len(e.Dst) > maxDocument {
		return cbordoc.TooLarge(maxDocument)
	}
	switch v := v.(type) {
	case nil:
		e.Dst = append(e.Dst, cbordoc.ByteNull)
	case bool:
		e.Dst = cbordoc.AppendBool(e.Dst, v)
	case string:
		return e.text(v)
	case int:
		e.Dst = cbordoc.AppendInt(e.Dst, int64(v))
	case int64:
		e.Dst = cbordoc.AppendInt(e.Dst, v)
	case uint64:
		e.Dst = cbordoc.AppendHead(e.Dst, cbordoc.MajorUint, v)
	case float64:
		e.Dst = cbordoc.AppendFloat(e.Dst, v)
	case lmz.Undefined:
		e.Dst = append(e.Dst, cbordoc.ByteUndefined)
	case lmz.Continuation:
		return e.continuation(v)
	case bareChain:
		return e.chain(v.Continuation)
	case Item:
		return e.item(v)
	default:
		if v == any(lmz.Result) {
			return e.Result()
		}
		return e.reflected(reflect.ValueOf(v))
	}
	return nil
}

func (e *encoder) text(s string) error {
	if len(e.Dst)+len(s) > maxDocument {
		return cbordoc.TooLarge(maxDocument)
	}
	if !utf8.ValidString(s) {
		return &cbordoc.Error{What: "the string is not valid UTF-8; send it as []byte"}
	}
	e.Dst = cbordoc.AppendText(e.Dst, s)
	return nil
}

// continuation writes a nested continuation.
func (e *encoder) continuation(c lmz.Continuation) error {
	if err := e.Object(cbordoc.ObjectContinuation); err != nil {
		return err
	}
	if err := e.chain(c); err != nil {
		return err
	}
	e.EndObject()
	return nil
}

func (e *encoder) chain(c lmz.Continuation) error {
	ops := c.Ops()
	switch {
	case len(ops) == 0:
		return &cbordoc.Error{What: "the continuation is empty: make one with lmz.Ctn"}
	case 2*len(ops) > lmz.MaxOperations:
		return &cbordoc.Error{What: "the chain has " + strconv.Itoa(2*len(ops)) + " operations, more than " +
			strconv.Itoa(lmz.MaxOperations) + " (naming a method and calling it are two)"}
	}
	if err := e.Begin(cbordoc.MajorArray, uint64(2*len(ops))); err != nil {
		return err
	}
	for _, op := range ops {
		if err := e.op(op); err != nil {
			return cbordoc.At(err, op.Method)
		}
	}
	e.End()
	return nil
}

func (e *encoder) op(op lmz.Op) error {
	if len(op.Args) > lmz.MaxArguments {
		return &cbordoc.Error{What: strconv.Itoa(len(op.Args)) + " arguments, more than " + strconv.Itoa(lmz.MaxArguments)}
	}
	if err := e.text(op.Method); err != nil {
		return err
	}
	if err := e.Begin(cbordoc.MajorArray, uint64(len(op.Args))); err != nil {
		return err
	}
	for i, arg := range op.Args {
		if err := e.any(arg); err != nil {
			return cbordoc.At(cbordoc.At(err, cbordoc.Index(i)), "args")
		}
	}
	e.End()
	return nil
}

func (e *encoder) url(u *url.URL) error {
	text := u.String()
	if !utf8.ValidString(text) {
		return &cbordoc.Error{What: "the URL is not valid UTF-8"}
	}
	return e.Tagged(cbordoc.TagURL, func() { e.Dst = cbordoc.AppendText(e.Dst, text) })
}

func (e *encoder) regExp(r lmz.RegExp) error {
	if !utf8.ValidString(r.Source) || !utf8.ValidString(r.Flags) {
		return &cbordoc.Error{What: "the regular expression is not valid UTF-8"}
	}
	if err := e.Begin(cbordoc.MajorTag, cbordoc.TagRegExp); err != nil {
		return err
	}
	err := e.TextPair(r.Source, r.Flags)
	e.End()
	return err
}

// boxed writes a primitive object with the name of its class.
func (e *encoder) boxed(b lmz.Boxed) error {
	name, ok := boxedName(b.Value)
	if !ok {
		return &cbordoc.Error{What: "lmz.Boxed holds " + typeName(b.Value) + ", which is not a primitive"}
	}
	return e.members(name, "value", b.Value)
}

// members writes an object with one member.
func (e *encoder) members(name, member string, v any) error {
	if err := e.Object(name); err != nil {
		return err
	}
	if err := e.Begin(cbordoc.MajorMap, 1); err != nil {
		return err
	}
	e.Dst = cbordoc.AppendText(e.Dst, member)
	if err := e.any(v); err != nil {
		return cbordoc.At(err, member)
	}
	e.End()
	e.EndObject()
	return nil
}

// headers writes header lines.
func (e *encoder) headers(h lmz.Headers) error {
	return e.members(cbordoc.ObjectHeaders, "entries", [][2]string(h))
}

// fields writes the members of m with these keys.
func (e *encoder) fields(m map[string]any, keys []string) error {
	for _, key := range keys {
		if err := e.text(key); err != nil {
			return cbordoc.At(err, key)
		}
		if err := e.any(m[key]); err != nil {
			return cbordoc.At(err, key)
		}
	}
	return nil
}

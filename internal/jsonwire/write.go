package jsonwire

import (
	"math"
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// maxTranscoded bounds the translation of a document, in bytes. A typed array is four times
// as long in JSON.
const maxTranscoded = 8 * proto.MaxFrame

// transcodeLimit returns the maximum length of the translation of a document of n bytes. It
// bounds documents with many references to one long text.
func transcodeLimit(n int) int { return min(cbordoc.Budget(n), maxTranscoded) }

// ToJSON translates a CBOR document into the JSON text of the original's encoding, {"json": ...,
// "meta": ...}. Dates are truncated to milliseconds. Integers beyond 2^53 become big integers,
// because a JavaScript number would not be exact. JSON cannot represent 64-bit typed arrays, NaN
// and infinities in float arrays, and bytes in the body of a request: the error names the path to
// the value and its type.
func ToJSON(doc []byte) ([]byte, error) {
	w, err := newJSONWriter(doc)
	if err != nil {
		return nil, err
	}
	if err := w.survey(0); err != nil {
		return nil, err
	}
	return w.document(func() error { return w.valueAt(0) })
}

// jsonWriter translates one document. Each value with two references or more becomes an
// alias, numbered in the order of appearance, as in the original.
type jsonWriter struct {
	cbordoc.Reader
	out     []byte
	limit   int // of out, the aliases and buffered parts
	aside   int // bytes buffered outside out
	counts  []int
	ids     []int // alias of each tag 28, or unwritten
	aliases [][]byte
	objects map[int]*surveyed // by the position of a map's head

	// The code of an answer, and the position of the error that receives it.
	code   lmz.Code
	failed int
}

func newJSONWriter(doc []byte) (*jsonWriter, error) {
	refs, err := cbordoc.Scan(doc)
	if err != nil {
		return nil, err
	}
	w := &jsonWriter{limit: transcodeLimit(len(doc))}
	w.Reader = cbordoc.NewReader(doc, refs, math.MaxInt) // limit bounds it instead
	if w.Refs != nil {
		w.counts = make([]int, len(w.Refs.Marks))
		w.ids = make([]int, len(w.Refs.Marks))
		for i := range w.ids {
			w.ids[i] = cbordoc.Unwritten
		}
	}
	return w, nil
}

// document writes the envelope around what body writes.
func (w *jsonWriter) document(body func() error) ([]byte, error) {
	w.out = append(w.out, `{"json":`...)
	if err := body(); err != nil {
		return nil, err
	}
	w.out = append(w.out, `,"meta":{`...)
	for id, alias := range w.aliases {
		if id == 0 {
			w.out = append(w.out, `"aliases":{"`...)
		} else {
			w.out = append(w.out, ',', '"')
		}
		w.out = append(strconv.AppendInt(w.out, int64(id), 10), '"', ':')
		w.out = append(w.out, alias...)
	}
	if len(w.aliases) > 0 {
		w.out = append(w.out, '}')
	}
	w.out = append(w.out, '}', '}')
	return w.out, nil
}

// valueAt writes the value at pos.
func (w *jsonWriter) valueAt(pos int) error {
	_, err := w.value(pos)
	return err
}

// value writes the value at pos and returns its end.
func (w *jsonWriter) value(pos int) (end int, err error) {
	if err := w.Visit(); err != nil {
		return 0, err
	}
	defer w.Leave()
	if len(w.out)+w.aside > w.limit {
		return 0, cbordoc.TooLarge(w.limit)
	}
	t := w.Token(pos)
	if t.Major == cbordoc.MajorTag {
		switch t.Arg {
		case cbordoc.TagShared:
			return w.sharedHere(t)
		case cbordoc.TagReference:
			n, end := cbordoc.HeadAt(w.Data, t.Next)
			_, err := w.shared(int(n.Arg))
			return end, err
		}
	}
	return w.plain(t)
}

func (w *jsonWriter) sharedHere(t cbordoc.Token) (end int, err error) {
	end, err = w.shared(w.Refs.Number(t.Next))
	if end == 0 && err == nil { // written before
		end = cbordoc.Skip(w.Data, t.Next)
	}
	return end, err
}

// shared writes the value with this number, or a reference to it if it occurs more than once. The
// end is 0 if it was written before.
func (w *jsonWriter) shared(n int) (end int, err error) {
	t := w.Token(w.Refs.Marks[n])
	if w.counts[n] < 2 || w.inlines(t) {
		return w.plain(t)
	}
	if w.ids[n] == cbordoc.Unwritten {
		w.ids[n] = len(w.aliases)
		w.aliases = append(w.aliases, nil)
		body, err := w.apart(func() (err error) {
			end, err = w.plain(t)
			return err
		})
		if err != nil {
			return 0, err
		}
		w.aliases[w.ids[n]] = body
	}
	w.out = append(w.out, `{"$ref":`...)
	w.out = append(strconv.AppendInt(w.out, int64(w.ids[n]), 10), '}')
	return end, nil
}

// inlines reports whether a value is repeated in each place: short values, types that the
// original does not read from an alias, and continuations, which each place evaluates.
func (w *jsonWriter) inlines(t cbordoc.Token) bool {
	switch t.Major {
	case cbordoc.MajorUint, cbordoc.MajorNegint, cbordoc.MajorSimple:
		return true
	case cbordoc.MajorTag:
		if t.Arg == cbordoc.TagObject {
			name, _, _, err := w.ObjectHead(t)
			return err == nil && (name == cbordoc.ObjectContinuation || name == cbordoc.ObjectResult)
		}
		return t.Arg == cbordoc.TagBigPositive || t.Arg == cbordoc.TagBigNegative
	}
	return false
}

// apart returns the output of write without adding it to out.
func (w *jsonWriter) apart(write func() error) ([]byte, error) {
	saved := w.out
	w.aside += len(saved)
	w.out = nil
	err := write()
	written := w.out
	w.out = saved
	w.aside += len(written) - len(saved)
	return written, err
}

// plain writes a value that is not shared.
func (w *jsonWriter) plain(t cbordoc.Token) (end int, err error) {
	switch t.Major {
	case cbordoc.MajorUint, cbordoc.MajorNegint:
		return t.Next, w.integer(cbordoc.Number{Negative: t.Major == cbordoc.MajorNegint, Magnitude: t.Arg})
	case cbordoc.MajorBytes:
		return w.typedArray(t)
	case cbordoc.MajorText:
		b := w.Chunk(t)
		w.out = value.AppendJSONText(w.out, b)
		return t.Next + len(b), nil
	case cbordoc.MajorArray:
		return w.list(t, w.value)
	case cbordoc.MajorMap:
		if w.hasOtherKeys(t) {
			return w.orderedMap(t)
		}
		return w.plainObject(t)
	case cbordoc.MajorTag:
		return w.tagged(t)
	}
	return t.Next, w.simple(t)
}

func (w *jsonWriter) simple(t cbordoc.Token) error {
	switch t.Info {
	case cbordoc.InfoFalse:
		w.out = append(w.out, "false"...)
	case cbordoc.InfoTrue:
		w.out = append(w.out, "true"...)
	case cbordoc.InfoNull:
		w.out = append(w.out, "null"...)
	case cbordoc.InfoUndefined:
		w.out = append(w.out, `{"$type":"undefined"}`...)
	default:
		w.float(t.Float())
	}
	return nil
}

func (w *jsonWriter) float(f float64) {
	if name := specialNumber(f); name != "" {
		w.out = append(w.out, `{"$type":"number-special","value":"`+name+`"}`...)
		return
	}
	w.out = appendJSONFloat(w.out, f)
}

// specialNumber returns the name of a number that JSON cannot represent.
func specialNumber(f float64) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return ""
}

// maxSafeInteger is the largest integer up to which JavaScript's numbers have no gaps.
const maxSafeInteger = 1<<53 - 1

func (w *jsonWriter) integer(n cbordoc.Number) error {
	if n.Negative && n.Magnitude < maxSafeInteger || !n.Negative && n.Magnitude <= maxSafeInteger {
		w.out = strconv.AppendInt(w.out, n.Int64(), 10)
		return nil
	}
	w.bigInteger(n.BigInt().String())
	return nil
}

func (w *jsonWriter) bigInteger(decimal string) {
	w.out = append(w.out, `{"$type":"bigint","value":"`+decimal+`"}`...)
}

// list writes the elements of an array, each with element.
func (w *jsonWriter) list(t cbordoc.Token, element func(pos int) (int, error)) (end int, err error) {
	w.out = append(w.out, '[')
	pos := t.Next
	for i := range int(t.Arg) {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if pos, err = element(pos); err != nil {
			return 0, cbordoc.At(err, cbordoc.Index(i))
		}
	}
	w.out = append(w.out, ']')
	return pos, nil
}

// plainObject writes a map with text keys, in JavaScript's order.
func (w *jsonWriter) plainObject(t cbordoc.Token) (end int, err error) {
	w.out = append(w.out, '{')
	defer func() { w.out = append(w.out, '}') }()
	if s := w.objects[t.Pos]; s != nil {
		for i, m := range s.members {
			if err := w.member(i > 0, m.name, m.value); err != nil {
				return 0, err
			}
		}
		return s.end, nil
	}
	pos := t.Next
	for i := range int(t.Arg) {
		key := w.Token(pos)
		name := w.Chunk(key)
		w.name(i > 0, name)
		if pos, err = w.value(key.Next + len(name)); err != nil {
			return 0, cbordoc.At(err, string(name))
		}
	}
	return pos, nil
}

// member writes a member of an object with the value at pos.
func (w *jsonWriter) member(comma bool, name []byte, pos int) error {
	w.name(comma, name)
	return cbordoc.At(w.valueAt(pos), string(name))
}

// name writes the name of a member. A leading $ is doubled.
func (w *jsonWriter) name(comma bool, name []byte) {
	if comma {
		w.out = append(w.out, ',')
	}
	if len(name) > 0 && name[0] == '$' {
		name = append([]byte{'$'}, name...)
	}
	w.out = append(value.AppendJSONText(w.out, name), ':')
}

// orderedMap writes a Map.
func (w *jsonWriter) orderedMap(t cbordoc.Token) (end int, err error) {
	w.out = append(w.out, `{"$type":"map","entries":[`...)
	pos := t.Next
	var known cbordoc.Distinct
	for i := range int(t.Arg) {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, '[')
		if pos, err = w.distinct(&known, int(t.Arg), pos); err != nil {
			return 0, cbordoc.At(cbordoc.At(err, "key"), cbordoc.Index(i))
		}
		w.out = append(w.out, ',')
		if pos, err = w.value(pos); err != nil {
			return 0, cbordoc.At(err, cbordoc.Index(i))
		}
		w.out = append(w.out, ']')
	}
	w.out = append(w.out, ']', '}')
	return pos, nil
}

// distinct writes the value at pos, one of n keys of a Map or elements of a Set, and returns its
// end. It refuses one that JavaScript would consider equal to another and merge with it.
func (w *jsonWriter) distinct(known *cbordoc.Distinct, n, pos int) (end int, err error) {
	if end, err = w.value(pos); err != nil || n == 1 {
		return end, err
	}
	mark := 0
	if t := w.Token(pos); t.Major == cbordoc.MajorTag && t.Arg == cbordoc.TagShared {
		mark = w.Refs.Number(t.Next)
	}
	if !known.Add(w.Data[pos:end], mark) {
		return 0, cbordoc.ErrNotDistinct()
	}
	return end, nil
}

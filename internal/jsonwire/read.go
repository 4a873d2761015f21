package jsonwire

import (
	"math"
	"strconv"

	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// The members with a meaning in the encoding of the original.
const (
	jsonType = "$type"
	jsonRef  = "$ref"
)

// FromJSON turns a JSON text of the original's encoding, {"json": ..., "meta": ...}, into a CBOR
// document. It accepts what the original accepts, except values that would change their meaning:
// dates, big integers, typed arrays and the like that cannot be read, half surrogate pairs, and
// values nested deeper than [value.MaxNesting] through references. The error for these names the
// path to them.
func FromJSON(text []byte) ([]byte, error) {
	doc, err := scanJSON(text)
	if err != nil {
		return nil, err
	}
	return newJSONReader(doc).document(0, (*jsonReader).value)
}

// Encode is [value.Marshal] and [ToJSON].
func Encode(v any) ([]byte, error) {
	doc, err := value.Marshal(v)
	if err != nil {
		return nil, err
	}
	return ToJSON(doc)
}

// Decode is [FromJSON] and [value.Parse].
func Decode(text []byte) (value.Item, error) {
	doc, err := FromJSON(text)
	if err != nil {
		return value.Item{}, err
	}
	return value.Parse(doc)
}

// jsonReader turns a part of a JSON text into one CBOR document.
type jsonReader struct {
	cbordoc.Writer
	*jsonDoc
	limit   int
	work    int // remaining number of members and elements that may be visited
	depth   int // of values, including expanded references
	aliases map[int]*jsonAlias
	code    int32 // the token that says who failed, which is not a property; 0 for none
}

// jsonAlias is an object that other places refer to.
type jsonAlias struct {
	token  int32
	number int // of its tag 28, or unwritten
}

func newJSONReader(doc *jsonDoc) *jsonReader {
	return &jsonReader{jsonDoc: doc, limit: transcodeLimit(len(doc.text)), work: workBase + workPerToken*len(doc.tokens)}
}

// Bounds of the work of a reader, including references that it expands: a chain of references
// could otherwise cause exponential work.
const (
	workBase     = 1 << 12
	workPerToken = 8
)

// membersOf is the document's membersOf and counts its work.
func (r *jsonReader) membersOf(i int32) (jsonMembers, error) {
	if r.work < 0 {
		return nil, r.did(0)
	}
	members, err := r.jsonDoc.membersOf(i)
	if err != nil {
		return nil, err
	}
	return members, r.did(cap(members) + 1) // cap includes duplicates
}

func (r *jsonReader) did(n int) error {
	if r.work -= n; r.work < 0 {
		return &cbordoc.Error{What: "its references ask for too much work"}
	}
	return nil
}

// document writes the encoded value at token i with write. Like the original it reads undefined
// from anything that is not an object or has no value in it.
func (r *jsonReader) document(i int32, write func(*jsonReader, int32) error) ([]byte, error) {
	switch r.tokens[i].kind {
	case jsonNull:
		return nil, &cbordoc.Error{What: "null where an encoded value belongs"}
	case jsonObject:
	default:
		return value.UndefinedDocument, nil
	}
	body, meta := int32(-1), int32(-1)
	for key := i + 1; key < r.tokens[i].next; key = r.tokens[key+1].next {
		switch {
		case r.is(key, "json"):
			body = key + 1
		case r.is(key, "meta"):
			meta = key + 1
		}
	}
	if body < 0 {
		return value.UndefinedDocument, nil
	}
	if meta >= 0 {
		r.findAliases(meta)
	}
	if err := write(r, body); err != nil {
		return nil, err
	}
	return r.Dst, nil
}

func (r *jsonReader) findAliases(meta int32) {
	if r.tokens[meta].kind != jsonObject {
		return
	}
	r.aliases = nil
	for key := meta + 1; key < r.tokens[meta].next; key = r.tokens[key+1].next {
		if !r.is(key, "aliases") || r.tokens[key+1].kind != jsonObject {
			continue
		}
		r.aliases = make(map[int]*jsonAlias)
		for id := key + 2; id < r.tokens[key+1].next; id = r.tokens[id+1].next {
			if n, ok := arrayIndex(r.chars(id)); ok {
				r.aliases[int(n)] = &jsonAlias{id + 1, cbordoc.Unwritten}
			}
		}
	}
}

// enter begins a value, which may be written several times if others refer to it; leave ends it.
func (r *jsonReader) enter() error {
	if len(r.Dst) > r.limit {
		return cbordoc.TooLarge(r.limit)
	}
	if r.depth++; r.depth > maxJSONNesting {
		return &cbordoc.Error{What: "nested too deeply through references"}
	}
	return nil
}

func (r *jsonReader) leave() { r.depth-- }

// value writes the value at token i.
func (r *jsonReader) value(i int32) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	switch r.tokens[i].kind {
	case jsonObject:
		return r.object(i)
	case jsonArray:
		return r.array(i)
	}
	return r.scalar(i)
}

func (r *jsonReader) scalar(i int32) error {
	switch r.tokens[i].kind {
	case jsonText:
		return r.textOf(i)
	case jsonNumber:
		r.Dst = appendJSNumber(r.Dst, r.float(i))
	case jsonTrue, jsonFalse:
		r.Dst = cbordoc.AppendBool(r.Dst, r.tokens[i].kind == jsonTrue)
	default:
		r.Dst = append(r.Dst, cbordoc.ByteNull)
	}
	return nil
}

// appendJSNumber appends a JavaScript number, as an integer if it is one.
func appendJSNumber(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) <= maxSafeInteger && (f != 0 || !math.Signbit(f)) {
		return cbordoc.AppendInt(dst, int64(f))
	}
	return cbordoc.AppendFloat(dst, f)
}

// textOf writes the text at token i.
func (r *jsonReader) textOf(i int32) error {
	if !r.tokens[i].escaped {
		raw := r.chars(i)
		r.Dst = append(cbordoc.AppendHead(r.Dst, cbordoc.MajorText, uint64(len(raw))), raw...)
		return nil
	}
	text, err := r.string(i)
	if err != nil {
		return err
	}
	r.Dst = cbordoc.AppendText(r.Dst, text)
	return nil
}

// elements returns the tokens of the elements of the array at token i, and false if it is
// not an array.
func (r *jsonReader) elements(i int32) ([]int32, bool) {
	if i < 0 || r.tokens[i].kind != jsonArray || r.work < 0 {
		return nil, false
	}
	var elements []int32
	for element := i + 1; element < r.tokens[i].next; element = r.tokens[element].next {
		elements = append(elements, element)
	}
	return elements, r.did(len(elements)+1) == nil
}

func (r *jsonReader) array(i int32) error {
	elements, _ := r.elements(i)
	return r.list(elements, r.value)
}

// list writes an array with each element.
func (r *jsonReader) list(elements []int32, each func(int32) error) error {
	if err := r.Begin(cbordoc.MajorArray, uint64(len(elements))); err != nil {
		return err
	}
	for n, element := range elements {
		if err := each(element); err != nil {
			return cbordoc.At(err, cbordoc.Index(n))
		}
	}
	r.End()
	return nil
}

// object writes an object that occurs in a value.
func (r *jsonReader) object(i int32) error {
	members, err := r.membersOf(i)
	if err != nil {
		return err
	}
	if id := members.value(jsonRef); id >= 0 && len(members) == 1 {
		return r.reference(id)
	}
	return r.body(members, false)
}

// body writes an object that is not a reference. In an alias, some types without an identity in
// JavaScript are plain objects, as in the original.
func (r *jsonReader) body(members jsonMembers, inAlias bool) error {
	tag := members.value(jsonType)
	if tag >= 0 && r.tokens[tag].kind == jsonText {
		name, err := r.string(tag)
		if err != nil {
			return err
		}
		if write := jsonTypeOf(name); write != nil && !(inAlias && withoutIdentity(name)) {
			return write(r, members)
		}
	}
	if r.isContinuation(members) {
		return r.continuation(members)
	}
	return r.plain(members)
}

func withoutIdentity(name string) bool {
	return name == "undefined" || name == "bigint" || name == "number-special"
}

// reference writes the alias with the number at token i, or undefined if there is none.
func (r *jsonReader) reference(i int32) error {
	alias := r.alias(i)
	if alias == nil {
		r.Dst = append(r.Dst, cbordoc.ByteUndefined)
		return nil
	}
	t := r.tokens[alias.token]
	switch {
	case t.kind != jsonObject && t.kind != jsonArray && t.kind != jsonText:
		return r.scalar(alias.token)
	case alias.number != cbordoc.Unwritten:
		return r.Writer.Reference(alias.number)
	}
	if t.kind == jsonObject {
		members, err := r.membersOf(alias.token)
		if err != nil {
			return err
		}
		if r.isContinuation(members) { // a continuation has no identity: each place evaluates it
			return r.nested(members)
		}
		return r.marked(alias, func() error { return r.body(members, true) })
	}
	return r.marked(alias, func() error { return r.value(alias.token) })
}

// marked writes an alias for the first time.
func (r *jsonReader) marked(alias *jsonAlias, write func() error) error {
	alias.number = r.Marks
	if err := r.Mark(); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	r.End()
	return nil
}

func (r *jsonReader) isContinuation(members jsonMembers) bool {
	flag := members.value(nestedFlag)
	return flag >= 0 && r.tokens[flag].kind == jsonTrue && members.value(jsonType) < 0
}

// nested writes a continuation that is referred to.
func (r *jsonReader) nested(members jsonMembers) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	return r.continuation(members)
}

func (r *jsonReader) alias(i int32) *jsonAlias {
	if r.tokens[i].kind != jsonNumber {
		return nil
	}
	f := r.float(i)
	if f != math.Trunc(f) || f < 0 || f > math.MaxInt32 {
		return nil
	}
	return r.aliases[int(f)]
}

// resolve returns the token that a reference at i stands for, or i if it is not a reference.
func (r *jsonReader) resolve(i int32) int32 {
	if i < 0 || r.tokens[i].kind != jsonObject || i+2 >= r.tokens[i].next || !r.is(i+1, jsonRef) || r.tokens[i+2].next != r.tokens[i].next {
		return i
	}
	if alias := r.alias(i + 2); alias != nil {
		return alias.token
	}
	return i
}

// plain writes a plain object.
func (r *jsonReader) plain(members jsonMembers) error {
	members = members.unescaped()
	if err := r.Begin(cbordoc.MajorMap, uint64(len(members))); err != nil {
		return err
	}
	for _, m := range members {
		if err := r.member(m); err != nil {
			return err
		}
	}
	r.End()
	return nil
}

func (r *jsonReader) member(m jsonMember) error {
	r.Dst = cbordoc.AppendText(r.Dst, m.name)
	if m.name == jsonType && !m.wasEscaped { // unknown types are left unchanged
		return cbordoc.At(r.rawValue(m.token), m.name)
	}
	return cbordoc.At(r.value(m.token), m.name)
}

// rawValue writes plain JSON, in which no member has a special meaning.
func (r *jsonReader) rawValue(i int32) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	switch r.tokens[i].kind {
	case jsonArray:
		elements, _ := r.elements(i)
		return r.list(elements, r.rawValue)
	case jsonObject:
		return r.rawObject(i)
	}
	return r.scalar(i)
}

func (r *jsonReader) rawObject(i int32) error {
	members, err := r.membersOf(i)
	if err != nil {
		return err
	}
	if err := r.Begin(cbordoc.MajorMap, uint64(len(members))); err != nil {
		return err
	}
	for _, m := range members {
		r.Dst = cbordoc.AppendText(r.Dst, m.name)
		if err := r.rawValue(m.token); err != nil {
			return cbordoc.At(err, m.name)
		}
	}
	r.End()
	return nil
}

// describe returns the name of a value's type for an error message.
func (d *jsonDoc) describe(i int32) string {
	if i < 0 {
		return "nothing"
	}
	switch t := d.tokens[i]; t.kind {
	case jsonObject:
		return "object"
	case jsonArray:
		return "array"
	case jsonText:
		return "string"
	case jsonNumber:
		return "the number " + cbordoc.Shorten(string(d.chars(i)))
	case jsonNull:
		return "null"
	default:
		return strconv.FormatBool(t.kind == jsonTrue)
	}
}

package proto

import (
	"math/big"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
)

// Marshal encodes v as one CBOR data item. What cannot be sent is an error that
// names the path to it and its type.
func Marshal(v any) ([]byte, error) {
	return Append(nil, v)
}

// Append is Marshal onto dst. On an error it returns dst as it was.
func Append(dst []byte, v any) ([]byte, error) {
	if text, ok := v.(string); ok && validText(text) { // most results, without an encoder
		if dst == nil {
			dst = make([]byte, 0, len(text)+maxHead)
		}
		return appendText(dst, text), nil
	}
	e := encoder{dst: dst}
	start := len(dst)
	if err := e.any(v); err != nil {
		return dst, err
	}
	if e.shared == nil {
		return e.dst, nil
	}
	// Something is reachable in two ways. Write again, now knowing what.
	e = encoder{dst: e.dst[:start], known: true, shared: e.shared}
	if err := e.any(v); err != nil {
		return dst, err
	}
	return e.dst, nil
}

// AppendChain appends the chain of c: an array in which a text names a method and
// an array holds the arguments it is called with. It refuses a chain over the
// limits of package lmz, at any depth.
func AppendChain(dst []byte, c lmz.Continuation) ([]byte, error) {
	return Append(dst, bareChain{c})
}

// MarshalChain is AppendChain onto nothing.
func MarshalChain(c lmz.Continuation) ([]byte, error) {
	return AppendChain(nil, c)
}

// UnmarshalChain reads what MarshalChain wrote.
func UnmarshalChain(data []byte) (lmz.Continuation, error) {
	it, err := Parse(data)
	if err != nil {
		return lmz.Continuation{}, err
	}
	d := newDecoder(it, budgetBase+budgetPerByte*len(it.data))
	x, _, err := d.continuation(it.contents())
	if err != nil {
		return lmz.Continuation{}, err
	}
	return x.(lmz.Continuation), nil
}

// maxHead is the length of the longest head.
const maxHead = 9

// bareChain has a continuation encoded without its tag.
type bareChain struct{ lmz.Continuation }

// encoder writes one document. A value that is reachable in two ways is found out
// on the first pass, whose output is then thrown away: on the second, known is set
// and shared holds the numbers of such values.
type encoder struct {
	dst    []byte
	depth  int  // of arrays, maps and tags around dst's end
	marks  int  // tags 28 written so far
	known  bool // second pass
	flat   bool // writing a map key to sort by: pointers are left out
	met    identities
	shared map[identity]int // number, or unwritten
	copied map[*references][]int
}

// maxDocument bounds what one value becomes, in bytes. A value that was decoded
// from a small document may hold one long text very often.
const maxDocument = 64 << 20

// any encodes v. It knows the most frequent types itself and leaves the others to
// reflection.
func (e *encoder) any(v any) error {
	if len(e.dst) > maxDocument {
		return tooLarge(maxDocument)
	}
	switch v := v.(type) {
	case nil:
		e.dst = append(e.dst, byteNull)
	case bool:
		e.dst = appendBool(e.dst, v)
	case string:
		return e.text(v)
	case int:
		e.dst = appendInt(e.dst, int64(v))
	case int64:
		e.dst = appendInt(e.dst, v)
	case uint64:
		e.dst = appendHead(e.dst, majorUint, v)
	case float64:
		e.dst = appendFloat(e.dst, v)
	case lmz.Undefined:
		e.dst = append(e.dst, byteUndefined)
	case lmz.Continuation:
		return e.continuation(v)
	case bareChain:
		return e.chain(v.Continuation)
	case Item:
		return e.item(v)
	default:
		if v == any(lmz.Result) {
			return e.result()
		}
		return e.reflected(reflect.ValueOf(v))
	}
	return nil
}

// begin opens an array, map or tag; end closes it.
func (e *encoder) begin(major byte, arg uint64) error {
	if e.depth == MaxNesting {
		return &valueError{what: "nested deeper than " + strconv.Itoa(MaxNesting)}
	}
	e.depth++
	e.dst = appendHead(e.dst, major, arg)
	return nil
}

func (e *encoder) end() { e.depth-- }

func (e *encoder) text(s string) error {
	if len(e.dst)+len(s) > maxDocument {
		return tooLarge(maxDocument)
	}
	if !validText(s) {
		return &valueError{what: "the string is not valid UTF-8; send it as []byte"}
	}
	e.dst = appendText(e.dst, s)
	return nil
}

// object opens tag 27 for a type name and one more element; endObject closes it.
func (e *encoder) object(name string) error {
	if err := e.begin(majorTag, tagObject); err != nil {
		return err
	}
	if err := e.begin(majorArray, 2); err != nil {
		return err
	}
	e.dst = appendText(e.dst, name)
	return nil
}

func (e *encoder) endObject() {
	e.end()
	e.end()
}

// continuation writes nested work.
func (e *encoder) continuation(c lmz.Continuation) error {
	if err := e.object(objectContinuation); err != nil {
		return err
	}
	if err := e.chain(c); err != nil {
		return err
	}
	e.endObject()
	return nil
}

func (e *encoder) result() error {
	if err := e.begin(majorTag, tagObject); err != nil {
		return err
	}
	e.dst = appendText(appendHead(e.dst, majorArray, 1), objectResult)
	e.end()
	return nil
}

func (e *encoder) chain(c lmz.Continuation) error {
	ops := c.Ops()
	switch {
	case len(ops) == 0:
		return &valueError{what: "the continuation is empty: make one with lmz.Ctn"}
	case 2*len(ops) > lmz.MaxOperations:
		return &valueError{what: "the chain has " + strconv.Itoa(2*len(ops)) + " operations, more than " +
			strconv.Itoa(lmz.MaxOperations) + " (naming a method and calling it are two)"}
	}
	if err := e.begin(majorArray, uint64(2*len(ops))); err != nil {
		return err
	}
	for _, op := range ops {
		if err := e.op(op); err != nil {
			return at(err, op.Method)
		}
	}
	e.end()
	return nil
}

func (e *encoder) op(op lmz.Op) error {
	if len(op.Args) > lmz.MaxArguments {
		return &valueError{what: strconv.Itoa(len(op.Args)) + " arguments, more than " + strconv.Itoa(lmz.MaxArguments)}
	}
	if err := e.text(op.Method); err != nil {
		return err
	}
	if err := e.begin(majorArray, uint64(len(op.Args))); err != nil {
		return err
	}
	for i, arg := range op.Args {
		if err := e.any(arg); err != nil {
			return at(at(err, index(i)), "args")
		}
	}
	e.end()
	return nil
}

// date writes t in UTC. RFC 3339 ends with the year 9999; JavaScript's dates do
// not, and go as seconds then.
func (e *encoder) date(t time.Time) error {
	t = t.UTC()
	if year := t.Year(); year >= 0 && year <= 9999 {
		if err := e.begin(majorTag, tagDateText); err != nil {
			return err
		}
		var buffer [len(time.RFC3339Nano)]byte
		text := t.AppendFormat(buffer[:0], time.RFC3339Nano)
		e.dst = append(appendHead(e.dst, majorText, uint64(len(text))), text...)
		e.end()
		return nil
	}
	if seconds := t.Unix(); seconds > maxEpoch || seconds < -maxEpoch {
		return &valueError{what: "the date is out of range"}
	}
	if err := e.begin(majorTag, tagDateEpoch); err != nil {
		return err
	}
	t = t.Round(time.Millisecond) // all that a float is exact to there, and that JavaScript has
	if t.Nanosecond() == 0 {
		e.dst = appendInt(e.dst, t.Unix())
	} else {
		e.dst = appendFloat(e.dst, float64(t.Unix())+float64(t.Nanosecond())/1e9)
	}
	e.end()
	return nil
}

func (e *encoder) bigInt(i *big.Int) error {
	tag := uint64(tagBigPositive)
	if i.Sign() < 0 {
		tag = tagBigNegative
		i = new(big.Int).Not(i)
	}
	return e.tagged(tag, func() { e.dst = appendBytes(e.dst, i.Bytes()) })
}

func (e *encoder) url(u *url.URL) error {
	text := u.String()
	if !validText(text) {
		return &valueError{what: "the URL is not valid UTF-8"}
	}
	return e.tagged(tagURL, func() { e.dst = appendText(e.dst, text) })
}

func (e *encoder) regExp(r lmz.RegExp) error {
	if !validText(r.Source) || !validText(r.Flags) {
		return &valueError{what: "the regular expression is not valid UTF-8"}
	}
	if err := e.begin(majorTag, tagRegExp); err != nil {
		return err
	}
	err := e.textPair(r.Source, r.Flags)
	e.end()
	return err
}

func (e *encoder) textPair(a, b string) error {
	if err := e.begin(majorArray, 2); err != nil {
		return err
	}
	e.dst = appendText(appendText(e.dst, a), b)
	e.end()
	return nil
}

func (e *encoder) tagged(tag uint64, content func()) error {
	if err := e.begin(majorTag, tag); err != nil {
		return err
	}
	content()
	e.end()
	return nil
}

// boxed writes a primitive object under the name of its class.
func (e *encoder) boxed(b lmz.Boxed) error {
	name, ok := boxedName(b.Value)
	if !ok {
		return &valueError{what: "lmz.Boxed holds " + typeName(b.Value) + ", which is not a primitive"}
	}
	return e.members(name, "value", b.Value)
}

func boxedName(v any) (name string, ok bool) {
	if _, isBig := v.(*big.Int); isBig {
		return "BigInt", true
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.Bool:
		return "Boolean", true
	case reflect.String:
		return "String", true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return "Number", true
	}
	return "", false
}

// members writes an object with one member.
func (e *encoder) members(name, member string, v any) error {
	if err := e.object(name); err != nil {
		return err
	}
	if err := e.begin(majorMap, 1); err != nil {
		return err
	}
	e.dst = appendText(e.dst, member)
	if err := e.any(v); err != nil {
		return at(err, member)
	}
	e.end()
	e.endObject()
	return nil
}

// headers writes header lines.
func (e *encoder) headers(h lmz.Headers) error {
	return e.members(objectHeaders, "entries", [][2]string(h))
}

// fields writes the members of m with these keys.
func (e *encoder) fields(m map[string]any, keys []string) error {
	for _, key := range keys {
		if err := e.text(key); err != nil {
			return at(err, key)
		}
		if err := e.any(m[key]); err != nil {
			return at(err, key)
		}
	}
	return nil
}

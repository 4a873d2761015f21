package jsonwire

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// jsonTypeOf returns the function that writes the objects of a type of the original, or nil
// for an unknown type.
func jsonTypeOf(name string) func(*jsonReader, jsonMembers) error {
	switch name {
	case "undefined":
		return (*jsonReader).undefined
	case "bigint":
		return (*jsonReader).bigIntValue
	case "number-special":
		return (*jsonReader).special
	case "date":
		return (*jsonReader).dateValue
	case "regexp":
		return (*jsonReader).regExpValue
	case "map":
		return (*jsonReader).orderedMap
	case "set":
		return (*jsonReader).set
	case "error":
		return (*jsonReader).errorValue
	case "headers":
		return (*jsonReader).headersValue
	case "url":
		return (*jsonReader).urlValue
	case "arraybuffer":
		return (*jsonReader).buffer
	case "boolean-object":
		return (*jsonReader).boxedBoolean
	case "number-object":
		return (*jsonReader).boxedNumber
	case "string-object":
		return (*jsonReader).boxedString
	case "bigint-object":
		return (*jsonReader).boxedBigInt
	case "request-sync":
		return (*jsonReader).request
	case "response-sync":
		return (*jsonReader).response
	case "function":
		return (*jsonReader).function
	}
	return nil
}

// memberText returns the text of the member with this name.
func (r *jsonReader) memberText(members jsonMembers, name string) (string, error) {
	i := members.value(name)
	if i < 0 || r.tokens[i].kind != jsonText {
		return "", r.wrong(i, name, "a string")
	}
	text, err := r.string(i)
	return text, cbordoc.At(err, name)
}

// wrong returns the error for a member that does not fit the type of its object.
func (r *jsonReader) wrong(i int32, name, expected string) error {
	return cbordoc.At(&cbordoc.Error{What: "expected " + expected + ", got " + r.describe(i)}, name)
}

func (r *jsonReader) undefined(jsonMembers) error {
	r.Dst = append(r.Dst, cbordoc.ByteUndefined)
	return nil
}

// bigIntOf reads decimal digits, at most as many as the writer produces.
func (r *jsonReader) bigIntOf(members jsonMembers) (*big.Int, error) {
	text, err := r.memberText(members, "value")
	if err != nil {
		return nil, err
	}
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 3*maxBigBytes {
		return nil, &cbordoc.Error{What: strconv.Quote(cbordoc.Shorten(text)) + " is no big integer"}
	}
	i, _ := new(big.Int).SetString(text, 10)
	return i, nil
}

// bigIntValue writes a big integer, as an integer if no JavaScript number has that value.
func (r *jsonReader) bigIntValue(members jsonMembers) error {
	i, err := r.bigIntOf(members)
	if err != nil {
		return err
	}
	small := i.IsInt64() && max(i.Int64(), -i.Int64()) <= maxSafeInteger && i.Int64() != math.MinInt64
	switch {
	case small:
	case i.IsInt64():
		r.Dst = cbordoc.AppendInt(r.Dst, i.Int64())
		return nil
	case i.IsUint64():
		r.Dst = cbordoc.AppendHead(r.Dst, cbordoc.MajorUint, i.Uint64())
		return nil
	case new(big.Int).Not(i).IsUint64():
		r.Dst = cbordoc.AppendHead(r.Dst, cbordoc.MajorNegint, new(big.Int).Not(i).Uint64())
		return nil
	}
	return r.BigInt(i)
}

func (r *jsonReader) special(members jsonMembers) error {
	text, err := r.memberText(members, "value")
	if err != nil {
		return err
	}
	f, ok := specialFloat(text)
	if !ok {
		return cbordoc.At(&cbordoc.Error{What: strconv.Quote(cbordoc.Shorten(text)) + " is no special number"}, "value")
	}
	r.Dst = cbordoc.AppendFloat(r.Dst, f)
	return nil
}

// specialFloat is the inverse of specialNumber.
func specialFloat(name string) (float64, bool) {
	for _, f := range [...]float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if specialNumber(f) == name {
			return f, true
		}
	}
	return 0, false
}

func (r *jsonReader) dateValue(members jsonMembers) error {
	text, err := r.memberText(members, "iso")
	if err != nil {
		return err
	}
	date, ok := parseISO(text)
	if !ok {
		return cbordoc.At(&cbordoc.Error{What: strconv.Quote(cbordoc.Shorten(text)) + " is no date"}, "iso")
	}
	return r.Date(date)
}

// parseISO reads RFC 3339, and JavaScript's form with six digits for the year.
func parseISO(text string) (time.Time, bool) {
	if text == "" || text[0] != '+' && text[0] != '-' {
		t, err := time.Parse(time.RFC3339Nano, text)
		return t, err == nil
	}
	if len(text) < 8 || text[7] != '-' {
		return time.Time{}, false
	}
	year, err := strconv.Atoi(text[:7])
	if err != nil {
		return time.Time{}, false
	}
	// The calendar repeats every 400 years, so this year has the same days.
	repeated := ((year%400)+400)%400 + 2000
	t, err := time.Parse(time.RFC3339Nano, strconv.Itoa(repeated)+text[7:])
	if err != nil {
		return time.Time{}, false
	}
	t = t.AddDate(year-repeated, 0, 0)
	ms := t.UnixMilli()
	return t, ms <= maxJSDate && ms >= -maxJSDate
}

func (r *jsonReader) regExpValue(members jsonMembers) error {
	source, err := r.memberText(members, "source")
	if err != nil {
		return err
	}
	flags, err := r.memberText(members, "flags")
	if err != nil {
		return err
	}
	if err := r.Begin(cbordoc.MajorTag, cbordoc.TagRegExp); err != nil {
		return err
	}
	err = r.TextPair(source, flags)
	r.End()
	return err
}

func (r *jsonReader) urlValue(members jsonMembers) error {
	href, err := r.memberText(members, "href")
	if err != nil {
		return err
	}
	return r.Tagged(cbordoc.TagURL, func() { r.Dst = cbordoc.AppendText(r.Dst, href) })
}

func (r *jsonReader) orderedMap(members jsonMembers) error {
	i := members.value("entries")
	entries, ok := r.elements(i)
	if !ok {
		return r.wrong(i, "entries", "an array")
	}
	if err := r.Begin(cbordoc.MajorTag, cbordoc.TagMap); err != nil {
		return err
	}
	if err := r.Begin(cbordoc.MajorMap, uint64(len(entries))); err != nil {
		return err
	}
	known := make(map[string]struct{}, len(entries))
	for n, entry := range entries {
		if err := r.entry(entry, known); err != nil {
			return cbordoc.At(err, cbordoc.Index(n))
		}
	}
	r.End()
	r.End()
	return nil
}

// entry writes one entry of a Map. A key that is compared by its value must not occur twice.
func (r *jsonReader) entry(i int32, known map[string]struct{}) error {
	pair, ok := r.elements(i)
	if !ok || len(pair) != 2 {
		return &cbordoc.Error{What: "an entry of a Map is " + r.describe(i)}
	}
	start := len(r.Dst)
	if err := r.value(pair[0]); err != nil {
		return cbordoc.At(err, "key")
	}
	if key := r.Dst[start:]; cbordoc.IsScalar(key) {
		if _, twice := known[string(key)]; twice {
			return cbordoc.At(&cbordoc.Error{What: "the key occurs twice"}, "key")
		}
		known[string(key)] = struct{}{}
	}
	return r.value(pair[1])
}

func (r *jsonReader) set(members jsonMembers) error {
	i := members.value("values")
	values, ok := r.elements(i)
	if !ok {
		return r.wrong(i, "values", "an array")
	}
	if err := r.Begin(cbordoc.MajorTag, cbordoc.TagSet); err != nil {
		return err
	}
	var known cbordoc.Distinct
	err := r.list(values, func(i int32) error {
		start := len(r.Dst)
		if err := r.value(i); err != nil {
			return err
		}
		if element := r.Dst[start:]; cbordoc.IsScalar(element) && !known.Add(element, 0) {
			return cbordoc.ErrNotDistinct()
		}
		return nil
	})
	r.End()
	return err
}

// function writes a function as the original does: as an object with its name.
func (r *jsonReader) function(members jsonMembers) error {
	var kept jsonMembers
	for _, m := range members {
		if m.name != jsonType {
			kept = append(kept, m)
		}
	}
	return r.plain(kept)
}

// openMembers opens a typed object with n members; closeMembers closes it.
func (r *jsonReader) openMembers(class string, n int) error {
	if err := r.Writer.Object(class); err != nil {
		return err
	}
	return r.Begin(cbordoc.MajorMap, uint64(n))
}

func (r *jsonReader) closeMembers() {
	r.End()
	r.EndObject()
}

// boxedAs writes a primitive object whose value write writes.
func (r *jsonReader) boxedAs(class string, write func() error) error {
	if err := r.openMembers(class, 1); err != nil {
		return err
	}
	r.Dst = cbordoc.AppendText(r.Dst, "value")
	if err := write(); err != nil {
		return err
	}
	r.closeMembers()
	return nil
}

func (r *jsonReader) boxedBoolean(members jsonMembers) error {
	i := members.value("value")
	if i < 0 || r.tokens[i].kind != jsonTrue && r.tokens[i].kind != jsonFalse {
		return r.wrong(i, "value", "a boolean")
	}
	return r.boxedAs("Boolean", func() error { return r.scalar(i) })
}

func (r *jsonReader) boxedNumber(members jsonMembers) error {
	i := members.value("value")
	if i >= 0 && r.tokens[i].kind == jsonNumber {
		return r.boxedAs("Number", func() error { return r.scalar(i) })
	}
	return r.boxedAs("Number", func() error { return r.special(members) })
}

func (r *jsonReader) boxedString(members jsonMembers) error {
	text, err := r.memberText(members, "value")
	if err != nil {
		return err
	}
	return r.boxedAs("String", func() error {
		r.Dst = cbordoc.AppendText(r.Dst, text)
		return nil
	})
}

func (r *jsonReader) boxedBigInt(members jsonMembers) error {
	i, err := r.bigIntOf(members)
	if err != nil {
		return err
	}
	return r.boxedAs("BigInt", func() error { return r.BigInt(i) })
}

// arrayTag describes how one kind of typed array is sent.
type arrayTag struct {
	tag  uint64
	size int
	put  func(b []byte, f float64)
}

// arrayTags are the typed arrays whose elements JSON can represent.
var arrayTags = map[string]arrayTag{
	"Int8Array":         {cbordoc.TagInt8, 1, func(b []byte, f float64) { b[0] = byte(wrapped(f)) }},
	"Uint8ClampedArray": {cbordoc.TagClamped, 1, func(b []byte, f float64) { b[0] = clamped(f) }},
	"Int16Array":        {cbordoc.TagInt16, 2, putUint16},
	"Uint16Array":       {cbordoc.TagUint16, 2, putUint16},
	"Int32Array":        {cbordoc.TagInt32, 4, putUint32},
	"Uint32Array":       {cbordoc.TagUint32, 4, putUint32},
	"Float32Array": {cbordoc.TagFloat32, 4, func(b []byte, f float64) {
		binary.LittleEndian.PutUint32(b, math.Float32bits(float32(f)))
	}},
	"Float64Array": {cbordoc.TagFloat64, 8, func(b []byte, f float64) {
		binary.LittleEndian.PutUint64(b, math.Float64bits(f))
	}},
}

func putUint16(b []byte, f float64) { binary.LittleEndian.PutUint16(b, uint16(wrapped(f))) }
func putUint32(b []byte, f float64) { binary.LittleEndian.PutUint32(b, wrapped(f)) }

// wrapped is JavaScript's conversion to 32 bits; the low bits are its conversion to shorter
// integers.
func wrapped(f float64) uint32 {
	if math.IsInf(f, 0) {
		return 0
	}
	return uint32(int64(math.Mod(math.Trunc(f), 1<<32)))
}

func clamped(f float64) byte { return byte(math.RoundToEven(min(max(f, 0), 255))) }

// buffer writes an ArrayBuffer, a DataView or a typed array.
func (r *jsonReader) buffer(members jsonMembers) error {
	class, err := r.memberText(members, "subtype")
	if err != nil {
		return err
	}
	switch class {
	case "Uint8Array":
		return r.bytes(members)
	case "ArrayBuffer":
		return r.bufferObject(class, "bytes", 1, members)
	case "DataView":
		return r.bufferObject(class, "buffer", 3, members)
	}
	kind, known := arrayTags[class]
	if !known {
		return &cbordoc.Error{What: "a " + strconv.Quote(cbordoc.Shorten(class)) + " cannot be read from JSON"}
	}
	if err := r.Begin(cbordoc.MajorTag, kind.tag); err != nil {
		return err
	}
	err = r.packed(members, kind.size, kind.put)
	r.End()
	return err
}

func (r *jsonReader) bytes(members jsonMembers) error {
	return r.packed(members, 1, func(b []byte, f float64) { b[0] = byte(wrapped(f)) })
}

// packed writes the numbers of the member data as bytes.
func (r *jsonReader) packed(members jsonMembers, size int, put func([]byte, float64)) error {
	i := members.value("data")
	elements, ok := r.elements(i)
	if !ok {
		return r.wrong(i, "data", "an array")
	}
	r.Dst = cbordoc.AppendHead(r.Dst, cbordoc.MajorBytes, uint64(len(elements)*size))
	for n, element := range elements {
		if r.tokens[element].kind != jsonNumber {
			return cbordoc.At(r.wrong(element, cbordoc.Index(n), "a number"), "data")
		}
		start := len(r.Dst)
		r.Dst = append(r.Dst, make([]byte, size)...)
		put(r.Dst[start:], r.float(element))
	}
	return nil
}

// bufferObject writes an ArrayBuffer, or a DataView with its window.
func (r *jsonReader) bufferObject(class, member string, n int, members jsonMembers) error {
	if err := r.openMembers(class, n); err != nil {
		return err
	}
	r.Dst = cbordoc.AppendText(r.Dst, member)
	if err := r.bytes(members); err != nil {
		return err
	}
	if n == 3 {
		if err := r.window(members); err != nil {
			return err
		}
	}
	r.closeMembers()
	return nil
}

func (r *jsonReader) window(members jsonMembers) error {
	data, _ := r.elements(members.value("data"))
	var window [2]float64
	for i, name := range [...]string{"byteOffset", "byteLength"} {
		token := members.value(name)
		if token < 0 || r.tokens[token].kind != jsonNumber || r.float(token) != math.Trunc(r.float(token)) {
			return r.wrong(token, name, "an integer")
		}
		window[i] = r.float(token)
		r.Dst = appendJSNumber(cbordoc.AppendText(r.Dst, name), window[i])
	}
	if window[0] < 0 || window[1] < 0 || window[0]+window[1] > float64(len(data)) {
		return cbordoc.ErrWindow()
	}
	return nil
}

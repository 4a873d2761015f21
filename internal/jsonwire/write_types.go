package jsonwire

import (
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// tagged writes a value with a tag.
func (w *jsonWriter) tagged(t cbordoc.Token) (end int, err error) {
	content := w.Token(t.Next)
	switch t.Arg {
	case cbordoc.TagDateText, cbordoc.TagDateEpoch:
		return w.dateValue(t)
	case cbordoc.TagBigPositive, cbordoc.TagBigNegative:
		return w.bigValue(t)
	case cbordoc.TagURL:
		if content.Major != cbordoc.MajorText {
			return 0, cbordoc.BadContent(t)
		}
		href := w.Chunk(content)
		w.out = append(value.AppendJSONText(append(w.out, `{"$type":"url","href":`...), href), '}')
		return content.Next + len(href), nil
	case cbordoc.TagRegExp:
		return w.regExpValue(t)
	case cbordoc.TagObject:
		return w.typed(t)
	case cbordoc.TagMap:
		if content.Major == cbordoc.MajorMap {
			return w.orderedMap(content)
		}
	case cbordoc.TagSet:
		if content.Major == cbordoc.MajorArray {
			w.out = append(w.out, `{"$type":"set","values":`...)
			var known cbordoc.Distinct
			end, err = w.list(content, func(pos int) (int, error) { return w.distinct(&known, int(content.Arg), pos) })
			w.out = append(w.out, '}')
			return end, err
		}
	}
	if t.Arg >= cbordoc.TagTypedFirst && t.Arg <= cbordoc.TagTypedLast {
		return w.typedArray(t)
	}
	return 0, &cbordoc.Error{What: "cannot read " + w.Describe(t)}
}

// The range of JavaScript's dates, in milliseconds since 1970.
const maxJSDate = 8_640_000_000_000_000

func (w *jsonWriter) dateValue(t cbordoc.Token) (end int, err error) {
	date, _, err := w.Date(t)
	if err != nil {
		return 0, err
	}
	if ms := date.UnixMilli(); ms > maxJSDate || ms < -maxJSDate {
		return 0, &cbordoc.Error{What: "JavaScript has no date so far away"}
	}
	w.out = append(w.out, `{"$type":"date","iso":"`...)
	w.out = append(appendISO(w.out, date), `"}`...)
	return cbordoc.Skip(w.Data, t.Next), nil
}

// appendISO writes a date as JavaScript's toISOString does.
func appendISO(dst []byte, t time.Time) []byte {
	year := t.Year()
	if year >= 0 && year <= 9999 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	}
	sign := byte('+')
	if year < 0 {
		sign, year = '-', -year
	}
	dst = append(dst, sign)
	digits := strconv.Itoa(year)
	for range 6 - len(digits) {
		dst = append(dst, '0')
	}
	dst = append(dst, digits...)
	return t.AppendFormat(dst, "-01-02T15:04:05.000Z")
}

// maxBigBytes bounds big integers, whose conversion to decimal takes more than linear time.
const maxBigBytes = 16 << 10

func (w *jsonWriter) bigValue(t cbordoc.Token) (end int, err error) {
	i, end, err := w.BigInt(t)
	if err != nil {
		return 0, err
	}
	if i.BitLen() > 8*maxBigBytes {
		return 0, &cbordoc.Error{What: "the big integer has more than " + strconv.Itoa(8*maxBigBytes) + " bits"}
	}
	w.bigInteger(i.String())
	return end, nil
}

func (w *jsonWriter) regExpValue(t cbordoc.Token) (end int, err error) {
	r, _, err := w.RegExp(t)
	if err != nil {
		return 0, err
	}
	w.out = value.AppendJSONText(append(w.out, `{"$type":"regexp","source":`...), []byte(r.Source))
	w.out = append(value.AppendJSONText(append(w.out, `,"flags":`...), []byte(r.Flags)), '}')
	return cbordoc.Skip(w.Data, t.Next), nil
}

// arrayClass returns the JavaScript name of an array with this tag and elements of size bytes,
// without the Big of 64-bit integers.
func arrayClass(tag uint64, size int) string {
	if tag == cbordoc.TagClamped {
		return "Uint8ClampedArray"
	}
	bits := strconv.Itoa(8 * size)
	switch tag >> 3 & 3 {
	case 0:
		return "Uint" + bits + "Array"
	case 1:
		return "Int" + bits + "Array"
	}
	return "Float" + bits + "Array"
}

// typedArray writes bytes or a tag of RFC 8746 with its elements as numbers.
func (w *jsonWriter) typedArray(t cbordoc.Token) (end int, err error) {
	a, end, _, err := w.Reader.TypedArray(t)
	if err != nil {
		return 0, err
	}
	tag := uint64(cbordoc.TagTypedFirst)
	if t.Major == cbordoc.MajorTag {
		tag = t.Arg
	}
	class := arrayClass(tag, a.Size)
	if isInt := tag>>4&1 == 0; isInt && a.Size == 8 {
		return 0, &cbordoc.Error{What: "a Big" + class + " cannot be sent as JSON"}
	}
	w.out = append(w.out, `{"$type":"arraybuffer","subtype":"`+class+`","data":`...)
	if err := w.numbers(a); err != nil {
		return 0, err
	}
	w.out = append(w.out, '}')
	return end, nil
}

func (w *jsonWriter) numbers(a cbordoc.TypedArray) error {
	w.out = append(w.out, '[')
	for i := range a.Len() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		n := a.Number(i)
		if !n.IsFloat {
			w.out = strconv.AppendInt(w.out, n.Int64(), 10)
			continue
		}
		if name := specialNumber(n.Float); name != "" {
			return cbordoc.At(&cbordoc.Error{What: name + " in a " + strconv.Itoa(8*a.Size) + "-bit float array cannot be sent as JSON"}, cbordoc.Index(i))
		}
		w.out = appendJSONFloat(w.out, n.Float)
	}
	w.out = append(w.out, ']')
	return nil
}

// typed writes an object with a type.
func (w *jsonWriter) typed(t cbordoc.Token) (end int, err error) {
	name, pos, n, err := w.ObjectHead(t)
	if err != nil {
		return 0, err
	}
	switch {
	case name == cbordoc.ObjectResult && n == 0:
		w.out = append(w.out, jsonResult...)
		return pos, nil
	case name == cbordoc.ObjectContinuation && n == 1:
		return w.continuation(pos)
	}
	content := w.Token(pos)
	s := w.objects[pos]
	if n != 1 || s == nil || content.Major != cbordoc.MajorMap {
		return 0, cbordoc.BadContent(t)
	}
	switch name {
	case cbordoc.ObjectError:
		code := lmz.Code("")
		if t.Pos == w.failed {
			code = w.code
		}
		err = w.failure(s, code)
	case cbordoc.ObjectHeaders:
		err = w.headers(s)
	case cbordoc.ObjectRequest:
		err = w.request(s)
	case cbordoc.ObjectResponse:
		err = w.response(s)
	case "ArrayBuffer":
		err = w.buffer(s, name, "bytes")
	case "DataView":
		err = w.buffer(s, name, "buffer")
	case "Boolean", "Number", "String", "BigInt":
		err = w.boxed(s, name)
	default:
		err = &cbordoc.Error{What: "unknown type " + strconv.Quote(cbordoc.Shorten(name))}
	}
	return s.end, err
}

// into decodes a member, if present, into what x points to.
func (w *jsonWriter) into(s *surveyed, name string, x any) error {
	pos, ok := s.member(name)
	if !ok {
		return nil
	}
	return cbordoc.At(value.ItemAt(&w.Reader, pos).Decode(x), name)
}

func (w *jsonWriter) headers(s *surveyed) error {
	var entries [][2]string
	if err := w.into(s, "entries", &entries); err != nil {
		return err
	}
	w.out = append(w.out, `{"$type":"headers","entries":[`...)
	for i, entry := range entries {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = value.AppendJSONText(append(w.out, '['), []byte(entry[0]))
		w.out = append(value.AppendJSONText(append(w.out, ','), []byte(entry[1])), ']')
	}
	w.out = append(w.out, ']', '}')
	return nil
}

func (w *jsonWriter) request(s *surveyed) error {
	var url, method string
	if err := w.into(s, "url", &url); err != nil {
		return err
	}
	if err := w.into(s, "method", &method); err != nil {
		return err
	}
	w.out = value.AppendJSONText(append(w.out, `{"$type":"request-sync","data":{"url":`...), []byte(url))
	w.out = value.AppendJSONText(append(w.out, `,"method":`...), []byte(method))
	return w.message(s)
}

func (w *jsonWriter) response(s *surveyed) error {
	status, text := int64(200), ""
	if err := w.into(s, "status", &status); err != nil {
		return err
	}
	if status < 200 || status > 599 {
		return cbordoc.At(&cbordoc.Error{What: "JavaScript takes a status from 200 to 599, not " + strconv.FormatInt(status, 10)}, "status")
	}
	if err := w.into(s, "statusText", &text); err != nil {
		return err
	}
	w.out = strconv.AppendInt(append(w.out, `{"$type":"response-sync","data":{"status":`...), status, 10)
	w.out = value.AppendJSONText(append(w.out, `,"statusText":`...), []byte(text))
	return w.message(s)
}

// message writes the common members of requests and responses.
func (w *jsonWriter) message(s *surveyed) error {
	w.out = append(w.out, `,"headers":`...)
	if pos, ok := s.member("headers"); ok {
		if name, _, _, err := w.ObjectHead(w.content(pos)); err != nil || name != cbordoc.ObjectHeaders {
			return cbordoc.At(&cbordoc.Error{What: "expected Headers, got " + w.Describe(w.Token(pos))}, "headers")
		}
		if err := w.valueAt(pos); err != nil {
			return cbordoc.At(err, "headers")
		}
	} else {
		w.out = append(w.out, `{"$type":"headers","entries":[]}`...)
	}
	w.out = append(w.out, `,"body":`...)
	if pos, ok := s.member(cbordoc.MemberBody); ok {
		if _, err := w.raw(pos); err != nil {
			return cbordoc.At(err, cbordoc.MemberBody)
		}
	} else {
		w.out = append(w.out, "null"...)
	}
	w.out = append(w.out, '}', '}')
	return nil
}

// raw writes the body of a request or response, which travels as plain JSON: no
// types, no references, no escaping.
func (w *jsonWriter) raw(pos int) (end int, err error) {
	if err := w.Visit(); err != nil {
		return 0, err
	}
	defer w.Leave()
	if len(w.out)+w.aside > w.limit {
		return 0, cbordoc.TooLarge(w.limit)
	}
	t := w.Token(pos)
	switch {
	case t.Major == cbordoc.MajorTag && (t.Arg == cbordoc.TagShared || t.Arg == cbordoc.TagReference):
		end = cbordoc.Skip(w.Data, t.Next)
		_, err := w.raw(w.content(pos).Pos)
		return end, err
	case t.Major == cbordoc.MajorText, t.Major == cbordoc.MajorSimple && t.Info < cbordoc.InfoUndefined:
		return w.plain(t)
	case t.IsFloat() && specialNumber(t.Float()) == "":
		return w.plain(t)
	case t.Major <= cbordoc.MajorNegint && t.Arg < maxSafeInteger:
		return w.plain(t)
	case t.Major == cbordoc.MajorArray:
		return w.list(t, w.raw)
	case t.Major == cbordoc.MajorMap && !w.hasOtherKeys(t):
		return w.rawObject(t)
	}
	return 0, &cbordoc.Error{What: w.Describe(t) + " cannot be sent as JSON in a body"}
}

func (w *jsonWriter) rawObject(t cbordoc.Token) (end int, err error) {
	var members []surveyedMember
	w.out = append(w.out, '{')
	end, err = w.Members(t, func(name []byte, pos int) (int, error) {
		if len(members) > 0 {
			w.out = append(w.out, ',')
		}
		members = append(members, surveyedMember{name, pos})
		w.out = append(value.AppendJSONText(w.out, name), ':')
		return w.raw(pos)
	})
	if err != nil {
		return 0, err
	}
	w.out = append(w.out, '}')
	return end, noDuplicates(members)
}

// buffer writes an ArrayBuffer, or a DataView, which has a window.
func (w *jsonWriter) buffer(s *surveyed, class, member string) error {
	var data []byte
	if err := w.into(s, member, &data); err != nil {
		return err
	}
	w.out = append(w.out, `{"$type":"arraybuffer","subtype":"`+class+`","data":`...)
	if err := w.numbers(cbordoc.TypedArray{Size: 1, Bytes: data}); err != nil {
		return err
	}
	if class == "DataView" {
		var offset, length int64
		if err := w.into(s, "byteOffset", &offset); err != nil {
			return err
		}
		if err := w.into(s, "byteLength", &length); err != nil {
			return err
		}
		if offset < 0 || length < 0 || offset > int64(len(data)) || length > int64(len(data))-offset {
			return cbordoc.ErrWindow()
		}
		w.out = strconv.AppendInt(append(w.out, `,"byteOffset":`...), offset, 10)
		w.out = strconv.AppendInt(append(w.out, `,"byteLength":`...), length, 10)
	}
	w.out = append(w.out, '}')
	return nil
}

// boxed writes a primitive object.
func (w *jsonWriter) boxed(s *surveyed, class string) error {
	pos, ok := s.member("value")
	t := w.content(pos)
	if !ok {
		return &cbordoc.Error{What: "a boxed " + class + " holds nothing"}
	}
	wrong := cbordoc.At(&cbordoc.Error{What: "a boxed " + class + " holds " + w.Describe(t)}, "value")
	switch class {
	case "Boolean":
		if t.Major != cbordoc.MajorSimple || t.Info > cbordoc.InfoTrue {
			return wrong
		}
		w.out = append(w.out, `{"$type":"boolean-object","value":`...)
		w.out = strconv.AppendBool(w.out, t.Info == cbordoc.InfoTrue)
	case "String":
		if t.Major != cbordoc.MajorText {
			return wrong
		}
		w.out = append(w.out, `{"$type":"string-object","value":`...)
		w.out = value.AppendJSONText(w.out, w.Chunk(t))
	default:
		n, _, isNumber, err := w.Number(t)
		if err != nil || !isNumber {
			return wrong
		}
		if class == "BigInt" {
			return w.boxedBigInt(n, wrong)
		}
		f, exact := n.AsFloat()
		if !exact {
			return wrong
		}
		w.out = append(w.out, `{"$type":"number-object","value":`...)
		if name := specialNumber(f); name != "" {
			w.out = append(w.out, '"')
			w.out = append(append(w.out, name...), '"')
		} else {
			w.out = appendJSONFloat(w.out, f)
		}
	}
	w.out = append(w.out, '}')
	return nil
}

func (w *jsonWriter) boxedBigInt(n cbordoc.Number, wrong error) error {
	i := n.BigInt()
	if i == nil || i.BitLen() > 8*maxBigBytes {
		return wrong
	}
	w.out = append(w.out, `{"$type":"bigint-object","value":"`+i.String()+`"}`...)
	return nil
}

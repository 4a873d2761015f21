package proto

import (
	"strconv"
	"time"

	"github.com/lumenize/lmz"
)

// tagged writes a value with a tag.
func (w *jsonWriter) tagged(t token) (end int, err error) {
	content := w.token(t.next)
	switch t.arg {
	case tagDateText, tagDateEpoch:
		return w.dateValue(t)
	case tagBigPositive, tagBigNegative:
		return w.bigValue(t)
	case tagURL:
		if content.major != majorText {
			return 0, badContent(t)
		}
		href := w.chunk(content)
		w.out = append(appendJSONText(append(w.out, `{"$type":"url","href":`...), href), '}')
		return content.next + len(href), nil
	case tagRegExp:
		return w.regExpValue(t)
	case tagObject:
		return w.typed(t)
	case tagMap:
		if content.major == majorMap {
			return w.orderedMap(content)
		}
	case tagSet:
		if content.major == majorArray {
			w.out = append(w.out, `{"$type":"set","values":`...)
			var known distinct
			end, err = w.list(content, func(pos int) (int, error) { return w.distinct(&known, int(content.arg), pos) })
			w.out = append(w.out, '}')
			return end, err
		}
	}
	if t.arg >= tagTypedFirst && t.arg <= tagTypedLast {
		return w.typedArray(t)
	}
	return 0, &valueError{what: "cannot read " + w.describe(t)}
}

// The dates that JavaScript has, in milliseconds since 1970.
const maxJSDate = 8_640_000_000_000_000

func (w *jsonWriter) dateValue(t token) (end int, err error) {
	x, _, err := w.date(t)
	if err != nil {
		return 0, err
	}
	date := x.(time.Time)
	if ms := date.UnixMilli(); ms > maxJSDate || ms < -maxJSDate {
		return 0, &valueError{what: "JavaScript has no date so far away"}
	}
	w.out = append(w.out, `{"$type":"date","iso":"`...)
	w.out = append(appendISO(w.out, date), `"}`...)
	return skip(w.data, t.next), nil
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

// maxBigBytes bounds big integers, whose decimal digits cost more than linear time.
const maxBigBytes = 16 << 10

func (w *jsonWriter) bigValue(t token) (end int, err error) {
	i, end, err := w.bigInt(t)
	if err != nil {
		return 0, err
	}
	if i.BitLen() > 8*maxBigBytes {
		return 0, &valueError{what: "the big integer has more than " + strconv.Itoa(8*maxBigBytes) + " bits"}
	}
	w.bigInteger(i.String())
	return end, nil
}

func (w *jsonWriter) regExpValue(t token) (end int, err error) {
	x, _, err := w.regExp(t)
	if err != nil {
		return 0, err
	}
	r := x.(lmz.RegExp)
	w.out = appendJSONText(append(w.out, `{"$type":"regexp","source":`...), []byte(r.Source))
	w.out = append(appendJSONText(append(w.out, `,"flags":`...), []byte(r.Flags)), '}')
	return skip(w.data, t.next), nil
}

// arrayClass returns the JavaScript name of an array with this tag and elements of size
// bytes, without the Big of 64-bit integers.
func arrayClass(tag uint64, size int) string {
	if tag == tagClamped {
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
func (w *jsonWriter) typedArray(t token) (end int, err error) {
	a, end, _, err := w.decoder.typedArray(t)
	if err != nil {
		return 0, err
	}
	tag := uint64(tagTypedFirst)
	if t.major == majorTag {
		tag = t.arg
	}
	class := arrayClass(tag, a.size)
	if isInt := tag>>4&1 == 0; isInt && a.size == 8 {
		return 0, &valueError{what: "a Big" + class + " cannot be sent as JSON"}
	}
	w.out = append(w.out, `{"$type":"arraybuffer","subtype":"`+class+`","data":`...)
	if err := w.numbers(a); err != nil {
		return 0, err
	}
	w.out = append(w.out, '}')
	return end, nil
}

func (w *jsonWriter) numbers(a typedArray) error {
	w.out = append(w.out, '[')
	for i := range a.len() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		n := a.number(i)
		if !n.isFloat {
			w.out = strconv.AppendInt(w.out, n.int64(), 10)
			continue
		}
		if name := specialNumber(n.float); name != "" {
			return at(&valueError{what: name + " in a " + strconv.Itoa(8*a.size) + "-bit float array cannot be sent as JSON"}, index(i))
		}
		w.out = appendJSONFloat(w.out, n.float)
	}
	w.out = append(w.out, ']')
	return nil
}

// typed writes an object with a type.
func (w *jsonWriter) typed(t token) (end int, err error) {
	name, pos, n, err := w.objectHead(t)
	if err != nil {
		return 0, err
	}
	switch {
	case name == objectResult && n == 0:
		w.out = append(w.out, jsonResult...)
		return pos, nil
	case name == objectContinuation && n == 1:
		return w.continuation(pos)
	}
	content := w.token(pos)
	s := w.objects[pos]
	if n != 1 || s == nil || content.major != majorMap {
		return 0, badContent(t)
	}
	switch name {
	case objectError:
		code := lmz.Code("")
		if t.pos == w.failed {
			code = w.code
		}
		err = w.failure(s, code)
	case objectHeaders:
		err = w.headers(s)
	case objectRequest:
		err = w.request(s)
	case objectResponse:
		err = w.response(s)
	case "ArrayBuffer":
		err = w.buffer(s, name, "bytes")
	case "DataView":
		err = w.buffer(s, name, "buffer")
	case "Boolean", "Number", "String", "BigInt":
		err = w.boxed(s, name)
	default:
		err = &valueError{what: "unknown type " + strconv.Quote(shorten(name))}
	}
	return s.end, err
}

// into decodes a member into what x points to, if there is one.
func (w *jsonWriter) into(s *surveyed, name string, x any) error {
	pos, ok := s.member(name)
	if !ok {
		return nil
	}
	return at(w.item(pos, skip(w.data, pos)).Decode(x), name)
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
		w.out = appendJSONText(append(w.out, '['), []byte(entry[0]))
		w.out = append(appendJSONText(append(w.out, ','), []byte(entry[1])), ']')
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
	w.out = appendJSONText(append(w.out, `{"$type":"request-sync","data":{"url":`...), []byte(url))
	w.out = appendJSONText(append(w.out, `,"method":`...), []byte(method))
	return w.message(s)
}

func (w *jsonWriter) response(s *surveyed) error {
	status, text := int64(200), ""
	if err := w.into(s, "status", &status); err != nil {
		return err
	}
	if status < 200 || status > 599 {
		return at(&valueError{what: "JavaScript takes a status from 200 to 599, not " + strconv.FormatInt(status, 10)}, "status")
	}
	if err := w.into(s, "statusText", &text); err != nil {
		return err
	}
	w.out = strconv.AppendInt(append(w.out, `{"$type":"response-sync","data":{"status":`...), status, 10)
	w.out = appendJSONText(append(w.out, `,"statusText":`...), []byte(text))
	return w.message(s)
}

// message writes what requests and responses have in common.
func (w *jsonWriter) message(s *surveyed) error {
	w.out = append(w.out, `,"headers":`...)
	if pos, ok := s.member("headers"); ok {
		if name, _, _, err := w.objectHead(w.content(pos)); err != nil || name != objectHeaders {
			return at(&valueError{what: "expected Headers, got " + w.describe(w.token(pos))}, "headers")
		}
		if err := w.valueAt(pos); err != nil {
			return at(err, "headers")
		}
	} else {
		w.out = append(w.out, `{"$type":"headers","entries":[]}`...)
	}
	w.out = append(w.out, `,"body":`...)
	if pos, ok := s.member(memberBody); ok {
		if _, err := w.raw(pos); err != nil {
			return at(err, memberBody)
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
	if err := w.visit(); err != nil {
		return 0, err
	}
	defer w.leave()
	if len(w.out)+w.aside > w.limit {
		return 0, tooLarge(w.limit)
	}
	t := w.token(pos)
	switch {
	case t.major == majorTag && (t.arg == tagShared || t.arg == tagReference):
		end = skip(w.data, t.next)
		_, err := w.raw(w.content(pos).pos)
		return end, err
	case t.major == majorText, t.major == majorSimple && t.info < infoUndefined:
		return w.plain(t)
	case t.isFloat() && specialNumber(t.float()) == "":
		return w.plain(t)
	case t.major <= majorNegint && t.arg < maxSafeInteger:
		return w.plain(t)
	case t.major == majorArray:
		return w.list(t, w.raw)
	case t.major == majorMap && !w.hasOtherKeys(t):
		return w.rawObject(t)
	}
	return 0, &valueError{what: w.describe(t) + " cannot be sent as JSON in a body"}
}

func (w *jsonWriter) rawObject(t token) (end int, err error) {
	var members []surveyedMember
	w.out = append(w.out, '{')
	end, err = w.members(t, func(name []byte, pos int) (int, error) {
		if len(members) > 0 {
			w.out = append(w.out, ',')
		}
		members = append(members, surveyedMember{name, pos})
		w.out = append(appendJSONText(w.out, name), ':')
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
	if err := w.numbers(typedArray{size: 1, bytes: data}); err != nil {
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
			return errWindow()
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
		return &valueError{what: "a boxed " + class + " holds nothing"}
	}
	wrong := at(&valueError{what: "a boxed " + class + " holds " + w.describe(t)}, "value")
	switch class {
	case "Boolean":
		if t.major != majorSimple || t.info > infoTrue {
			return wrong
		}
		w.out = append(w.out, `{"$type":"boolean-object","value":`...)
		w.out = strconv.AppendBool(w.out, t.info == infoTrue)
	case "String":
		if t.major != majorText {
			return wrong
		}
		w.out = append(w.out, `{"$type":"string-object","value":`...)
		w.out = appendJSONText(w.out, w.chunk(t))
	default:
		n, _, isNumber, err := w.number(t)
		if err != nil || !isNumber {
			return wrong
		}
		if class == "BigInt" {
			return w.boxedBigInt(n, wrong)
		}
		f, exact := n.asFloat()
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

func (w *jsonWriter) boxedBigInt(n number, wrong error) error {
	i := n.bigInt()
	if i == nil || i.BitLen() > 8*maxBigBytes {
		return wrong
	}
	w.out = append(w.out, `{"$type":"bigint-object","value":"`+i.String()+`"}`...)
	return nil
}

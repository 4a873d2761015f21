package proto

import (
	"math"
	"math/big"
	"net/url"
	"reflect"
	"time"

	"github.com/lumenize/lmz"
)

// any decodes the item at pos into the Go type that suits it.
func (d *decoder) any(pos int) (x any, end int, err error) {
	if err := d.visit(); err != nil {
		return nil, 0, err
	}
	defer d.leave()
	t := d.token(pos)
	if t.major == majorTag && (t.arg == tagShared || t.arg == tagReference) {
		return d.anyShared(t)
	}
	return d.dynamic(t, unmarked)
}

func (d *decoder) anyShared(t token) (x any, end int, err error) {
	n := 0
	if t.arg == tagShared {
		n = d.refs.number(t.next)
	} else {
		number, next := headAt(d.data, t.next)
		n, end = int(number.arg), next
	}
	if known, ok := d.loose[n]; ok {
		if end == 0 {
			end = skip(d.data, t.next)
			err = d.charge(end - t.next)
		}
		return known, end, err
	}
	x, contentEnd, err := d.marked(d.token(d.refs.marks[n]), n)
	if end == 0 {
		end = contentEnd
	}
	return x, end, err
}

// marked is dynamic for a value that other places may refer to. Containers are
// registered before their contents are decoded, all else here.
func (d *decoder) marked(t token, n int) (x any, end int, err error) {
	x, end, err = d.dynamic(t, n)
	if _, known := d.loose[n]; !known && n != unmarked && err == nil {
		d.registerAny(n, x)
	}
	return x, end, err
}

// dynamic decodes an item without tags 28 and 29 before it.
func (d *decoder) dynamic(t token, mark int) (x any, end int, err error) {
	switch t.major {
	case majorUint, majorNegint:
		return number{negative: t.major == majorNegint, magnitude: t.arg}.dynamic(), t.next, nil
	case majorText:
		b := d.chunk(t)
		return string(b), t.next + len(b), d.charge(len(b))
	case majorArray:
		return d.anyArray(t, mark)
	case majorMap:
		return d.anyObject(t, mark)
	case majorTag, majorBytes:
		return d.anyTagged(t, mark)
	}
	switch t.info {
	case infoFalse, infoTrue:
		return t.info == infoTrue, t.next, nil
	case infoNull:
		return nil, t.next, nil
	case infoUndefined:
		return lmz.Undefined{}, t.next, nil
	}
	return t.float(), t.next, nil
}

func (d *decoder) anyArray(t token, mark int) (x any, end int, err error) {
	if err := d.charge(int(t.arg) * 16); err != nil {
		return nil, 0, err
	}
	s := make([]any, t.arg)
	d.registerAny(mark, s)
	end, err = d.fillAny(t.next, s)
	return s, end, err
}

func (d *decoder) fillAny(pos int, s []any) (end int, err error) {
	for i := range s {
		if s[i], pos, err = d.any(pos); err != nil {
			return 0, at(err, index(i))
		}
	}
	return pos, nil
}

// anyObject decodes a map without a tag. Other CBOR libraries may write one with
// keys that are not text: that is a Map.
func (d *decoder) anyObject(t token, mark int) (x any, end int, err error) {
	if t.arg > 0 {
		if first, _ := headAt(d.data, t.next); first.major != majorText {
			return d.anyMap(t, mark)
		}
	}
	if err := d.charge(int(t.arg)*48 + 48); err != nil {
		return nil, 0, err
	}
	m := make(map[string]any, t.arg)
	d.registerAny(mark, m)
	keys := 0
	end, err = d.members(t, func(key []byte, pos int) (int, error) {
		value, end, err := d.any(pos)
		m[string(key)] = value
		if keys++; len(m) != keys {
			return 0, &valueError{what: "the key occurs twice"}
		}
		return end, err
	})
	return m, end, err
}

// members calls each with every key of a map whose keys are text, and where its
// value begins.
func (d *decoder) members(t token, each func(key []byte, pos int) (int, error)) (end int, err error) {
	pos := t.next
	for range int(t.arg) {
		k := d.token(pos)
		if k.major != majorText {
			return 0, &valueError{what: "expected a string as key, got " + d.describe(k)}
		}
		key := d.chunk(k)
		if err := d.charge(len(key) + elementCost); err != nil {
			return 0, err
		}
		if pos, err = each(key, k.next+len(key)); err != nil {
			return 0, at(err, string(key))
		}
	}
	return pos, nil
}

// anyMap decodes a map as a Map. Keys that JavaScript compares by value may not
// occur twice; others are distinct objects.
func (d *decoder) anyMap(t token, mark int) (x lmz.Map, end int, err error) {
	if err := d.charge(int(t.arg) * 64); err != nil {
		return nil, 0, err
	}
	m := make(lmz.Map, t.arg)
	d.registerAny(mark, m)
	pos := t.next
	known := make(map[any]struct{}, t.arg)
	for i := range m {
		if m[i].Key, pos, err = d.any(pos); err != nil {
			return nil, 0, at(at(err, "key"), index(i))
		}
		if key, scalar := scalarKey(m[i].Key); scalar {
			if _, twice := known[key]; twice {
				return nil, 0, at(&valueError{what: "the key occurs twice"}, index(i))
			}
			known[key] = struct{}{}
		}
		if m[i].Value, pos, err = d.any(pos); err != nil {
			return nil, 0, at(err, index(i))
		}
	}
	return m, pos, nil
}

type (
	nanKey struct{}
	bigKey struct {
		sign  int
		bytes string
	}
)

// scalarKey returns a key in the form in which it equals others: 1 and 1.0 are
// the same key, as in JavaScript, and there is one NaN.
func scalarKey(key any) (any, bool) {
	switch k := key.(type) {
	case nil, bool, string, int64, uint64, lmz.Undefined:
		return key, true
	case float64:
		if w, ok := (number{isFloat: true, float: k}).whole(); ok {
			return w.dynamic(), true
		}
		if k != k {
			return nanKey{}, true
		}
		return k, true
	case *big.Int:
		return bigKey{k.Sign(), string(k.Bytes())}, true
	}
	return nil, false
}

func (d *decoder) anyTagged(t token, mark int) (x any, end int, err error) {
	if t.major == majorBytes {
		b := d.chunk(t)
		return append(make([]byte, 0, len(b)), b...), t.next + len(b), d.charge(len(b))
	}
	content := d.token(t.next)
	switch t.arg {
	case tagDateText, tagDateEpoch:
		return d.date(t)
	case tagBigPositive, tagBigNegative:
		i, end, err := d.bigInt(t)
		return i, end, err
	case tagURL:
		return d.url(t)
	case tagRegExp:
		return d.regExp(t)
	case tagObject:
		return d.object(t, mark)
	case tagMap:
		if content.major == majorMap {
			return d.anyMap(content, mark)
		}
	case tagSet:
		if content.major == majorArray {
			return d.anySet(content, mark)
		}
	}
	if a, end, ok, err := d.typedArray(t); ok {
		if err == nil {
			err = d.charge(len(a.bytes))
		}
		if err != nil {
			return nil, 0, err
		}
		s := reflect.MakeSlice(a.sliceType(), a.len(), a.len())
		err = a.fill(s)
		if t.arg == tagClamped {
			return lmz.Uint8Clamped(s.Bytes()), end, err
		}
		return s.Interface(), end, err
	}
	return nil, 0, &valueError{what: "cannot read " + d.describe(t)}
}

func (d *decoder) anySet(content token, mark int) (lmz.Set, int, error) {
	if err := d.charge(int(content.arg) * 16); err != nil {
		return nil, 0, err
	}
	s := make(lmz.Set, content.arg)
	d.registerAny(mark, s)
	end, err := d.fillAny(content.next, s)
	return s, end, err
}

func (d *decoder) bigInt(t token) (*big.Int, int, error) {
	content := d.token(t.next)
	if content.major != majorBytes {
		return nil, 0, badContent(t)
	}
	b := d.chunk(content)
	i := new(big.Int).SetBytes(b)
	if t.arg == tagBigNegative {
		i.Not(i)
	}
	return i, content.next + len(b), d.charge(len(b))
}

func (d *decoder) url(t token) (any, int, error) {
	content := d.token(t.next)
	if content.major != majorText {
		return nil, 0, badContent(t)
	}
	b := d.chunk(content)
	u, err := url.Parse(string(b))
	if err != nil {
		return nil, 0, &valueError{what: "the URL cannot be parsed"}
	}
	return u, content.next + len(b), d.charge(2 * len(b))
}

func (d *decoder) regExp(t token) (any, int, error) {
	content := d.item(t.next, skip(d.data, t.next))
	parts, ok := content.Elements()
	if !ok || len(parts) != 2 {
		return nil, 0, badContent(t)
	}
	source, isText := parts[0].Text()
	flags, isText2 := parts[1].Text()
	if !isText || !isText2 {
		return nil, 0, badContent(t)
	}
	return lmz.RegExp{Source: source, Flags: flags}, content.end, d.charge(content.end - t.pos)
}

// maxEpoch bounds tag 1, in seconds: more than JavaScript's dates reach.
const maxEpoch = 1e13

// date reads tags 0 and 1. Seconds as a float are exact to the microsecond for
// our time, and to the millisecond for as far as JavaScript's dates reach.
func (d *decoder) date(t token) (any, int, error) {
	content := d.token(t.next)
	if t.arg == tagDateText {
		if content.major != majorText {
			return nil, 0, badContent(t)
		}
		b := d.chunk(content)
		date, err := time.Parse(time.RFC3339Nano, string(b))
		if err != nil {
			return nil, 0, &valueError{what: "the date is not of the form of RFC 3339"}
		}
		return date.UTC(), content.next + len(b), nil
	}
	n, end, ok, err := d.number(content)
	if !ok || err != nil {
		return nil, 0, badContent(t)
	}
	seconds, ok := n.asFloat()
	if !ok || !(math.Abs(seconds) <= maxEpoch) {
		return nil, 0, &valueError{what: "the date is out of range"}
	}
	unit := 1e6
	if math.Abs(seconds) > 1e10 {
		unit = 1e3
	}
	whole := math.Floor(seconds)
	fraction := math.Round((seconds - whole) * unit)
	return time.Unix(int64(whole), int64(fraction*1e9/unit)).UTC(), end, nil
}

// number reads a number of any kind; ok is false for anything else.
func (d *decoder) number(t token) (n number, end int, ok bool, err error) {
	switch {
	case t.major == majorUint:
		return number{magnitude: t.arg}, t.next, true, nil
	case t.major == majorNegint:
		return number{negative: true, magnitude: t.arg}, t.next, true, nil
	case t.isFloat():
		return number{isFloat: true, float: t.float()}, t.next, true, nil
	case t.major == majorTag && (t.arg == tagBigPositive || t.arg == tagBigNegative):
		n.big, end, err = d.bigInt(t)
		return n, end, true, err
	}
	return n, 0, false, nil
}

// typedArray reads a byte string or one with a tag of RFC 8746; ok is false for
// anything else.
func (d *decoder) typedArray(t token) (a typedArray, end int, ok bool, err error) {
	tag := uint64(tagTypedFirst)
	if t.major == majorTag {
		if t.arg < tagTypedFirst || t.arg > tagTypedLast {
			return a, 0, false, nil
		}
		tag = t.arg
		t = d.token(t.next)
		if t.major != majorBytes {
			return a, 0, true, &valueError{what: "a typed array is not made of bytes"}
		}
	}
	if t.major != majorBytes {
		return a, 0, false, nil
	}
	b := d.chunk(t)
	a, err = typedArrayOf(tag, b)
	return a, t.next + len(b), true, err
}

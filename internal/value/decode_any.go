package value

import (
	"math/big"
	"net/url"
	"reflect"

	"github.com/lumenize/lmz"
)

// any decodes the item at pos into the Go type that suits it.
func (d *decoder) any(pos int) (x any, end int, err error) {
	if err := d.Visit(); err != nil {
		return nil, 0, err
	}
	defer d.Leave()
	t := d.Token(pos)
	if t.Major == MajorTag && (t.Arg == TagShared || t.Arg == TagReference) {
		return d.anyShared(t)
	}
	return d.dynamic(t, unmarked)
}

func (d *decoder) anyShared(t Token) (x any, end int, err error) {
	n := 0
	if t.Arg == TagShared {
		n = d.Refs.Number(t.Next)
	} else {
		number, next := HeadAt(d.Data, t.Next)
		n, end = int(number.Arg), next
	}
	if known, ok := d.loose[n]; ok {
		if end == 0 {
			end = Skip(d.Data, t.Next)
			err = d.Charge(end - t.Next)
		}
		return known, end, err
	}
	x, contentEnd, err := d.marked(d.Token(d.Refs.Marks[n]), n)
	if end == 0 {
		end = contentEnd
	}
	return x, end, err
}

// marked is dynamic for a value that other places may refer to. Containers are
// registered before their contents are decoded, all else here.
func (d *decoder) marked(t Token, n int) (x any, end int, err error) {
	x, end, err = d.dynamic(t, n)
	if _, known := d.loose[n]; !known && n != unmarked && err == nil {
		d.registerAny(n, x)
	}
	return x, end, err
}

// dynamic decodes an item without tags 28 and 29 before it.
func (d *decoder) dynamic(t Token, mark int) (x any, end int, err error) {
	switch t.Major {
	case MajorUint, MajorNegint:
		return Number{Negative: t.Major == MajorNegint, Magnitude: t.Arg}.dynamic(), t.Next, nil
	case MajorText:
		b := d.Chunk(t)
		return string(b), t.Next + len(b), d.Charge(len(b))
	case MajorArray:
		return d.anyArray(t, mark)
	case MajorMap:
		return d.anyObject(t, mark)
	case MajorTag, MajorBytes:
		return d.anyTagged(t, mark)
	}
	switch t.Info {
	case InfoFalse, InfoTrue:
		return t.Info == InfoTrue, t.Next, nil
	case InfoNull:
		return nil, t.Next, nil
	case InfoUndefined:
		return lmz.Undefined{}, t.Next, nil
	}
	return t.Float(), t.Next, nil
}

func (d *decoder) anyArray(t Token, mark int) (x any, end int, err error) {
	if err := d.Charge(int(t.Arg) * 16); err != nil {
		return nil, 0, err
	}
	s := make([]any, t.Arg)
	d.registerAny(mark, s)
	end, err = d.fillAny(t.Next, s)
	return s, end, err
}

func (d *decoder) fillAny(pos int, s []any) (end int, err error) {
	for i := range s {
		if s[i], pos, err = d.any(pos); err != nil {
			return 0, At(err, Index(i))
		}
	}
	return pos, nil
}

// anyObject decodes a map without a tag. Other CBOR libraries may write one with
// keys that are not text: that is a Map.
func (d *decoder) anyObject(t Token, mark int) (x any, end int, err error) {
	if t.Arg > 0 {
		if first, _ := HeadAt(d.Data, t.Next); first.Major != MajorText {
			return d.anyMap(t, mark)
		}
	}
	if err := d.Charge(int(t.Arg)*48 + 48); err != nil {
		return nil, 0, err
	}
	m := make(map[string]any, t.Arg)
	d.registerAny(mark, m)
	keys := 0
	end, err = d.Members(t, func(key []byte, pos int) (int, error) {
		value, end, err := d.any(pos)
		m[string(key)] = value
		if keys++; len(m) != keys {
			return 0, &Error{What: "the key occurs twice"}
		}
		return end, err
	})
	return m, end, err
}

// anyMap decodes a map as a Map. Keys that JavaScript compares by value may not
// occur twice; others are distinct objects.
func (d *decoder) anyMap(t Token, mark int) (x lmz.Map, end int, err error) {
	if err := d.Charge(int(t.Arg) * 64); err != nil {
		return nil, 0, err
	}
	m := make(lmz.Map, t.Arg)
	d.registerAny(mark, m)
	pos := t.Next
	known := make(map[any]struct{}, t.Arg)
	for i := range m {
		if m[i].Key, pos, err = d.any(pos); err != nil {
			return nil, 0, At(At(err, "key"), Index(i))
		}
		if key, scalar := scalarKey(m[i].Key); scalar {
			if _, twice := known[key]; twice {
				return nil, 0, At(&Error{What: "the key occurs twice"}, Index(i))
			}
			known[key] = struct{}{}
		}
		if m[i].Value, pos, err = d.any(pos); err != nil {
			return nil, 0, At(err, Index(i))
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
		if w, ok := (Number{IsFloat: true, Float: k}).whole(); ok {
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

func (d *decoder) anyTagged(t Token, mark int) (x any, end int, err error) {
	if t.Major == MajorBytes {
		b := d.Chunk(t)
		return append(make([]byte, 0, len(b)), b...), t.Next + len(b), d.Charge(len(b))
	}
	content := d.Token(t.Next)
	switch t.Arg {
	case TagDateText, TagDateEpoch:
		return d.Date(t)
	case TagBigPositive, TagBigNegative:
		i, end, err := d.BigInt(t)
		return i, end, err
	case TagURL:
		return d.url(t)
	case TagRegExp:
		return d.RegExp(t)
	case TagObject:
		return d.object(t, mark)
	case TagMap:
		if content.Major == MajorMap {
			return d.anyMap(content, mark)
		}
	case TagSet:
		if content.Major == MajorArray {
			return d.anySet(content, mark)
		}
	}
	if a, end, ok, err := d.TypedArray(t); ok {
		if err == nil {
			err = d.Charge(len(a.Bytes))
		}
		if err != nil {
			return nil, 0, err
		}
		s := reflect.MakeSlice(sliceType(a), a.Len(), a.Len())
		err = fill(a, s)
		if t.Arg == TagClamped {
			return lmz.Uint8Clamped(s.Bytes()), end, err
		}
		return s.Interface(), end, err
	}
	return nil, 0, &Error{What: "cannot read " + d.Describe(t)}
}

func (d *decoder) anySet(content Token, mark int) (lmz.Set, int, error) {
	if err := d.Charge(int(content.Arg) * 16); err != nil {
		return nil, 0, err
	}
	s := make(lmz.Set, content.Arg)
	d.registerAny(mark, s)
	end, err := d.fillAny(content.Next, s)
	return s, end, err
}

func (d *decoder) url(t Token) (any, int, error) {
	content := d.Token(t.Next)
	if content.Major != MajorText {
		return nil, 0, BadContent(t)
	}
	b := d.Chunk(content)
	u, err := url.Parse(string(b))
	if err != nil {
		return nil, 0, &Error{What: "the URL cannot be parsed"}
	}
	return u, content.Next + len(b), d.Charge(2 * len(b))
}

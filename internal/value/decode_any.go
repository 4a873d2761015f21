package value

import (
	"math/big"
	"net/url"
	"reflect"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// any decodes the item at pos into an any.
func (d *decoder) any(pos int) (x any, end int, err error) {
	if err := d.Visit(); err != nil {
		return nil, 0, err
	}
	defer d.Leave()
	t := d.Token(pos)
	if t.Major == cbordoc.MajorTag && (t.Arg == cbordoc.TagShared || t.Arg == cbordoc.TagReference) {
		return d.anyShared(t)
	}
	return d.dynamic(t, unmarked)
}

func (d *decoder) anyShared(t cbordoc.Token) (x any, end int, err error) {
	n := 0
	if t.Arg == cbordoc.TagShared {
		n = d.Refs.Number(t.Next)
	} else {
		number, next := cbordoc.HeadAt(d.Data, t.Next)
		n, end = int(number.Arg), next
	}
	if known, ok := d.loose[n]; ok {
		if end == 0 {
			end = cbordoc.Skip(d.Data, t.Next)
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

// marked is dynamic for a value that may be shared. Containers register themselves before their
// contents are decoded; marked registers all other values.
func (d *decoder) marked(t cbordoc.Token, n int) (x any, end int, err error) {
	x, end, err = d.dynamic(t, n)
	if _, known := d.loose[n]; !known && n != unmarked && err == nil {
		d.registerAny(n, x)
	}
	return x, end, err
}

// dynamic decodes an item that follows tags 28 and 29.
func (d *decoder) dynamic(t cbordoc.Token, mark int) (x any, end int, err error) {
	switch t.Major {
	case cbordoc.MajorUint, cbordoc.MajorNegint:
		return cbordoc.Number{Negative: t.Major == cbordoc.MajorNegint, Magnitude: t.Arg}.Dynamic(), t.Next, nil
	case cbordoc.MajorText:
		b := d.Chunk(t)
		return string(b), t.Next + len(b), d.Charge(len(b))
	case cbordoc.MajorArray:
		return d.anyArray(t, mark)
	case cbordoc.MajorMap:
		return d.anyObject(t, mark)
	case cbordoc.MajorTag, cbordoc.MajorBytes:
		return d.anyTagged(t, mark)
	}
	switch t.Info {
	case cbordoc.InfoFalse, cbordoc.InfoTrue:
		return t.Info == cbordoc.InfoTrue, t.Next, nil
	case cbordoc.InfoNull:
		return nil, t.Next, nil
	case cbordoc.InfoUndefined:
		return lmz.Undefined{}, t.Next, nil
	}
	return t.Float(), t.Next, nil
}

func (d *decoder) anyArray(t cbordoc.Token, mark int) (x any, end int, err error) {
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
			return 0, cbordoc.At(err, cbordoc.Index(i))
		}
	}
	return pos, nil
}

// anyObject decodes a map without a tag. Other CBOR libraries may write one with
// keys that are not text: that is a Map.
func (d *decoder) anyObject(t cbordoc.Token, mark int) (x any, end int, err error) {
	if t.Arg > 0 {
		if first, _ := cbordoc.HeadAt(d.Data, t.Next); first.Major != cbordoc.MajorText {
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
			return 0, &cbordoc.Error{What: "the key occurs twice"}
		}
		return end, err
	})
	return m, end, err
}

// anyMap decodes a map as a Map. Keys that JavaScript compares by value must not occur
// twice; other keys are distinct objects.
func (d *decoder) anyMap(t cbordoc.Token, mark int) (x lmz.Map, end int, err error) {
	if err := d.Charge(int(t.Arg) * 64); err != nil {
		return nil, 0, err
	}
	m := make(lmz.Map, t.Arg)
	d.registerAny(mark, m)
	pos := t.Next
	known := make(map[any]struct{}, t.Arg)
	for i := range m {
		if m[i].Key, pos, err = d.any(pos); err != nil {
			return nil, 0, cbordoc.At(cbordoc.At(err, "key"), cbordoc.Index(i))
		}
		if key, scalar := scalarKey(m[i].Key); scalar {
			if _, twice := known[key]; twice {
				return nil, 0, cbordoc.At(&cbordoc.Error{What: "the key occurs twice"}, cbordoc.Index(i))
			}
			known[key] = struct{}{}
		}
		if m[i].Value, pos, err = d.any(pos); err != nil {
			return nil, 0, cbordoc.At(err, cbordoc.Index(i))
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

// scalarKey returns a key in a form that Go compares as JavaScript does: 1 equals 1.0, and
// NaN equals itself.
func scalarKey(key any) (any, bool) {
	switch k := key.(type) {
	case nil, bool, string, int64, uint64, lmz.Undefined:
		return key, true
	case float64:
		if w, ok := (cbordoc.Number{IsFloat: true, Float: k}).Whole(); ok {
			return w.Dynamic(), true
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

func (d *decoder) anyTagged(t cbordoc.Token, mark int) (x any, end int, err error) {
	if t.Major == cbordoc.MajorBytes {
		b := d.Chunk(t)
		return append(make([]byte, 0, len(b)), b...), t.Next + len(b), d.Charge(len(b))
	}
	content := d.Token(t.Next)
	switch t.Arg {
	case cbordoc.TagDateText, cbordoc.TagDateEpoch:
		return d.Date(t)
	case cbordoc.TagBigPositive, cbordoc.TagBigNegative:
		i, end, err := d.BigInt(t)
		return i, end, err
	case cbordoc.TagURL:
		return d.url(t)
	case cbordoc.TagRegExp:
		return d.RegExp(t)
	case cbordoc.TagObject:
		return d.object(t, mark)
	case cbordoc.TagMap:
		if content.Major == cbordoc.MajorMap {
			return d.anyMap(content, mark)
		}
	case cbordoc.TagSet:
		if content.Major == cbordoc.MajorArray {
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
		if t.Arg == cbordoc.TagClamped {
			return lmz.Uint8Clamped(s.Bytes()), end, err
		}
		return s.Interface(), end, err
	}
	return nil, 0, &cbordoc.Error{What: "cannot read " + d.Describe(t)}
}

func (d *decoder) anySet(content cbordoc.Token, mark int) (lmz.Set, int, error) {
	if err := d.Charge(int(content.Arg) * 16); err != nil {
		return nil, 0, err
	}
	s := make(lmz.Set, content.Arg)
	d.registerAny(mark, s)
	end, err := d.fillAny(content.Next, s)
	return s, end, err
}

func (d *decoder) url(t cbordoc.Token) (any, int, error) {
	content := d.Token(t.Next)
	if content.Major != cbordoc.MajorText {
		return nil, 0, cbordoc.BadContent(t)
	}
	b := d.Chunk(content)
	u, err := url.Parse(string(b))
	if err != nil {
		return nil, 0, &cbordoc.Error{What: "the URL cannot be parsed"}
	}
	return u, content.Next + len(b), d.Charge(2 * len(b))
}

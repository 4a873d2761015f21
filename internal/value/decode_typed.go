package value

import (
	"encoding"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// intoClass decodes into the types with a meaning on the wire.
func (d *decoder) intoClass(c class, t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	switch c {
	case byItem:
		end = cbordoc.Skip(d.Data, t.Pos)
		v.Set(reflect.ValueOf(d.Item(t.Pos, end)))
		return end, d.Charge(end - t.Pos)
	case byBigInt:
		n, end, ok, err := d.Number(t)
		if err != nil {
			return 0, err
		}
		if i := n.BigInt(); ok && i != nil {
			v.Addr().Interface().(*big.Int).Set(i)
			return end, nil
		}
		return 0, d.mismatch(v.Type(), t)
	case byMap:
		if content := d.within(t, cbordoc.TagMap); content.Major == cbordoc.MajorMap {
			m, end, err := d.anyMap(content, mark)
			v.Set(reflect.ValueOf(m))
			return end, err
		}
		return 0, d.mismatch(v.Type(), t)
	case bySet:
		if content := d.within(t, cbordoc.TagSet); content.Major == cbordoc.MajorArray {
			s, end, err := d.anySet(content, mark)
			v.Set(reflect.ValueOf(s))
			return end, err
		}
		return 0, d.mismatch(v.Type(), t)
	case byError:
		name, pos, n, err := d.typedHead(t)
		if err != nil || name != cbordoc.ObjectError || n != 1 {
			return 0, d.mismatch(v.Type(), t)
		}
		return d.lmzError(pos, v.Addr().Interface().(*lmz.Error))
	case byObject:
		return d.intoObject(t, v)
	}
	return d.intoSame(t, v)
}

func (d *decoder) typedHead(t cbordoc.Token) (name string, contents, n int, err error) {
	if t.Major != cbordoc.MajorTag || t.Arg != cbordoc.TagObject {
		return "", 0, 0, cbordoc.BadContent(t)
	}
	return d.ObjectHead(t)
}

func (d *decoder) intoObject(t cbordoc.Token, v reflect.Value) (end int, err error) {
	name, pos, n, err := d.typedHead(t)
	if err != nil || name != types().names[v.Type()] || n != 1 {
		return 0, d.mismatch(v.Type(), t)
	}
	return d.intoStruct(d.Token(pos), v)
}

// intoSame decodes an item that has only one Go type.
func (d *decoder) intoSame(t cbordoc.Token, v reflect.Value) (end int, err error) {
	x, end, err := d.dynamic(t, unmarked)
	if err != nil {
		return 0, err
	}
	found := reflect.ValueOf(x)
	if u, ok := x.(*url.URL); ok {
		found = reflect.ValueOf(*u)
	}
	if !found.IsValid() || found.Type() != v.Type() {
		return 0, d.mismatch(v.Type(), t)
	}
	v.Set(found)
	return end, nil
}

// within returns the content of a tag, or the token itself if it does not have this tag.
func (d *decoder) within(t cbordoc.Token, tag uint64) cbordoc.Token {
	if t.Major == cbordoc.MajorTag && t.Arg == tag {
		return d.Token(t.Next)
	}
	return t
}

// intoKind decodes by the kind of the Go type.
func (d *decoder) intoKind(t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	if t.Major == cbordoc.MajorText && reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		b := d.Chunk(t)
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(b); err != nil {
			return 0, &cbordoc.Error{What: "not a " + v.Type().String() + ": " + err.Error()}
		}
		return t.Next + len(b), nil
	}
	switch v.Kind() {
	case reflect.Bool:
		if t.Major == cbordoc.MajorSimple && (t.Info == cbordoc.InfoTrue || t.Info == cbordoc.InfoFalse) {
			v.SetBool(t.Info == cbordoc.InfoTrue)
			return t.Next, nil
		}
	case reflect.String:
		if t.Major == cbordoc.MajorText {
			b := d.Chunk(t)
			v.SetString(string(b))
			return t.Next + len(b), d.Charge(len(b))
		}
	case reflect.Slice:
		return d.intoSlice(t, v, mark)
	case reflect.Array:
		return d.intoArray(t, v)
	case reflect.Map:
		return d.intoMap(t, v, mark)
	case reflect.Struct:
		return d.intoStruct(t, v)
	default:
		n, end, ok, err := d.Number(t)
		if ok && err == nil {
			err = storeNumber(n, v)
		}
		if ok {
			return end, err
		}
	}
	return 0, d.mismatch(v.Type(), t)
}

// intoSlice decodes arrays, Sets, bytes and typed arrays.
func (d *decoder) intoSlice(t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	content := d.within(t, cbordoc.TagSet)
	if content.Major == cbordoc.MajorArray {
		s, err := d.makeSlice(v.Type(), int(content.Arg), mark)
		if err != nil {
			return 0, err
		}
		v.Set(s)
		return d.elements(content, s)
	}
	a, end, err := d.packed(t, v.Type())
	if err != nil {
		return 0, err
	}
	s, err := d.makeSlice(v.Type(), a.Len(), mark)
	if err != nil {
		return 0, err
	}
	v.Set(s)
	return end, fill(a, s)
}

func (d *decoder) makeSlice(t reflect.Type, n, mark int) (reflect.Value, error) {
	if err := d.Charge(n * int(t.Elem().Size())); err != nil {
		return reflect.Value{}, err
	}
	s := reflect.MakeSlice(t, n, n)
	d.register(mark, s)
	return s, nil
}

// packed reads bytes, a typed array or an ArrayBuffer for a slice or array of
// numbers.
func (d *decoder) packed(t cbordoc.Token, target reflect.Type) (a cbordoc.TypedArray, end int, err error) {
	a, end, ok, err := d.TypedArray(t)
	if !ok && d.Describe(t) == cbordoc.ObjectArrayBuffer {
		var buffer lmz.ArrayBuffer
		end, err = d.plain(t, reflect.ValueOf(&buffer).Elem(), unmarked)
		a, ok = cbordoc.TypedArray{Kind: reflect.Uint8, Size: 1, Bytes: buffer.Bytes}, true
	}
	if !ok || !isNumber(target.Elem().Kind()) {
		return a, 0, d.mismatch(target, t)
	}
	return a, end, err
}

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64
}

func (d *decoder) elements(t cbordoc.Token, v reflect.Value) (end int, err error) {
	pos := t.Next
	for i := range int(t.Arg) {
		if pos, err = d.value(pos, v.Index(i)); err != nil {
			return 0, cbordoc.At(err, cbordoc.Index(i))
		}
	}
	return pos, nil
}

func (d *decoder) intoArray(t cbordoc.Token, v reflect.Value) (end int, err error) {
	if t.Major == cbordoc.MajorArray {
		if int(t.Arg) != v.Len() {
			return 0, d.wrongLength(v, int(t.Arg))
		}
		return d.elements(t, v)
	}
	a, end, err := d.packed(t, v.Type())
	switch {
	case err != nil:
		return 0, err
	case a.Len() != v.Len():
		return 0, d.wrongLength(v, a.Len())
	}
	return end, fill(a, v)
}

func (d *decoder) wrongLength(v reflect.Value, n int) error {
	return &cbordoc.Error{What: "expected " + strconv.Itoa(v.Len()) + " elements, got " + strconv.Itoa(n)}
}

func (d *decoder) intoMap(t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	content := d.within(t, cbordoc.TagMap)
	if content.Major != cbordoc.MajorMap {
		return 0, d.mismatch(v.Type(), t)
	}
	keyType, elemType := v.Type().Key(), v.Type().Elem()
	n := int(content.Arg)
	if err := d.Charge(n*int(keyType.Size()+elemType.Size()+16) + 48); err != nil {
		return 0, err
	}
	m := reflect.MakeMapWithSize(v.Type(), n)
	d.register(mark, m)
	v.Set(m)
	pos := content.Next
	for i := range n {
		key := reflect.New(keyType).Elem()
		if pos, err = d.value(pos, key); err != nil {
			return 0, cbordoc.At(cbordoc.At(err, "key"), cbordoc.Index(i))
		}
		if !key.Comparable() {
			return 0, cbordoc.At(&cbordoc.Error{What: "a Go map cannot have this key"}, cbordoc.Index(i))
		}
		elem := reflect.New(elemType).Elem()
		if pos, err = d.value(pos, elem); err != nil {
			return 0, cbordoc.At(err, keyPath(key, i))
		}
		if m.SetMapIndex(key, elem); m.Len() != i+1 {
			return 0, cbordoc.At(&cbordoc.Error{What: "the key occurs twice"}, keyPath(key, i))
		}
	}
	return pos, nil
}

func keyPath(key reflect.Value, i int) string {
	if key.Kind() == reflect.String {
		return key.String()
	}
	return cbordoc.Index(i)
}

func (d *decoder) intoStruct(t cbordoc.Token, v reflect.Value) (end int, err error) {
	content := d.within(t, cbordoc.TagMap)
	if content.Major != cbordoc.MajorMap {
		return 0, d.mismatch(v.Type(), t)
	}
	l := layoutOf(v.Type())
	known := make([]bool, len(l.fields))
	return d.Members(content, func(key []byte, pos int) (int, error) {
		i, ok := l.byName[string(key)]
		if !ok {
			end := cbordoc.Skip(d.Data, pos)
			return end, d.Charge(end - pos)
		}
		if known[i] {
			return 0, &cbordoc.Error{What: "the key occurs twice"}
		}
		known[i] = true
		f, ok := l.fields[i].settable(v)
		if !ok {
			return 0, &cbordoc.Error{What: "the field is in an embedded type that is not exported"}
		}
		return d.value(pos, f)
	})
}

// storeNumber puts the number into v, whose kind is that of a number, if it fits.
func storeNumber(n cbordoc.Number, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if w, ok := n.Whole(); ok && w.Magnitude <= math.MaxInt64 && !v.OverflowInt(w.Int64()) {
			v.SetInt(w.Int64())
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if w, ok := n.Whole(); ok && !w.Negative && !v.OverflowUint(w.Magnitude) {
			v.SetUint(w.Magnitude)
			return nil
		}
	case reflect.Float32, reflect.Float64:
		f, ok := n.AsFloat()
		if ok && !n.IsFloat && v.Kind() == reflect.Float32 {
			ok = float64(float32(f)) == f // integers must stay exact; fractions are rounded to the type
		}
		if ok && !v.OverflowFloat(f) {
			v.SetFloat(f)
			return nil
		}
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(n.Dynamic()))
			return nil
		}
	default:
		return mismatch(v.Type(), "number")
	}
	return &cbordoc.Error{What: "the number " + n.String() + " does not fit " + v.Type().String()}
}

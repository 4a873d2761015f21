package proto

import (
	"encoding"
	"math/big"
	"net/url"
	"reflect"
	"strconv"

	"github.com/lumenize/lmz"
)

// intoClass decodes into the types that mean something of their own.
func (d *decoder) intoClass(c class, t token, v reflect.Value, mark int) (end int, err error) {
	switch c {
	case byItem:
		end = skip(d.data, t.pos)
		v.Set(reflect.ValueOf(d.item(t.pos, end)))
		return end, d.charge(end - t.pos)
	case byBigInt:
		n, end, ok, err := d.number(t)
		if err != nil {
			return 0, err
		}
		if i := n.bigInt(); ok && i != nil {
			v.Addr().Interface().(*big.Int).Set(i)
			return end, nil
		}
		return 0, d.mismatch(v.Type(), t)
	case byMap:
		if content := d.within(t, tagMap); content.major == majorMap {
			m, end, err := d.anyMap(content, mark)
			v.Set(reflect.ValueOf(m))
			return end, err
		}
		return 0, d.mismatch(v.Type(), t)
	case bySet:
		if content := d.within(t, tagSet); content.major == majorArray {
			s, end, err := d.anySet(content, mark)
			v.Set(reflect.ValueOf(s))
			return end, err
		}
		return 0, d.mismatch(v.Type(), t)
	case byError:
		name, pos, n, err := d.typedHead(t)
		if err != nil || name != objectError || n != 1 {
			return 0, d.mismatch(v.Type(), t)
		}
		return d.lmzError(pos, v.Addr().Interface().(*lmz.Error))
	case byObject:
		return d.intoObject(t, v)
	}
	return d.intoSame(t, v)
}

func (d *decoder) typedHead(t token) (name string, contents, n int, err error) {
	if t.major != majorTag || t.arg != tagObject {
		return "", 0, 0, badContent(t)
	}
	return d.objectHead(t)
}

func (d *decoder) intoObject(t token, v reflect.Value) (end int, err error) {
	name, pos, n, err := d.typedHead(t)
	if err != nil || name != types().names[v.Type()] || n != 1 {
		return 0, d.mismatch(v.Type(), t)
	}
	return d.intoStruct(d.token(pos), v)
}

// intoSame decodes what has one Go type only.
func (d *decoder) intoSame(t token, v reflect.Value) (end int, err error) {
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

// within returns the content of a tag, or the token itself if it has another tag
// or none.
func (d *decoder) within(t token, tag uint64) token {
	if t.major == majorTag && t.arg == tag {
		return d.token(t.next)
	}
	return t
}

// intoKind decodes by the kind of the Go type.
func (d *decoder) intoKind(t token, v reflect.Value, mark int) (end int, err error) {
	if t.major == majorText && reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		b := d.chunk(t)
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(b); err != nil {
			return 0, &valueError{what: "not a " + v.Type().String() + ": " + err.Error()}
		}
		return t.next + len(b), nil
	}
	switch v.Kind() {
	case reflect.Bool:
		if t.major == majorSimple && (t.info == infoTrue || t.info == infoFalse) {
			v.SetBool(t.info == infoTrue)
			return t.next, nil
		}
	case reflect.String:
		if t.major == majorText {
			b := d.chunk(t)
			v.SetString(string(b))
			return t.next + len(b), d.charge(len(b))
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
		n, end, ok, err := d.number(t)
		if ok && err == nil {
			err = n.store(v)
		}
		if ok {
			return end, err
		}
	}
	return 0, d.mismatch(v.Type(), t)
}

// intoSlice decodes arrays, Sets, bytes and typed arrays.
func (d *decoder) intoSlice(t token, v reflect.Value, mark int) (end int, err error) {
	content := d.within(t, tagSet)
	if content.major == majorArray {
		s, err := d.makeSlice(v.Type(), int(content.arg), mark)
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
	s, err := d.makeSlice(v.Type(), a.len(), mark)
	if err != nil {
		return 0, err
	}
	v.Set(s)
	return end, a.fill(s)
}

func (d *decoder) makeSlice(t reflect.Type, n, mark int) (reflect.Value, error) {
	if err := d.charge(n * int(t.Elem().Size())); err != nil {
		return reflect.Value{}, err
	}
	s := reflect.MakeSlice(t, n, n)
	d.register(mark, s)
	return s, nil
}

// packed reads bytes, a typed array or an ArrayBuffer for a slice or array of
// numbers.
func (d *decoder) packed(t token, target reflect.Type) (a typedArray, end int, err error) {
	a, end, ok, err := d.typedArray(t)
	if !ok && d.describe(t) == objectArrayBuffer {
		var buffer lmz.ArrayBuffer
		end, err = d.plain(t, reflect.ValueOf(&buffer).Elem(), unmarked)
		a, ok = typedArray{kind: reflect.Uint8, size: 1, bytes: buffer.Bytes}, true
	}
	if !ok || !isNumber(target.Elem().Kind()) {
		return a, 0, d.mismatch(target, t)
	}
	return a, end, err
}

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64
}

func (d *decoder) elements(t token, v reflect.Value) (end int, err error) {
	pos := t.next
	for i := range int(t.arg) {
		if pos, err = d.value(pos, v.Index(i)); err != nil {
			return 0, at(err, index(i))
		}
	}
	return pos, nil
}

func (d *decoder) intoArray(t token, v reflect.Value) (end int, err error) {
	if t.major == majorArray {
		if int(t.arg) != v.Len() {
			return 0, d.wrongLength(v, int(t.arg))
		}
		return d.elements(t, v)
	}
	a, end, err := d.packed(t, v.Type())
	switch {
	case err != nil:
		return 0, err
	case a.len() != v.Len():
		return 0, d.wrongLength(v, a.len())
	}
	return end, a.fill(v)
}

func (d *decoder) wrongLength(v reflect.Value, n int) error {
	return &valueError{what: "expected " + strconv.Itoa(v.Len()) + " elements, got " + strconv.Itoa(n)}
}

func (d *decoder) intoMap(t token, v reflect.Value, mark int) (end int, err error) {
	content := d.within(t, tagMap)
	if content.major != majorMap {
		return 0, d.mismatch(v.Type(), t)
	}
	keyType, elemType := v.Type().Key(), v.Type().Elem()
	n := int(content.arg)
	if err := d.charge(n*int(keyType.Size()+elemType.Size()+16) + 48); err != nil {
		return 0, err
	}
	m := reflect.MakeMapWithSize(v.Type(), n)
	d.register(mark, m)
	v.Set(m)
	pos := content.next
	for i := range n {
		key := reflect.New(keyType).Elem()
		if pos, err = d.value(pos, key); err != nil {
			return 0, at(at(err, "key"), index(i))
		}
		if !key.Comparable() {
			return 0, at(&valueError{what: "a Go map cannot have this key"}, index(i))
		}
		elem := reflect.New(elemType).Elem()
		if pos, err = d.value(pos, elem); err != nil {
			return 0, at(err, keyPath(key, i))
		}
		if m.SetMapIndex(key, elem); m.Len() != i+1 {
			return 0, at(&valueError{what: "the key occurs twice"}, keyPath(key, i))
		}
	}
	return pos, nil
}

func keyPath(key reflect.Value, i int) string {
	if key.Kind() == reflect.String {
		return key.String()
	}
	return index(i)
}

func (d *decoder) intoStruct(t token, v reflect.Value) (end int, err error) {
	content := d.within(t, tagMap)
	if content.major != majorMap {
		return 0, d.mismatch(v.Type(), t)
	}
	l := layoutOf(v.Type())
	known := make([]bool, len(l.fields))
	return d.members(content, func(key []byte, pos int) (int, error) {
		i, ok := l.byName[string(key)]
		if !ok {
			end := skip(d.data, pos)
			return end, d.charge(end - pos)
		}
		if known[i] {
			return 0, &valueError{what: "the key occurs twice"}
		}
		known[i] = true
		f, ok := l.fields[i].settable(v)
		if !ok {
			return 0, &valueError{what: "the field is in an embedded type that is not exported"}
		}
		return d.value(pos, f)
	})
}

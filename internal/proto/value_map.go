package proto

import (
	"reflect"
	"slices"
	"strings"

	"github.com/lumenize/lmz"
)

// goMap encodes a Go map in the order of its keys, so that equal maps are equal
// bytes: as an object if the keys are strings, otherwise as a Map.
func (e *encoder) goMap(v reflect.Value) error {
	if plain, ok := v.Interface().(map[string]any); ok {
		return e.anyMap(plain)
	}
	t := v.Type()
	if t.Key().Kind() == reflect.String && classOf(t.Key()) == byKind {
		return e.stringMap(v)
	}
	if err := e.begin(majorTag, tagMap); err != nil {
		return err
	}
	if err := e.keyedMap(v); err != nil {
		return err
	}
	e.end()
	return nil
}

func (e *encoder) anyMap(m map[string]any) error {
	if err := e.begin(majorMap, uint64(len(m))); err != nil {
		return err
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if err := e.fields(m, keys); err != nil {
		return err
	}
	e.end()
	return nil
}

func (e *encoder) stringMap(v reflect.Value) error {
	if err := e.begin(majorMap, uint64(v.Len())); err != nil {
		return err
	}
	keys := make([]string, 0, v.Len())
	for entries := v.MapRange(); entries.Next(); {
		keys = append(keys, entries.Key().String())
	}
	slices.Sort(keys)
	keyType := v.Type().Key()
	for _, key := range keys {
		k := reflect.ValueOf(key).Convert(keyType)
		if err := e.entry(k, v.MapIndex(k)); err != nil {
			return at(err, key)
		}
	}
	e.end()
	return nil
}

func (e *encoder) entry(key, value reflect.Value) error {
	if err := e.reflected(key); err != nil {
		return err
	}
	return e.reflected(value)
}

// keyedMap encodes a map with any keys, sorted by their encoding. They are
// written once more for that, without what they point to: the order of keys that
// differ only there is not fixed.
func (e *encoder) keyedMap(v reflect.Value) error {
	type entry struct {
		encoded    string
		key, value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for i := v.MapRange(); i.Next(); { // MapIndex does not find NaN
		flat := encoder{flat: true}
		if err := flat.reflected(i.Key()); err != nil {
			return at(err, "key")
		}
		entries = append(entries, entry{string(flat.dst), i.Key(), i.Value()})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.encoded, b.encoded) })
	if err := e.begin(majorMap, uint64(v.Len())); err != nil {
		return err
	}
	var known distinct
	for i, entry := range entries {
		if err := e.distinct(&known, len(entries), func() error { return e.reflected(entry.key) }); err != nil {
			return at(at(err, "key"), index(i))
		}
		if err := e.reflected(entry.value); err != nil {
			return at(err, index(i))
		}
	}
	e.end()
	return nil
}

// orderedMap encodes a Map in its own order.
func (e *encoder) orderedMap(m lmz.Map) error {
	if err := e.begin(majorTag, tagMap); err != nil {
		return err
	}
	if err := e.begin(majorMap, uint64(len(m))); err != nil {
		return err
	}
	var known distinct
	for i, entry := range m {
		if err := e.distinct(&known, len(m), func() error { return e.any(entry.Key) }); err != nil {
			return at(at(err, "key"), index(i))
		}
		if err := e.any(entry.Value); err != nil {
			return at(err, index(i))
		}
	}
	e.end()
	e.end()
	return nil
}

// set encodes a Set.
func (e *encoder) set(s lmz.Set) error {
	if err := e.begin(majorTag, tagSet); err != nil {
		return err
	}
	if err := e.begin(majorArray, uint64(len(s))); err != nil {
		return err
	}
	var known distinct
	for i, element := range s {
		if err := e.distinct(&known, len(s), func() error { return e.any(element) }); err != nil {
			return at(err, index(i))
		}
	}
	e.end()
	e.end()
	return nil
}

// distinct writes one of n keys of a Map or elements of a Set. Two that are one to
// JavaScript would become one there.
func (e *encoder) distinct(known *distinct, n int, write func() error) error {
	start, mark := len(e.dst), e.marks
	if err := write(); err != nil {
		return err
	}
	if n > 1 && (e.known || e.shared == nil) && !known.add(e.dst[start:], mark) { // otherwise this pass is thrown away
		return errNotDistinct()
	}
	return nil
}

func errNotDistinct() error {
	return &valueError{what: "it occurs twice here: JavaScript cannot tell these values apart"}
}

// distinct is a set of encoded keys, as JavaScript compares them: scalars by their
// value, where 1 and 1.0 are the same and there is one NaN, and all else by identity.
type distinct struct{ known map[string]struct{} }

// add reports whether item is new. If it is the first of a shared value, mark is the
// number of that.
func (d *distinct) add(item []byte, mark int) bool {
	h, next := headAt(item, 0)
	key := item
	switch {
	case h.isFloat():
		key = appendKeyNumber(nil, h.float())
	case h.major == majorTag && h.arg == tagShared:
		key = appendHead([]byte{byteUndefined}, majorUint, uint64(mark))
	case h.major == majorTag && h.arg == tagReference:
		n, _ := headAt(item, next)
		key = appendHead([]byte{byteUndefined}, majorUint, n.arg)
	case !isScalar(item):
		return true
	case h.major != majorTag: // another encoder may write a longer head
		key = append(appendHead(nil, h.major, h.arg), item[next:]...)
	}
	if _, twice := d.known[string(key)]; twice {
		return false
	}
	if d.known == nil {
		d.known = make(map[string]struct{})
	}
	d.known[string(key)] = struct{}{}
	return true
}

// isScalar reports whether an item is compared by its value.
func isScalar(item []byte) bool {
	switch h, _ := headAt(item, 0); h.major {
	case majorUint, majorNegint, majorText, majorSimple:
		return true
	case majorTag:
		return h.arg == tagBigPositive || h.arg == tagBigNegative
	}
	return false
}

// appendKeyNumber writes a float as the integer that it is, if it is one.
func appendKeyNumber(dst []byte, f float64) []byte {
	w, whole := number{isFloat: true, float: f}.whole()
	switch {
	case !whole:
		return appendFloat(dst, f)
	case w.negative:
		return appendHead(dst, majorNegint, w.magnitude)
	}
	return appendHead(dst, majorUint, w.magnitude)
}

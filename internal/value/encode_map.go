package value

import (
	"reflect"
	"slices"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// goMap encodes a Go map, as an object if its keys are strings and otherwise as a Map. Keys
// are sorted, so that equal maps have equal bytes.
func (e *encoder) goMap(v reflect.Value) error {
	if plain, ok := v.Interface().(map[string]any); ok {
		return e.anyMap(plain)
	}
	t := v.Type()
	if t.Key().Kind() == reflect.String && classOf(t.Key()) == byKind {
		return e.stringMap(v)
	}
	if err := e.Begin(cbordoc.MajorTag, cbordoc.TagMap); err != nil {
		return err
	}
	if err := e.keyedMap(v); err != nil {
		return err
	}
	e.End()
	return nil
}

func (e *encoder) anyMap(m map[string]any) error {
	if err := e.Begin(cbordoc.MajorMap, uint64(len(m))); err != nil {
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
	e.End()
	return nil
}

func (e *encoder) stringMap(v reflect.Value) error {
	if err := e.Begin(cbordoc.MajorMap, uint64(v.Len())); err != nil {
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
			return cbordoc.At(err, key)
		}
	}
	e.End()
	return nil
}

func (e *encoder) entry(key, value reflect.Value) error {
	if err := e.reflected(key); err != nil {
		return err
	}
	return e.reflected(value)
}

// keyedMap encodes a map with keys of any type, sorted by their encoding without the values that
// they point to: the order of keys that differ only in those is unspecified.
func (e *encoder) keyedMap(v reflect.Value) error {
	type entry struct {
		encoded    string
		key, value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for i := v.MapRange(); i.Next(); { // MapIndex does not find NaN
		flat := encoder{flat: true}
		if err := flat.reflected(i.Key()); err != nil {
			return cbordoc.At(err, "key")
		}
		entries = append(entries, entry{string(flat.Dst), i.Key(), i.Value()})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.encoded, b.encoded) })
	if err := e.Begin(cbordoc.MajorMap, uint64(v.Len())); err != nil {
		return err
	}
	var known cbordoc.Distinct
	for i, entry := range entries {
		if err := e.distinct(&known, len(entries), func() error { return e.reflected(entry.key) }); err != nil {
			return cbordoc.At(cbordoc.At(err, "key"), cbordoc.Index(i))
		}
		if err := e.reflected(entry.value); err != nil {
			return cbordoc.At(err, cbordoc.Index(i))
		}
	}
	e.End()
	return nil
}

// orderedMap encodes a Map in its own order.
func (e *encoder) orderedMap(m lmz.Map) error {
	if err := e.Begin(cbordoc.MajorTag, cbordoc.TagMap); err != nil {
		return err
	}
	if err := e.Begin(cbordoc.MajorMap, uint64(len(m))); err != nil {
		return err
	}
	var known cbordoc.Distinct
	for i, entry := range m {
		if err := e.distinct(&known, len(m), func() error { return e.any(entry.Key) }); err != nil {
			return cbordoc.At(cbordoc.At(err, "key"), cbordoc.Index(i))
		}
		if err := e.any(entry.Value); err != nil {
			return cbordoc.At(err, cbordoc.Index(i))
		}
	}
	e.End()
	e.End()
	return nil
}

// set encodes a Set.
func (e *encoder) set(s lmz.Set) error {
	if err := e.Begin(cbordoc.MajorTag, cbordoc.TagSet); err != nil {
		return err
	}
	if err := e.Begin(cbordoc.MajorArray, uint64(len(s))); err != nil {
		return err
	}
	var known cbordoc.Distinct
	for i, element := range s {
		if err := e.distinct(&known, len(s), func() error { return e.any(element) }); err != nil {
			return cbordoc.At(err, cbordoc.Index(i))
		}
	}
	e.End()
	e.End()
	return nil
}

// distinct writes one of n keys of a Map or elements of a Set. It refuses one that JavaScript
// would consider equal to another and merge with it.
func (e *encoder) distinct(known *cbordoc.Distinct, n int, write func() error) error {
	start, mark := len(e.Dst), e.Marks
	if err := write(); err != nil {
		return err
	}
	if n > 1 && (e.known || e.shared == nil) && !known.Add(e.Dst[start:], mark) { // otherwise this pass is discarded
		return cbordoc.ErrNotDistinct()
	}
	return nil
}

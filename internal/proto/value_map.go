package proto

import (
	"reflect"
	"slices"

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
	var order []string
	keys := make(map[string][]reflect.Value, v.Len())
	for _, key := range v.MapKeys() {
		flat := encoder{flat: true}
		if err := flat.reflected(key); err != nil {
			return at(err, "key")
		}
		encoded := string(flat.dst)
		if keys[encoded] == nil {
			order = append(order, encoded)
		}
		keys[encoded] = append(keys[encoded], key)
	}
	slices.Sort(order)
	if err := e.begin(majorMap, uint64(v.Len())); err != nil {
		return err
	}
	for i, encoded := range order {
		for _, key := range keys[encoded] {
			if err := e.entry(key, v.MapIndex(key)); err != nil {
				return at(err, index(i))
			}
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
	for i, entry := range m {
		if err := e.any(entry.Key); err != nil {
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

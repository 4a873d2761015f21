package value

import (
	"reflect"
	"unsafe"
)

// identity tells two values apart that are equal but not the same: where a slice,
// a map or a pointer points, what it takes that to be, and how long it is. The
// zero identity is that of values that have none.
type identity struct {
	where unsafe.Pointer
	what  reflect.Type
	size  int
}

// identityOf returns the identity of a slice, a map or a pointer. What has no
// size has none: Go may put all such values in one place.
func identityOf(v reflect.Value) identity {
	id := identity{what: v.Type()}
	switch v.Kind() {
	case reflect.Slice:
		if id.size = v.Len(); id.size == 0 || id.what.Elem().Size() == 0 {
			return identity{}
		}
	case reflect.Pointer:
		if id.what.Elem().Size() == 0 {
			return identity{}
		}
	}
	id.where = v.UnsafePointer()
	if id.where == nil {
		return identity{}
	}
	return id
}

// identities is a set. Most documents have a handful, which need no map.
type identities struct {
	few  [8]identity
	n    int
	many map[identity]struct{}
}

// add reports whether id is new.
func (s *identities) add(id identity) bool {
	if s.many != nil {
		_, known := s.many[id]
		s.many[id] = struct{}{}
		return !known
	}
	for _, known := range s.few[:s.n] {
		if known == id {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = id
		s.n++
		return true
	}
	s.many = map[identity]struct{}{id: {}}
	for _, known := range s.few {
		s.many[known] = struct{}{}
	}
	return true
}

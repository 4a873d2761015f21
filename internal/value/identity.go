package value

import (
	"reflect"
	"unsafe"
)

// identity distinguishes values that are equal but not the same: the address of a slice, a map or
// a pointer, its type, and its length. The zero identity is that of values without one.
type identity struct {
	where unsafe.Pointer
	what  reflect.Type
	size  int
}

// identityOf returns the identity of a slice, a map or a pointer. Values without a size
// have none, because Go may place them all at one address.
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

// identities is a set. Most documents have few, so it starts without a map.
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

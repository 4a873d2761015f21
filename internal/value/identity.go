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

// meet is called where a value with an identity is about to be written. It writes
// a reference and reports done if the value is in the document already. It opens
// tag 28 and reports marked if the value will be referred to: call end then.
func (e *encoder) meet(id identity) (marked, done bool, err error) {
	switch {
	case id.where == nil:
		return false, false, nil
	case !e.known:
		if e.met.add(id) {
			return false, false, nil
		}
		if e.shared == nil {
			e.shared = make(map[identity]int)
		}
		e.shared[id] = Unwritten
		e.Dst = append(e.Dst, ByteNull) // this pass is thrown away
		return false, true, nil
	}
	n, shared := e.shared[id]
	switch {
	case !shared:
		return false, false, nil
	case n == Unwritten:
		e.shared[id] = e.Marks
		return true, false, e.Mark()
	}
	return false, true, e.Reference(n)
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

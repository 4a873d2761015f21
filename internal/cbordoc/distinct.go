package cbordoc

// ErrNotDistinct returns the error for a key or an element that occurs twice.
func ErrNotDistinct() error {
	return &Error{What: "it occurs twice here: JavaScript cannot tell these values apart"}
}

// Distinct is a set of the encoded keys of a Map or elements of a Set, compared as
// JavaScript does: scalars by value, where 1 and 1.0 are equal and NaN equals itself, and all
// others by identity. The zero Distinct is empty.
type Distinct struct{ known map[string]struct{} }

// Add adds an item and reports whether it was new. If the item is the first occurrence of a
// shared value, mark is the number of that value.
func (d *Distinct) Add(item []byte, mark int) bool {
	h, next := HeadAt(item, 0)
	key := item
	switch {
	case h.IsFloat():
		key = appendKeyNumber(nil, h.Float())
	case h.Major == MajorTag && h.Arg == TagShared:
		key = AppendHead([]byte{ByteUndefined}, MajorUint, uint64(mark))
	case h.Major == MajorTag && h.Arg == TagReference:
		n, _ := HeadAt(item, next)
		key = AppendHead([]byte{ByteUndefined}, MajorUint, n.Arg)
	case !IsScalar(item):
		return true
	case h.Major != MajorTag: // another encoder may write a head that is longer than necessary
		key = append(AppendHead(nil, h.Major, h.Arg), item[next:]...)
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

// IsScalar reports whether JavaScript compares an item by its value.
func IsScalar(item []byte) bool {
	switch h, _ := HeadAt(item, 0); h.Major {
	case MajorUint, MajorNegint, MajorText, MajorSimple:
		return true
	case MajorTag:
		return h.Arg == TagBigPositive || h.Arg == TagBigNegative
	}
	return false
}

// appendKeyNumber appends a float, as an integer if it is one.
func appendKeyNumber(dst []byte, f float64) []byte {
	w, whole := Number{IsFloat: true, Float: f}.Whole()
	switch {
	case !whole:
		return AppendFloat(dst, f)
	case w.Negative:
		return AppendHead(dst, MajorNegint, w.Magnitude)
	}
	return AppendHead(dst, MajorUint, w.Magnitude)
}

package cbordoc

func ErrNotDistinct() error {
	return &Error{What: "it occurs twice here: JavaScript cannot tell these values apart"}
}

// distinct is a set of encoded keys, as JavaScript compares them: scalars by their
// value, where 1 and 1.0 are the same and there is one NaN, and all else by identity.
type Distinct struct{ known map[string]struct{} }

// add reports whether item is new. If it is the first of a shared value, mark is the
// number of that.
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
	case h.Major != MajorTag: // another encoder may write a longer head
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

// isScalar reports whether an item is compared by its value.
func IsScalar(item []byte) bool {
	switch h, _ := HeadAt(item, 0); h.Major {
	case MajorUint, MajorNegint, MajorText, MajorSimple:
		return true
	case MajorTag:
		return h.Arg == TagBigPositive || h.Arg == TagBigNegative
	}
	return false
}

// appendKeyNumber writes a float as the integer that it is, if it is one.
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

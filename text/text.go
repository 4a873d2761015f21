package text

import (
	"slices"
	"strings"
)

// Text is a text stored in pieces, so that even large ones are fast to read and change.
// Positions count UTF-16 units. Only '\n' ends a line, so "\r\n" ends a line whose last
// character is '\r'. The zero value is the empty text. Not safe for concurrent use, not
// even for reading: give other goroutines a [Text.Clone].
type Text struct {
	pieces []piece
	units  int
	bytes  int
	breaks int // line breaks

	// Where the last position was found: edits are often near each other.
	hint, hintUnits int
}

// piece is a part of a text, about pieceSize long.
type piece struct {
	s      string
	units  int
	breaks int
}

const (
	pieceSize = 1 << 9  // bytes of a new piece
	pieceMax  = 1 << 10 // a piece that grows larger is split
	pieceMin  = 1 << 7  // a piece that becomes smaller joins its neighbor
)

// NewText returns a text that holds s. Bytes of s that are not UTF-8 become U+FFFD.
func NewText(s string) *Text {
	t := new(Text)
	t.splice(0, 0, cut(valid(s)))
	return t
}

// cut splits s into pieces.
func cut(s string) []piece {
	var pieces []piece
	for len(s) > 0 {
		n := len(s)
		if n > pieceMax {
			n = pieceSize
			for s[n]&0xC0 == 0x80 { // the middle of a character
				n--
			}
		}
		part := strings.Clone(s[:n]) // so that no piece keeps a large string alive
		pieces = append(pieces, piece{part, Units(part), strings.Count(part, "\n")})
		s = s[n:]
	}
	return pieces
}

// Append adds s to the end. Bytes of s that are not UTF-8 become U+FFFD.
func (t *Text) Append(s string) { t.splice(len(t.pieces), 0, cut(valid(s))) }

// splice replaces n pieces from index i on.
func (t *Text) splice(i, n int, with []piece) {
	for _, p := range t.pieces[i : i+n] {
		t.units -= p.units
		t.bytes -= len(p.s)
		t.breaks -= p.breaks
	}
	for _, p := range with {
		t.units += p.units
		t.bytes += len(p.s)
		t.breaks += p.breaks
	}
	before := len(t.pieces)
	if more := len(with) - n; more > 0 { // slices.Replace would be 1 % of the browser's module
		t.pieces = append(t.pieces, with[:more]...)
		copy(t.pieces[i+len(with):], t.pieces[i+n:before])
	} else if more < 0 {
		copy(t.pieces[i+len(with):], t.pieces[i+n:])
		clear(t.pieces[before+more:]) // drops references to strings
		t.pieces = t.pieces[:before+more]
	}
	copy(t.pieces[i:], with)
	if t.hint > i {
		t.hint, t.hintUnits = 0, 0
	}
}

// Len returns the length in UTF-16 units.
func (t *Text) Len() int { return t.units }

// Size returns the length in bytes of UTF-8.
func (t *Text) Size() int { return t.bytes }

// Lines returns the number of lines, which is one more than there are line breaks.
func (t *Text) Lines() int { return t.breaks + 1 }

// Clone returns a copy that shares the pieces: copying a 10 MB text takes microseconds.
func (t *Text) Clone() *Text {
	c := *t
	c.pieces = slices.Clone(t.pieces)
	return &c
}

// String returns the whole text.
func (t *Text) String() string {
	var b strings.Builder
	b.Grow(t.bytes)
	for _, p := range t.pieces {
		b.WriteString(p.s)
	}
	return b.String()
}

// Slice returns the text between two positions. A position beyond the text stands for its
// end, one inside a character for the beginning of that character.
func (t *Text) Slice(from, to int) string {
	from, to = max(0, from), min(to, t.units)
	if from >= to {
		return ""
	}
	i, a, _ := t.find(from)
	j, b, _ := t.find(to)
	if i == j {
		return t.pieces[i].s[a:b]
	}
	size := len(t.pieces[i].s) - a + b
	for _, p := range t.pieces[i+1 : j] {
		size += len(p.s)
	}
	var s strings.Builder
	s.Grow(size)
	s.WriteString(t.pieces[i].s[a:])
	for _, p := range t.pieces[i+1 : j] {
		s.WriteString(p.s)
	}
	s.WriteString(t.pieces[j].s[:b])
	return s.String()
}

// find returns the piece that holds a position and the byte within it, and false if the
// position is inside a character. A position between two pieces is the end of the first.
func (t *Text) find(pos int) (i, at int, ok bool) {
	if len(t.pieces) == 0 {
		return 0, 0, true
	}
	i, start := t.hint, t.hintUnits
	if pos < start/2 {
		i, start = 0, 0
	}
	for i > 0 && start >= pos {
		i--
		start -= t.pieces[i].units
	}
	for i < len(t.pieces)-1 && start+t.pieces[i].units < pos {
		start += t.pieces[i].units
		i++
	}
	t.hint, t.hintUnits = i, start
	p := t.pieces[i]
	at, ok = offset(p.s, p.units, pos-start)
	return i, at, ok
}

// Boundary reports whether a position is in the text and not inside a character.
func (t *Text) Boundary(pos int) bool {
	if pos < 0 || pos > t.units {
		return false
	}
	_, _, ok := t.find(pos)
	return ok
}

// replace replaces n units at pos by s. Both ends must be character boundaries in the text.
func (t *Text) replace(pos, n int, s string, units int) {
	i, a, _ := t.find(pos)
	if len(t.pieces) == 0 {
		t.splice(0, 0, cut(s))
		return
	}
	j, b := i, a
	if n > 0 {
		j, b, _ = t.find(pos + n)
	}
	first, last := t.pieces[i].s, t.pieces[j].s
	size := a + len(s) + len(last) - b
	if i == j && size <= pieceMax && (size >= pieceMin || len(t.pieces) == 1) {
		p := &t.pieces[i]
		breaks := strings.Count(s, "\n") - strings.Count(first[a:b], "\n")
		t.units += units - n
		t.bytes += len(s) - (b - a)
		t.breaks += breaks
		*p = piece{first[:a] + s + first[b:], p.units + units - n, p.breaks + breaks}
		if t.hint > i {
			t.hint, t.hintUnits = 0, 0
		}
		return
	}
	joined := first[:a] + s + last[b:]
	if len(joined) < pieceMin && j+1 < len(t.pieces) {
		j++
		joined += t.pieces[j].s
	} else if len(joined) < pieceMin && i > 0 {
		i--
		joined = t.pieces[i].s + joined
	}
	t.splice(i, j-i+1, cut(joined))
}

// Apply changes the text. If the change set does not fit, it changes nothing and returns
// [ErrLength] or [ErrSplit].
func (t *Text) Apply(c ChangeSet) error {
	if err := t.check(c); err != nil {
		return err
	}
	t.apply(c)
	return nil
}

// apply applies a checked change.
func (t *Text) apply(c ChangeSet) {
	pos := 0
	for _, s := range c.sections {
		if s.ins == kept {
			pos += s.n
			continue
		}
		t.replace(pos, s.n, s.text, s.ins)
		pos += s.ins
	}
}

// check reports why a change set does not fit.
func (t *Text) check(c ChangeSet) error {
	if c.Length() != t.units {
		return ErrLength
	}
	pos := 0
	for _, s := range c.sections {
		if s.ins != kept && (!t.Boundary(pos) || s.n > 0 && !t.Boundary(pos+s.n)) {
			return ErrSplit
		}
		pos += s.n
	}
	return nil
}

package text

import (
	"errors"
	"iter"
	"strings"
)

// ChangeSet describes how one text becomes another: what is kept, deleted and inserted. It
// is an immutable value that applies to texts of one length. The zero value changes nothing
// in an empty text.
type ChangeSet struct {
	sections []section
}

// section is a part of the old text and its replacement in the new one.
type section struct {
	n    int // units of the old text
	ins  int // units of the text that replaces them, or kept
	text string
}

// kept is the ins of an unchanged section.
const kept = -1

// Change is one replacement in a change set. Positions refer to the old text.
type Change struct {
	From, To int
	Insert   string
}

// New returns a change set for a text of the given length. The changes must be in order and
// not overlap. Inserted bytes that are not UTF-8 become U+FFFD.
func New(length int, changes ...Change) (ChangeSet, error) {
	out := builder{sections: make([]section, 0, 2*len(changes)+1)}
	pos := 0
	for _, c := range changes {
		if c.From < pos || c.To < c.From || c.To > length {
			return ChangeSet{}, errors.New("text: changes out of order, or outside of the text")
		}
		s := valid(c.Insert)
		out.add(c.From-pos, kept, "")
		out.add(c.To-c.From, Units(s), s)
		pos = c.To
	}
	out.add(length-pos, kept, "")
	return out.changes(), nil
}

// Insert is [New] for one insertion. It panics if the position is outside of the text.
func Insert(length, at int, s string) ChangeSet { return must(New(length, Change{at, at, s})) }

// Delete is [New] for one deletion. It panics if the range is outside of the text.
func Delete(length, from, to int) ChangeSet { return must(New(length, Change{from, to, ""})) }

func must(c ChangeSet, err error) ChangeSet {
	if err != nil {
		panic(err)
	}
	return c
}

// Identity returns the change set that changes nothing in a text of the given length.
func Identity(length int) ChangeSet { return must(New(length)) }

// Length returns the length of the texts that c applies to.
func (c ChangeSet) Length() int {
	n := 0
	for _, s := range c.sections {
		n += s.n
	}
	return n
}

// NewLength returns the length of the text that c makes.
func (c ChangeSet) NewLength() int {
	n := 0
	for _, s := range c.sections {
		if s.ins == kept {
			n += s.n
		} else {
			n += s.ins
		}
	}
	return n
}

// Empty reports whether c changes nothing.
func (c ChangeSet) Empty() bool {
	for _, s := range c.sections {
		if s.ins != kept {
			return false
		}
	}
	return true
}

// Changes yields the replacements in order. It does not merge adjacent ones.
func (c ChangeSet) Changes() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		pos := 0
		for _, s := range c.sections {
			if s.ins != kept && !yield(Change{pos, pos + s.n, s.text}) {
				return
			}
			pos += s.n
		}
	}
}

// Inserted returns everything that c inserts, in order, to show users what they typed.
func (c ChangeSet) Inserted() string {
	var b strings.Builder
	for change := range c.Changes() {
		b.WriteString(change.Insert)
	}
	return b.String()
}

// Equal reports whether both consist of the same sections.
func (c ChangeSet) Equal(other ChangeSet) bool {
	if len(c.sections) != len(other.sections) {
		return false
	}
	for i, s := range c.sections {
		if s != other.sections[i] {
			return false
		}
	}
	return true
}

// MapPos maps a position in the old text to the new one. With side < 0 it stays before text
// inserted there, with side > 0 it moves after it. A position within deleted text moves to
// where that text was.
func (c ChangeSet) MapPos(pos, side int) int {
	from, to := 0, 0 // progress in the old and in the new text
	for _, s := range c.sections {
		end := from + s.n
		if s.ins == kept {
			if pos < end {
				return to + pos - from
			}
			to += s.n
		} else {
			if pos < end || pos == end && side < 0 && s.n == 0 {
				if pos == from || side < 0 {
					return to
				}
				return to + s.ins
			}
			to += s.ins
		}
		from = end
	}
	return to
}

// Invert returns the change set that undoes c. before is the text that c applies to.
func (c ChangeSet) Invert(before *Text) ChangeSet {
	inverse := make([]section, len(c.sections))
	pos := 0
	for i, s := range c.sections {
		inverse[i] = s
		if s.ins != kept {
			inverse[i] = section{n: s.ins, ins: s.n, text: before.Slice(pos, pos+s.n)}
		}
		pos += s.n
	}
	return ChangeSet{inverse}
}

// UnmapPos maps a position in the new text back to the old one. A position within inserted
// text maps to where that text was inserted.
func (c ChangeSet) UnmapPos(pos int) int {
	from, to := 0, 0
	for _, s := range c.sections {
		if s.ins == kept {
			if pos < to+s.n {
				return from + pos - to
			}
			to += s.n
		} else {
			if pos < to+s.ins {
				return from
			}
			to += s.ins
		}
		from += s.n
	}
	return from
}

// builder collects sections and merges neighbors of the same kind.
type builder struct {
	sections []section
	open     bool // additions extend the last section, which is a replacement
}

func (b *builder) add(n, ins int, text string) {
	if n == 0 && ins <= 0 {
		return
	}
	if len(b.sections) > 0 {
		last := &b.sections[len(b.sections)-1]
		switch {
		case ins <= 0 && ins == last.ins: // both keep, or both delete
			last.n += n
			return
		case b.open, n == 0 && last.n == 0: // or both insert
			last.n += n
			last.ins += ins
			last.text += text
			return
		}
	}
	b.sections = append(b.sections, section{n, ins, text})
}

func (b *builder) changes() ChangeSet { return ChangeSet{b.sections} }

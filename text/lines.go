package text

import "strings"

// LineAt returns the number, from 0, of the line that holds a position.
func (t *Text) LineAt(pos int) int {
	pos = min(max(0, pos), t.units)
	i, at, _ := t.find(pos)
	line := 0
	for _, p := range t.pieces[:min(i, len(t.pieces))] {
		line += p.breaks
	}
	if i < len(t.pieces) {
		line += strings.Count(t.pieces[i].s[:at], "\n")
	}
	return line
}

// Line returns where line n, counted from 0, begins and ends, without its line break. A
// line that does not exist is empty and at the end of the text.
func (t *Text) Line(n int) (from, to int) {
	if n < 0 || n > t.breaks {
		return t.units, t.units
	}
	from = t.afterBreak(n)
	to = t.units
	if n < t.breaks {
		to = t.afterBreak(n+1) - 1
	}
	return from, to
}

// afterBreak returns the position after the first n line breaks.
func (t *Text) afterBreak(n int) int {
	if n == 0 {
		return 0
	}
	pos := 0
	for _, p := range t.pieces {
		if p.breaks < n {
			n -= p.breaks
			pos += p.units
			continue
		}
		at := 0
		for ; n > 0; n-- {
			at += strings.IndexByte(p.s[at:], '\n') + 1
		}
		return pos + Units(p.s[:at])
	}
	return pos
}

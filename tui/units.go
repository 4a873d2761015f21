package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/lumenize/lmz/text"
)

// place is a place in the text, in bytes of UTF-8 and in UTF-16 units, which documents
// count in.
type place struct{ at, units int }

// units converts a place to UTF-16 units. It counts from the last place converted, because
// the next one is usually near.
func (a *textArea) units(at int) int {
	p := a.known
	if at < p.at/2 {
		p = place{}
	}
	if at >= p.at {
		p.units += text.Units(a.text[p.at:at])
	} else {
		p.units -= text.Units(a.text[at:p.at])
	}
	a.known = place{at, p.units}
	return p.units
}

// at converts a place from UTF-16 units. Beyond the text it returns the end of the text,
// inside a character the beginning of that character.
func (a *textArea) at(units int) int {
	p := a.known
	if units < p.units/2 {
		p = place{}
	}
	for p.units > units {
		r, n := utf8.DecodeLastRuneInString(a.text[:p.at])
		p.at, p.units = p.at-n, p.units-unitsOf(r)
	}
	for p.at < len(a.text) {
		r, n := utf8.DecodeRuneInString(a.text[p.at:])
		if p.units+unitsOf(r) > units {
			break
		}
		p.at, p.units = p.at+n, p.units+unitsOf(r)
	}
	a.known = p
	return p.at
}

func unitsOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// change returns a change set that replaces a part of the text.
func (a *textArea) change(length, from, to int, s string) (text.ChangeSet, error) {
	return text.New(length, text.Change{From: a.units(from), To: a.units(to), Insert: s})
}

// apply applies a change set to the text. The cursor, the selection and the window keep
// their place in the text; the cursor stays before text inserted at it unless after is
// true.
func (a *textArea) apply(c text.ChangeSet, after bool) {
	side := -1
	if after {
		side = 1
	}
	top, anchor, cursor := a.units(a.top), a.units(a.anchor), a.units(a.cursor)
	var changed strings.Builder
	changed.Grow(len(a.text))
	last, first := 0, len(a.text)
	for c := range c.Changes() {
		from, to := a.at(c.From), a.at(c.To)
		changed.WriteString(a.text[last:from])
		changed.WriteString(c.Insert)
		last, first = to, min(first, from)
	}
	changed.WriteString(a.text[last:])
	a.forget(first)
	a.text = changed.String()
	a.top = a.at(c.MapPos(top, -1))
	a.anchor = a.snap(a.at(c.MapPos(anchor, side)))
	a.extendTo(a.snap(a.at(c.MapPos(cursor, side))))
}

// applyOwn is apply for the user's own changes: the cursor moves to the end of the last one.
func (a *textArea) applyOwn(c text.ChangeSet) {
	end := -1
	for one := range c.Changes() {
		end = c.MapPos(one.To, 1)
	}
	a.apply(c, true)
	if end >= 0 {
		a.moveTo(a.snap(a.at(end)))
	}
}

// forget prepares for a change of the text from a place on.
func (a *textArea) forget(from int) {
	if a.known.at > from {
		a.units(from)
	}
}

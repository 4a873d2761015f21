package tui

import "strings"

// look is the appearance of a piece of the text.
type look struct {
	wrong       bool // may be misspelled
	placeholder bool // stands for a character that cannot be shown
	selected    bool
	found       bool // by a search
	peer        int  // whose selection or cursor it is, from 1; 0 for none
	caret       bool // the cursor of the peer
}

// add returns l combined with m.
func (l look) add(m look) look {
	l.wrong = l.wrong || m.wrong
	l.placeholder = l.placeholder || m.placeholder
	l.selected = l.selected || m.selected
	l.found = l.found || m.found
	if m.peer != 0 && !l.caret {
		l.peer, l.caret = m.peer, m.caret
	}
	return l
}

// mark gives a look to a part of the text. For a caret, from equals to.
type mark struct {
	from, to int
	look     look
}

// lookAt returns the look of the character from at to next, or behind the end of a row
// if both are the same.
func lookAt(marks []mark, at, next int) look {
	var l look
	for _, m := range marks {
		caret := m.look.caret && m.from >= at && (m.from < next || at == next && m.from == at)
		if caret || m.from <= at && next <= m.to && at < next {
			l = l.add(m.look)
		}
	}
	return l
}

// render returns the rows in the window, with each piece styled by paint.
func (a *textArea) render(marks []mark, paint func(look, string) string) []string {
	var lines []string
	a.rowsDown(a.top, a.height, func(r row) bool {
		lines = append(lines, a.renderRow(r, marks, paint))
		return true
	})
	return lines
}

func (a *textArea) renderRow(r row, marks []mark, paint func(look, string) string) string {
	var line, piece strings.Builder
	var now look
	show := func(l look, s string) {
		if l != now && piece.Len() > 0 {
			line.WriteString(paint(now, piece.String()))
			piece.Reset()
		}
		now = l
		piece.WriteString(s)
	}
	for at, col := r.start, 0; at < r.end; {
		n, w := cluster(a.text[at:r.end], col, a.method)
		shown, strange := glyph(a.text[at:at+n], w, a.method)
		l := lookAt(marks, at, at+n)
		l.placeholder = strange
		show(l, shown)
		at, col = at+n, col+w
	}
	if end := a.lookBehind(r, marks); end != (look{}) && a.column(r, r.end) < a.width {
		show(end, " ")
	}
	return line.String() + paint(now, piece.String())
}

// lookBehind returns the look of the place behind a row: of a selected line break, or of
// a caret there.
func (a *textArea) lookBehind(r row, marks []mark) look {
	next := afterLine(a.text, r.end)
	if r.end < len(a.text) && a.text[r.end] != '\n' && a.text[r.end] != '\r' {
		return look{} // the line continues in the next row
	}
	var l look
	for _, m := range marks {
		if m.look.caret && m.from == r.end || m.look.selected && m.from <= r.end && next > 0 && next <= m.to {
			l = l.add(m.look)
		}
	}
	return l
}

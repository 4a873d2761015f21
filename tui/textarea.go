package tui

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/text"
)

// textArea is a text, a cursor, and a window on it. Its cost depends on the rows in the
// window, not on the length of the text. Positions are in bytes and always between
// user-perceived characters. Set width and height first.
type textArea struct {
	text          string
	cursor        int
	anchor        int // other end of the selection; the cursor if there is none
	known         place
	top           int // where the first row in the window starts
	goal          int // the column that up and down aim for; -1 for the cursor's
	width, height int
	method        ansi.Method // how the terminal counts columns
}

func newTextArea() textArea { return textArea{goal: -1, width: 80, height: 22, method: ansi.WcWidth} }

// resize changes the size of the window.
func (a *textArea) resize(width, height int) {
	a.width, a.height = max(width, 2), max(height, 1)
	a.scroll()
}

// insert inserts s at the cursor, replacing the selection.
func (a *textArea) insert(s string) {
	from, to := a.selection()
	a.splice(from, to, s)
}

// splice replaces a part of the text and puts the cursor behind the new part.
func (a *textArea) splice(from, to int, s string) {
	a.forget(from)
	a.text = a.text[:from] + s + a.text[to:]
	a.moveTo(a.snap(from + len(s)))
}

// moveTo moves the cursor and clears the selection.
func (a *textArea) moveTo(at int) {
	a.anchor = at
	a.extendTo(at)
}

// extendTo moves the cursor, and with it the end of the selection.
func (a *textArea) extendTo(at int) {
	a.cursor, a.goal = at, -1
	a.scroll()
}

// replace replaces the text. The cursor and the window stay at the same place in the part
// that both texts share.
func (a *textArea) replace(other string) {
	c := text.Diff(a.text, other)
	a.apply(c, false)
}

// snap returns the first place at or after at where the cursor may be.
func (a *textArea) snap(at int) int {
	start, _ := lineAt(a.text, at)
	for start < at {
		n, _ := cluster(a.text[start:], 0, a.method)
		start += n
	}
	return start
}

// next and previous return the place one character after and before the cursor.
func (a *textArea) next() int {
	if a.cursor == len(a.text) {
		return a.cursor
	}
	n, _ := cluster(a.text[a.cursor:], 0, a.method)
	return a.cursor + n
}

func (a *textArea) previous() int {
	at, _ := lineAt(a.text, a.cursor)
	if at == a.cursor {
		if strings.HasSuffix(a.text[:at], "\r\n") {
			return at - 2
		}
		return max(at-1, 0)
	}
	for {
		n, _ := cluster(a.text[at:], 0, a.method)
		if at+n >= a.cursor {
			return at
		}
		at += n
	}
}

// nextWord and previousWord return the end of the next word and the start of the
// previous one.
func (a *textArea) nextWord() int {
	rest := strings.TrimLeftFunc(a.text[a.cursor:], notInWord)
	return a.snap(len(a.text) - len(strings.TrimLeftFunc(rest, inWord)))
}

func (a *textArea) previousWord() int {
	before := strings.TrimRightFunc(a.text[:a.cursor], notInWord)
	return a.snap(len(strings.TrimRightFunc(before, inWord)))
}

func inWord(r rune) bool {
	return r == '_' || r == '\'' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

func notInWord(r rune) bool { return !inWord(r) }

// rowsAt returns the rows of the line around at, and which of them contains at.
func (a *textArea) rowsAt(at int) (rows []row, i int) {
	start, end := lineAt(a.text, at)
	rows = wrap(a.text, start, end, a.width, a.method)
	i = len(rows) - 1
	for i > 0 && rows[i].start > at {
		i--
	}
	return rows, i
}

// rowsDown calls visit with at most n rows, starting with the one that contains at,
// until it returns false.
func (a *textArea) rowsDown(at, n int, visit func(row) bool) {
	for at >= 0 && n > 0 {
		rows, i := a.rowsAt(at)
		for ; i < len(rows) && n > 0; i++ {
			if n--; !visit(rows[i]) {
				return
			}
		}
		at = afterLine(a.text, rows[len(rows)-1].end)
	}
}

// rowUp returns the row that is n rows above the one that contains at, or the first.
func (a *textArea) rowUp(at, n int) row {
	for {
		rows, i := a.rowsAt(at)
		if n <= i {
			return rows[i-n]
		}
		if rows[0].start == 0 {
			return rows[0]
		}
		n -= i + 1
		at = rows[0].start - 1
		if at > 0 && a.text[at-1] == '\r' {
			at--
		}
	}
}

// moveRows moves the cursor n rows down, or up if n is negative, as near to its column as
// possible.
func (a *textArea) moveRows(n int) {
	rows, i := a.rowsAt(a.cursor)
	goal := a.goal
	if goal < 0 {
		goal = a.column(rows[i], a.cursor)
	}
	var target row
	if n < 0 {
		target = a.rowUp(a.cursor, -n)
	} else {
		a.rowsDown(a.cursor, n+1, func(r row) bool { target = r; return true })
	}
	a.moveTo(a.atColumn(target, goal))
	a.goal = goal
}

// wheel moves the window by n rows, and the cursor only if needed to stay in it.
func (a *textArea) wheel(n int) {
	if n < 0 {
		a.top = a.rowUp(a.top, -n).start
	} else {
		a.rowsDown(a.top, n+1, func(r row) bool { a.top = r.start; return true })
	}
	last := a.top
	a.rowsDown(a.top, a.height, func(r row) bool { last = r.start; return true })
	at, goal := a.cursor, a.goal
	rows, i := a.rowsAt(at)
	if goal < 0 {
		goal = a.column(rows[i], at)
	}
	switch {
	case rows[i].start < a.top:
		rows, i = a.rowsAt(a.top)
	case rows[i].start > last:
		rows, i = a.rowsAt(last)
	default:
		a.scroll()
		return
	}
	a.moveTo(a.atColumn(rows[i], goal))
	a.goal = goal
}

// movePage moves the cursor and the window by n windows.
func (a *textArea) movePage(n int) {
	by := n * max(a.height-1, 1)
	if by < 0 {
		a.top = a.rowUp(a.top, -by).start
	} else {
		a.rowsDown(a.top, by+1, func(r row) bool { a.top = r.start; return true })
	}
	a.moveRows(by)
}

// column returns the column of at in r.
func (a *textArea) column(r row, at int) int {
	col := 0
	for i := r.start; i < at; {
		n, w := cluster(a.text[i:], col, a.method)
		i, col = i+n, col+w
	}
	return col
}

// atColumn returns the last place in r up to column col. If the line continues, the end of
// r does not count: the next row starts there.
func (a *textArea) atColumn(r row, col int) int {
	at, here := r.start, 0
	for at < r.end {
		n, w := cluster(a.text[at:], here, a.method)
		goesOn := at+n == r.end && r.end < len(a.text) && !strings.ContainsRune("\r\n", rune(a.text[r.end]))
		if here+w > col || goesOn {
			break
		}
		at, here = at+n, here+w
	}
	return at
}

// home and end return the start and the end of the cursor's row.
func (a *textArea) home() int {
	rows, i := a.rowsAt(a.cursor)
	return rows[i].start
}

func (a *textArea) end() int {
	rows, i := a.rowsAt(a.cursor)
	return a.atColumn(rows[i], len(a.text))
}

// scroll moves the window so that the cursor is in it and no row is wasted.
func (a *textArea) scroll() {
	rows, i := a.rowsAt(min(a.top, len(a.text)))
	a.top = rows[i].start
	if rows, i = a.rowsAt(a.cursor); rows[i].start < a.top {
		a.top = rows[i].start
	}
	a.top = max(a.top, a.rowUp(a.cursor, a.height-1).start)
	shown, last := 0, a.top
	a.rowsDown(a.top, a.height, func(r row) bool { shown++; last = r.start; return true })
	if shown < a.height {
		a.top = a.rowUp(last, a.height-1).start
	}
}

// bottom returns where the last row in the window ends.
func (a *textArea) bottom() int {
	end := a.top
	a.rowsDown(a.top, a.height, func(r row) bool { end = r.end; return true })
	return end
}

// cursorXY returns where in the window the cursor is.
func (a *textArea) cursorXY() (x, y int) {
	rows, i := a.rowsAt(a.cursor)
	a.rowsDown(a.top, a.height, func(r row) bool {
		if r.start == rows[i].start {
			x = a.column(r, a.cursor)
			return false
		}
		y++
		return true
	})
	return x, y
}

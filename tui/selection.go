package tui

import (
	"strings"
	"unicode/utf8"
)

// selection returns the bounds of the selected text, which are equal if there is none.
func (a *textArea) selection() (from, to int) {
	return min(a.anchor, a.cursor), max(a.anchor, a.cursor)
}

// selected returns the selected text.
func (a *textArea) selected() string {
	from, to := a.selection()
	return a.text[from:to]
}

// selectRange selects a part of the text, with the cursor at its end.
func (a *textArea) selectRange(from, to int) {
	a.anchor = from
	a.extendTo(to)
}

// selectWord selects the word or the space around at.
func (a *textArea) selectWord(at int) {
	start, end := lineAt(a.text, at)
	if start == end {
		a.moveTo(at)
		return
	}
	if at >= end { // behind the last character
		_, n := utf8.DecodeLastRuneInString(a.text[start:end])
		at = end - n
	}
	same := notInWord
	if r, _ := utf8.DecodeRuneInString(a.text[at:]); inWord(r) {
		same = inWord
	}
	from := start + len(strings.TrimRightFunc(a.text[start:at], same))
	to := end - len(strings.TrimLeftFunc(a.text[at:end], same))
	a.selectRange(a.snap(from), a.snap(to))
}

// selectLine selects the line around at, with its line break.
func (a *textArea) selectLine(at int) {
	start, end := lineAt(a.text, at)
	if next := afterLine(a.text, end); next > 0 {
		end = next
	}
	a.selectRange(start, end)
}

// placeAt returns the place shown at a column and row of the window, or the nearest one.
func (a *textArea) placeAt(x, y int) int {
	at := a.top
	var found row
	a.rowsDown(at, max(y, 0)+1, func(r row) bool { found = r; return true })
	if y < 0 {
		found = a.rowUp(a.top, -y)
	}
	return a.atColumn(found, max(x, 0))
}

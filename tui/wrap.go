package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/internal/printable"
)

const tabStop = 4 // columns

// row is one line on the screen: the part of the text from start to end. A line of
// the text takes one or more rows.
type row struct{ start, end int }

// cluster measures the first user-perceived character of s, which is not empty: its length
// in bytes, and its columns at column col. A line break has no columns.
func cluster(s string, col int, method ansi.Method) (n, width int) {
	switch c := s[0]; {
	case c == '\n':
		return 1, 0
	case strings.HasPrefix(s, "\r\n"):
		return 2, 0
	case c == '\t':
		return 1, tabStop - col%tabStop
	case c < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf):
		return 1, 1 // by far the most common case
	}
	first, width := ansi.FirstGraphemeCluster(s, method)
	return len(first), max(width, 1) // a placeholder if it has no width
}

// glyph returns what the screen shows for a cluster, and whether it is a placeholder: a
// document's control characters must not reach the terminal.
func glyph(s string, width int, method ansi.Method) (shown string, placeholder bool) {
	if s == "\t" {
		return strings.Repeat(" ", width), false
	}
	if c := s[0]; len(s) == 1 && c < ' ' {
		return string(rune(0x2400 + int(c))), true // ␀, ␁, ␂, ...
	}
	if len(s) == 1 && s[0] > ' ' && s[0] < 0x7f {
		return s, false
	}
	for _, r := range s {
		if r == utf8.RuneError || r < ' ' || r >= 0x7f && r < 0xa0 {
			return "\uFFFD", true
		}
	}
	shown = printable.Strip(s)
	if method.StringWidth(shown) == 0 {
		return "\uFFFD", true
	}
	return shown, shown != s
}

// lineAt returns the bounds of the line around at, without its line break.
func lineAt(text string, at int) (start, end int) {
	start = strings.LastIndexByte(text[:at], '\n') + 1
	end = len(text)
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		end = at + i
		if end > start && text[end-1] == '\r' {
			end--
		}
	}
	return start, end
}

// afterLine returns the start of the line after the one that ends at end, or -1 if there is
// none.
func afterLine(text string, end int) int {
	if end >= len(text) {
		return -1
	}
	n, _ := cluster(text[end:], 0, 0)
	return end + n
}

// wrap breaks the line of text from start to end into rows. The last of width columns is
// reserved for the cursor behind a full row, or for the space at which the row is broken.
func wrap(text string, start, end, width int, method ansi.Method) []row {
	var rows []row
	from, col := start, 0          // of the current row
	breakAt, breakCol := -1, 0     // where its last word started
	newRow := func(at, rest int) { // rest is the width of what is already behind at
		rows = append(rows, row{from, at})
		from, col, breakAt = at, rest, -1
	}
	for at := start; at < end; {
		n, w := cluster(text[at:end], col, method)
		space := text[at] == ' ' || text[at] == '\t'
		hangs := text[at] == ' ' && col+1 <= width
		if col > 0 && col+w > width-1 && !hangs {
			if breakAt > from && !space && w < 2 {
				newRow(breakAt, col-breakCol)
			}
			if col > 0 && col+w > width-1 {
				newRow(at, 0)
			}
			if text[at] == '\t' {
				w = tabStop
			}
		}
		at, col = at+n, col+w
		if space || w > 1 {
			breakAt, breakCol = at, col
		}
	}
	if col >= width && from < end { // a hanging space: the cursor needs a row
		newRow(end, 0)
	}
	return append(rows, row{from, end})
}

package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/printable"
)

// maxSuggestions is the most suggestions that the menu shows: one for each digit.
const maxSuggestions = 9

// menu shows the suggestions for a misspelled word.
type menu struct {
	word   editor.Misspelling
	chosen int
}

// misspelled returns the misspelled word that the cursor is in or behind.
func (m *model) misspelled() (editor.Misspelling, bool) {
	at := m.area.units(m.area.cursor)
	for _, w := range m.findings {
		if w.From <= at && at <= w.To {
			return w, true
		}
	}
	return editor.Misspelling{}, false
}

func (m *model) openMenu() {
	word, found := m.misspelled()
	switch {
	case !found:
		m.note = "there is no misspelled word here"
	case len(word.Suggestions) == 0:
		m.note = "no suggestions for " + printable.Line(word.Word)
	default:
		word.Suggestions = word.Suggestions[:min(len(word.Suggestions), maxSuggestions)]
		m.menu = &menu{word: word}
	}
}

// menuKey handles a key and reports whether it was one of the menu's. Any other closes it.
func (m *model) menuKey(name string) bool {
	n := len(m.menu.word.Suggestions)
	switch {
	case name == "up", name == "ctrl+p":
		m.menu.chosen = (m.menu.chosen + n - 1) % n
	case name == "down", name == "ctrl+n", name == "tab":
		m.menu.chosen = (m.menu.chosen + 1) % n
	case name == "enter", name == "alt+enter":
		m.takeSuggestion(m.menu.chosen)
	case len(name) == 1 && name[0] >= '1' && int(name[0]-'0') <= n:
		m.takeSuggestion(int(name[0] - '1'))
	case name == "esc":
		m.menu = nil
	default:
		m.menu = nil
		return false
	}
	return true
}

// takeSuggestion replaces the word by a suggestion, if the word is still there.
func (m *model) takeSuggestion(i int) {
	word := m.menu.word
	m.menu = nil
	from, to := m.area.at(word.From), m.area.at(word.To)
	if m.area.text[from:to] != word.Word {
		m.note = "the word has changed meanwhile"
		return
	}
	m.change(from, to, word.Suggestions[i])
}

// menuBox returns the lines of the menu and the position of the first on the screen.
func (m *model) menuBox() (lines []string, x, y int) {
	width := 0
	for i, s := range m.menu.word.Suggestions {
		line := fmt.Sprintf(" %d %s ", i+1, printable.Line(s))
		lines = append(lines, line)
		width = max(width, m.area.method.StringWidth(line))
	}
	for i, line := range lines {
		line += strings.Repeat(" ", width-m.area.method.StringWidth(line))
		if i == m.menu.chosen {
			lines[i] = m.styles.chosen.Styled(line)
		} else {
			lines[i] = m.styles.bar.Render(line)
		}
	}
	x, y = m.area.cursorXY()
	x = max(min(x+margin, m.width-width), 0)
	if y++; y+len(lines) > m.area.height {
		y = max(y-1-len(lines), 0)
	}
	return lines, x, y
}

// menuAt returns which suggestion is at a position of the screen below the title.
func (m *model) menuAt(x, y int) (i int, ok bool) {
	lines, left, top := m.menuBox()
	i = y - top
	return i, i >= 0 && i < len(lines) && x >= left && x < left+ansi.StringWidth(lines[0])
}

// overlay draws a box of lines over others.
func overlay(on, box []string, x, y int) []string {
	for len(on) < y+len(box) {
		on = append(on, "")
	}
	for i, line := range box {
		under := on[y+i]
		left := ansi.Truncate(under, x, "")
		left += strings.Repeat(" ", max(x-ansi.StringWidth(left), 0))
		on[y+i] = left + line + ansi.TruncateLeft(under, x+ansi.StringWidth(line), "")
	}
	return on
}

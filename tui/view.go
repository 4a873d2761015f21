package tui

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/client"
)

const margin = 1 // columns left of the text

// layout gives the text the room that the bars leave.
func (m *model) layout() {
	m.area.resize(m.width-margin, m.height-2-len(m.bars()))
}

// View draws the screen: the title, the text, bars with what the user must know, and
// the status.
func (m *model) View() tea.View {
	bars := m.bars()
	room := max(m.height-2-len(bars), 0)
	body, cursor := m.body(room)
	lines := append([]string{m.title()}, body...)
	for len(lines) < room+1 {
		lines = append(lines, "")
	}
	lines = append(append(lines[:room+1], bars...), m.status())
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	v.WindowTitle = clean(m.document) + " - lmz"
	v.Cursor = cursor
	v.MouseMode = tea.MouseModeCellMotion
	return v
}

// body returns what stands between the title and the bars.
func (m *model) body(room int) ([]string, *tea.Cursor) {
	switch {
	case m.help:
		return m.centre(room, helpLines(m.width)), nil
	case m.blocked != nil:
		return m.centre(room, m.blockedLines()), nil
	case m.open == nil:
		return m.centre(room, m.openingLines()), nil
	}
	lines := m.area.render(m.isWrong, m.marks(), m.paint)
	for i, l := range lines {
		lines[i] = strings.Repeat(" ", margin) + l
	}
	if m.phase != editing {
		return lines, nil
	}
	x, y := m.area.cursorXY()
	return lines, tea.NewCursor(x+margin, y+1)
}

func (m *model) isWrong(word string) bool {
	_, wrong := m.findings[word]
	return wrong
}

// marks are what the text shows besides itself.
func (m *model) marks() []mark {
	from, to := m.area.selection()
	marks := m.search.marks(m.area.top, m.area.bottom())
	if from < to {
		marks = append(marks, mark{from, to, look{selected: true}})
	}
	return marks
}

func (m *model) paint(l look, s string) string {
	switch {
	case l.caret:
		return m.styles.peer(l.peer).caret.Render(s)
	case l.selected:
		return m.styles.selected.Render(s)
	case l.found:
		return m.styles.found.Render(s)
	case l.peer != 0:
		return m.styles.peer(l.peer).selected.Render(s)
	case l.wrong:
		return m.styles.wrong.Styled(s)
	case l.placeholder:
		return m.styles.faint.Render(s)
	}
	return s
}

// centre puts a block of lines into the middle of the screen.
func (m *model) centre(room int, block []string) []string {
	widest := 0
	for _, l := range block {
		widest = max(widest, lipgloss.Width(l))
	}
	left := strings.Repeat(" ", max((m.width-widest)/2, 1))
	lines := make([]string, max((room-len(block))/3, 0), room+len(block))
	for _, l := range block {
		lines = append(lines, left+ansi.Truncate(l, max(m.width-1, 0), "…"))
	}
	return lines
}

func (m *model) openingLines() []string {
	lines := []string{"Opening " + clean(m.document) + " …", clean(m.server)}
	if m.failure != "" {
		lines = append(lines, "", m.failure+", trying again")
	}
	return lines
}

func (m *model) blockedLines() []string {
	why, what := clean(m.blocked.Error()), "Sign in again from another terminal"
	if errors.Is(m.blocked, client.ErrSuperseded) {
		why, what = "A newer editor has taken this one's place.", "Close that one if you want to go on here"
	}
	lines := strings.Split(ansi.Wordwrap(why, max(m.width-2, 1), ""), "\n")
	return append(lines, "", what+",", "then press Enter to connect again.", "", "^Q quits.")
}

// title is the first line of the screen.
func (m *model) title() string {
	return m.styles.title.Render(m.spread(" "+clean(m.document), "lmz  ^G help "))
}

// spread puts left and right on one line, and as much of left as there is room for.
func (m *model) spread(left, right string) string {
	room := m.width - lipgloss.Width(right) - 1
	if room < 8 {
		room, right = m.width, ""
	}
	left = ansi.Truncate(left, max(room, 0), "…")
	gap := m.width - lipgloss.Width(left) - lipgloss.Width(right)
	return left + strings.Repeat(" ", max(gap, 0)) + right
}

// bars are the lines above the status.
func (m *model) bars() []string {
	var bars []string
	if m.stuck() {
		text := fmt.Sprintf(" no connection for %d s, still trying", int(m.now().Sub(m.offline).Seconds()))
		if m.failure != "" {
			text += " (" + m.failure + ")"
		}
		bars = append(bars, m.styles.alarm.Render(m.spread(text, "")))
	}
	if m.unsaved != "" {
		bars = append(bars, m.styles.alarm.Render(m.spread(" not saved, trying again: "+m.unsaved, "")))
	}
	switch {
	case m.search.open:
		from, _ := m.area.selection()
		bars = append(bars, m.styles.bar.Render(m.spread(m.search.bar(from))))
	case m.phase == asking:
		bars = append(bars, m.styles.alarm.Render(m.spread(" not saved: quit anyway? y/n", "")))
	case m.buffer.Held != nil:
		text := " changed by " + m.holder() + ", press R to take it"
		hint := "Esc keeps yours "
		if lipgloss.Width(text)+lipgloss.Width(hint) >= m.width {
			hint = ""
		}
		bars = append(bars, m.styles.bar.Render(m.spread(text, hint)))
	case m.note != "":
		bars = append(bars, m.styles.bar.Render(m.spread(" "+m.note, "")))
	}
	return bars
}

// holder is the name in the bar, which must not push the key off the screen.
func (m *model) holder() string {
	rest := lipgloss.Width(" changed by , press R to take it")
	return ansi.Truncate(someone(m.buffer.Held.By), max(m.width-rest, 4), "…")
}

func (m *model) stuck() bool {
	return m.state != client.Connected && m.blocked == nil && m.now().Sub(m.offline) >= stuckAfter
}

// status is the last line of the screen. On a narrow one the way out stays and other
// parts are cut.
func (m *model) status() string {
	const out = "^Q quit "
	line, used := " ", 1
	for i, part := range m.parts() {
		if i > 0 {
			line, used = line+"  ", used+2
		}
		part = ansi.Truncate(part, max(m.width-len(out)-1-used, 0), "…")
		if i > 1 && lipgloss.Width(part) < 5 {
			break // too little to be of use
		}
		line, used = line+part, used+lipgloss.Width(part)
	}
	if used+len(out) > m.width {
		return ansi.Truncate(line, max(m.width, 0), "")
	}
	return line + strings.Repeat(" ", m.width-used-len(out)) + m.styles.faint.Render(out)
}

// parts are the pieces of the status, the important first.
func (m *model) parts() []string {
	parts := []string{m.connection()}
	if m.open == nil {
		return parts
	}
	switch {
	case m.phase == flushing, m.phase == leaving:
		parts = append(parts, m.styles.strong.Render("saving…"))
	case m.buffer.Dirty():
		parts = append(parts, m.styles.strong.Render("unsaved"))
	default:
		parts = append(parts, "saved  ") // as wide as the other: nothing moves while one types
	}
	switch suggestion := m.suggestion(); {
	case suggestion != "":
		parts = append(parts, suggestion)
	case m.by != "" && m.narrow():
		parts = append(parts, m.styles.faint.Render("by "+clean(m.by)))
	case m.by != "":
		parts = append(parts, m.styles.faint.Render("last change by "+clean(m.by)))
	}
	return parts
}

func (m *model) narrow() bool { return m.width < 60 }

func (m *model) connection() string {
	switch m.state {
	case client.Connected:
		if m.narrow() {
			return m.styles.good.Render("●")
		}
		return m.styles.good.Render("●") + " connected"
	case client.Reconnecting:
		return m.styles.bad.Render("○") + " reconnecting…"
	}
	if m.blocked == nil {
		return "○ connecting…"
	}
	return m.styles.bad.Render("○") + " offline"
}

// suggestion says how the word at the cursor may be spelled.
func (m *model) suggestion() string {
	word := m.area.wordAt(m.area.cursor)
	better := m.findings[word]
	if len(better) == 0 {
		return ""
	}
	return m.styles.wrong.Styled(word) + " → " + clean(strings.Join(better, ", "))
}

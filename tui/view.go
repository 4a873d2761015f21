package tui

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/printable"
)

const margin = 1 // columns left of the text

// layout gives the text the space that the bars leave.
func (m *model) layout() {
	m.area.resize(m.width-margin, m.height-2-len(m.bars()))
}

// View draws the screen: the title, the text, bars with what the user must know, and the
// status.
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
	v.WindowTitle = printable.Line(m.document) + " - lmz"
	v.Cursor = cursor
	v.MouseMode = tea.MouseModeCellMotion
	return v
}

// body returns what is shown between the title and the bars.
func (m *model) body(room int) ([]string, *tea.Cursor) {
	switch {
	case m.help:
		return m.centre(room, helpLines(m.width)), nil
	case m.blocked != nil:
		return m.centre(room, m.blockedLines()), nil
	case m.picker != nil:
		return m.centre(room, m.pickerLines(room)), nil
	case m.versions != nil:
		return m.versionLines(room), nil
	case len(m.refused) > 0:
		return m.centre(room, m.refusedLines(room)), nil
	case !m.ready():
		return m.centre(room, m.openingLines()), nil
	}
	lines := m.area.render(m.marks(), m.paint)
	for i, l := range lines {
		lines[i] = strings.Repeat(" ", margin) + l
	}
	if m.menu != nil {
		box, x, y := m.menuBox()
		lines = overlay(lines, box, x, y)
	}
	if m.phase != editing {
		return lines, nil
	}
	x, y := m.area.cursorXY()
	return lines, tea.NewCursor(x+margin, y+1)
}

// marks returns the marks to show in the window.
func (m *model) marks() []mark {
	a := &m.area
	top, bottom := a.units(a.top), a.units(a.bottom())
	var marks []mark
	for _, w := range m.findings {
		if w.From < bottom && w.To > top {
			marks = append(marks, mark{a.at(w.From), a.at(w.To), look{wrong: true}})
		}
	}
	for _, p := range m.people {
		from, to := min(p.Anchor, p.Head), max(p.Anchor, p.Head)
		if from < to && from < bottom && to > top {
			marks = append(marks, mark{a.at(from), a.at(to), look{peer: p.Color + 1}})
		}
		if p.Head >= top && p.Head <= bottom {
			at := a.at(p.Head)
			marks = append(marks, mark{at, at, look{peer: p.Color + 1, caret: true}})
		}
	}
	marks = append(marks, m.search.marks(a.top, a.bottom())...)
	if from, to := a.selection(); from < to {
		marks = append(marks, mark{from, to, look{selected: true}})
	}
	return marks
}

func (m *model) paint(l look, s string) string {
	if s == "" {
		return ""
	}
	switch {
	case l.caret:
		return m.styles.peer(l.peer).caret.Styled(s)
	case l.selected:
		return m.styles.selected.Render(s)
	case l.found:
		return m.styles.found.Styled(s)
	case l.peer != 0:
		return m.styles.peer(l.peer).selected.Styled(s)
	case l.wrong:
		return m.styles.wrong.Styled(s)
	case l.placeholder:
		return m.styles.faint.Render(s)
	}
	return s
}

// centre centers a block of lines on the screen.
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
	lines := []string{"Opening " + printable.Line(m.document) + " …", printable.Line(m.options.Client.URL)}
	switch {
	case m.failure != "":
		lines = append(lines, "", m.failure+", retrying")
	case m.doc != nil && m.doc.Err() != nil && m.state == client.Connected:
		lines = append(lines, "", describe(m.doc.Err())+", retrying")
	}
	return lines
}

// refusedLines shows earlier edits that the document refused.
func (m *model) refusedLines(room int) []string {
	r := m.refused[0]
	lines := []string{m.styles.strong.Render("You typed this earlier, and the document refused it:"), ""}
	text := strings.Split(ansi.Wordwrap(cleanLines(r.Record.Text()), max(m.width-4, 1), ""), "\n")
	lines = append(lines, text[:min(len(text), max(room-8, 1))]...)
	return append(lines, "", m.styles.faint.Render(describe(r.Err)), "", "c copies it, d discards it, Esc keeps it until the next opening")
}

// cleanLines is [printable.Line] for text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = printable.Line(l)
	}
	return strings.Join(lines, "\n")
}

func (m *model) blockedLines() []string {
	why, what := printable.Line(m.blocked.Error()), "Sign in again from another terminal"
	var login *client.LoginRequiredError
	if errors.As(m.blocked, &login) && login.Reason != "" {
		why = printable.Line(login.Reason) + "."
	}
	if errors.Is(m.blocked, client.ErrSuperseded) {
		why, what = "A newer editor replaced this one.", "Close it to continue here"
	}
	lines := strings.Split(ansi.Wordwrap(why, max(m.width-2, 1), ""), "\n")
	if m.doc != nil && !m.doc.Saved() {
		kept := "Unsent changes are stored on this machine."
		if err := m.notKept(); err != nil {
			kept = "Unsent changes are not stored: " + printable.Line(err.Error())
		}
		lines = append(lines, strings.Split(ansi.Wordwrap(kept, max(m.width-2, 1), ""), "\n")...)
	}
	return append(lines, "", what+",", "then press Enter to connect again.", "", "^Q quits.")
}

// title returns the first line of the screen.
func (m *model) title() string {
	return m.styles.title.Render(m.spread(" "+printable.Line(m.document), "lmz  ^O open  ^G help "))
}

// spread puts left and right on one line, cutting left if there is not enough room.
func (m *model) spread(left, right string) string {
	room := m.width - lipgloss.Width(right) - 1
	if room < 8 {
		room, right = m.width, ""
	}
	left = ansi.Truncate(left, max(room, 0), "…")
	gap := m.width - lipgloss.Width(left) - lipgloss.Width(right)
	return left + strings.Repeat(" ", max(gap, 0)) + right
}

// bars returns the lines above the status.
func (m *model) bars() []string {
	var bars []string
	if m.stuck() {
		text := fmt.Sprintf(" no connection for %d s, still trying", int(m.now().Sub(m.offline).Seconds()))
		if m.failure != "" {
			text += " (" + m.failure + ")"
		}
		bars = append(bars, m.styles.alarm.Render(m.spread(text, "")))
	}
	if err := m.trouble(); err != nil {
		bars = append(bars, m.styles.alarm.Render(m.spread(" not saved, retrying: "+describe(err), "")))
	}
	if err := m.notKept(); err != nil {
		bars = append(bars, m.styles.alarm.Render(m.spread(" not sent, and not stored on disk: "+describe(err), "")))
	}
	if bar := m.fileBar(); bar != "" {
		bars = append(bars, m.styles.alarm.Render(m.spread(bar, "")))
	}
	switch {
	case m.search.open:
		from, _ := m.area.selection()
		bars = append(bars, m.styles.bar.Render(m.spread(m.search.bar(from))))
	case m.phase == asking && m.journal != nil && m.notKept() == nil:
		bars = append(bars, m.styles.alarm.Render(m.spread(" not sent: it is stored here until you open it again. Quit? y/n", "")))
	case m.phase == asking:
		bars = append(bars, m.styles.alarm.Render(m.spread(" not saved: quit anyway? y/n", "")))
	case m.note != "":
		bars = append(bars, m.styles.bar.Render(m.spread(" "+printable.Line(m.note), "")))
	}
	return bars
}

// trouble returns why edits are unsaved although there is a connection.
func (m *model) trouble() error {
	if m.doc == nil || m.state != client.Connected || m.doc.Saved() {
		return nil
	}
	return m.doc.Err()
}

// notKept returns why unsaved edits would be lost with this editor.
func (m *model) notKept() error {
	if m.doc == nil || m.doc.Saved() {
		return nil
	}
	if m.unkept != nil {
		return m.unkept
	}
	return m.doc.JournalErr()
}

func (m *model) stuck() bool {
	return m.state != client.Connected && m.blocked == nil && m.now().Sub(m.offline) >= stuckAfter
}

// status returns the last line of the screen. On a narrow screen it keeps the key to quit
// and cuts other parts.
func (m *model) status() string {
	const out = "^Q quit "
	line, used := " ", 1
	for i, part := range m.parts() {
		if i > 0 {
			line, used = line+"  ", used+2
		}
		part = ansi.Truncate(part, max(m.width-len(out)-1-used, 0), "…")
		if i > 1 && lipgloss.Width(part) < 5 {
			break // too little to be useful
		}
		line, used = line+part, used+lipgloss.Width(part)
	}
	if used+len(out) > m.width {
		return ansi.Truncate(line, max(m.width, 0), "")
	}
	return line + strings.Repeat(" ", m.width-used-len(out)) + m.styles.faint.Render(out)
}

// parts returns the pieces of the status, most important first.
func (m *model) parts() []string {
	parts := []string{m.connection()}
	if !m.ready() {
		return parts
	}
	switch {
	case m.phase == flushing, m.phase == leaving:
		parts = append(parts, m.styles.strong.Render("saving…"))
	case !m.doc.Saved():
		parts = append(parts, m.styles.strong.Render("unsaved"))
	default:
		parts = append(parts, "saved  ") // as wide as the other, so nothing moves during typing
	}
	if suggestion := m.suggestion(); suggestion != "" {
		parts = append(parts, suggestion)
	}
	if here := m.here(); here != "" {
		parts = append(parts, here)
	}
	return parts
}

// here returns the other people's names, each in its color.
func (m *model) here() string {
	var names []string
	for _, p := range m.people {
		names = append(names, m.styles.peer(p.Color+1).name.Styled(someone(p.Name)))
	}
	if len(names) == 0 {
		return ""
	}
	return m.styles.faint.Render("with ") + strings.Join(names, ", ")
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

// suggestion returns the word at the cursor and corrections, if it is misspelled.
func (m *model) suggestion() string {
	word, found := m.misspelled()
	if !found || len(word.Suggestions) == 0 {
		return ""
	}
	better := word.Suggestions[:min(len(word.Suggestions), 3)]
	return m.styles.wrong.Styled(printable.Line(word.Word)) + " → " + printable.Line(strings.Join(better, ", "))
}

package tui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/text"
)

// versionsTimeout is the timeout of each request about earlier versions.
const versionsTimeout = 10 * time.Second

// versions is the list of a document's revisions, with the text of the chosen one below,
// shown in place of the document's text.
type versions struct {
	all     []editor.Revision // newest first
	loading bool
	failure string
	chosen  int
	area    textArea // the text of the version being read, so far
	read    int      // the version being read; 0 if none
	parts   int      // received so far
	asking  bool     // the next part is requested
	whole   bool     // all parts have arrived
}

// Answers about earlier versions.
type (
	revisionsMsg struct {
		document string
		all      []editor.Revision
		err      error
	}
	versionMsg struct {
		document string
		version  int
		part     int
		text     string
		err      error
	}
	restoredMsg struct {
		document string
		err      error
	}
)

// ask returns a command that sends the open document a request.
func (m *model) ask(question func(ctx context.Context, document string, at lmz.Address) tea.Msg) tea.Cmd {
	document := m.document
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, versionsTimeout)
		defer cancel()
		return question(ctx, document, lmz.At(editor.DocumentBinding, document))
	}
}

// openVersions shows the document's earlier versions.
func (m *model) openVersions() tea.Cmd {
	m.versions = &versions{loading: true}
	return m.ask(func(ctx context.Context, document string, at lmz.Address) tea.Msg {
		all, err := editor.History.Call(ctx, m.peer, at, 0)
		return revisionsMsg{document, all, err}
	})
}

// readVersion reads the beginning of the text of the chosen revision.
func (m *model) readVersion() tea.Cmd {
	v := m.versions
	if len(v.all) == 0 {
		return nil
	}
	v.parts, v.asking, v.whole = 0, false, false
	return m.readPart()
}

// readPart reads the next part of the text of the chosen revision.
func (m *model) readPart() tea.Cmd {
	v := m.versions
	if v.asking || v.whole {
		return nil
	}
	v.asking = true
	version, part := v.all[v.chosen].Last, v.parts
	return m.ask(func(ctx context.Context, document string, at lmz.Address) tea.Msg {
		text, err := editor.Read.Call(ctx, m.peer, at, version, part*editor.PartLength)
		return versionMsg{document, version, part, text, err}
	})
}

// readAhead is how many bytes before the end of the received text the next part is read.
const readAhead = 16 << 10

// scrollVersion scrolls the text of the version, and reads the next part near its end.
func (m *model) scrollVersion(rows int) tea.Cmd {
	v := m.versions
	if v.read == 0 {
		return nil
	}
	v.area.wheel(rows)
	if len(v.area.text)-v.area.bottom() > readAhead {
		return nil
	}
	return m.readPart()
}

// take adds a part to the text of the chosen revision.
func (v *versions) take(msg versionMsg, method ansi.Method) {
	v.asking = false
	if msg.part == 0 {
		v.area = newTextArea()
		v.area.method = method
	}
	v.read, v.parts = msg.version, msg.part+1
	v.whole = text.Units(msg.text) < editor.PartLength-1 // the last character may belong to the next
	v.area.text += msg.text
	if msg.err != nil {
		v.area.text, v.whole = describe(msg.err), true
	}
}

// versionNews handles the answers.
func (m *model) versionNews(msg tea.Msg) tea.Cmd {
	if r, ok := msg.(restoredMsg); ok && r.document == m.document {
		m.note = "restored; the previous text is kept as a version"
		if r.err != nil {
			m.note = "not restored: " + describe(r.err)
		}
		return nil
	}
	v := m.versions
	if v == nil {
		return nil
	}
	switch msg := msg.(type) {
	case revisionsMsg:
		if msg.document != m.document {
			return nil
		}
		if v.loading, v.all = false, msg.all; msg.err != nil {
			v.failure = describe(msg.err)
		}
		return m.readVersion()
	case versionMsg:
		if msg.document == m.document && len(v.all) > 0 && v.all[v.chosen].Last == msg.version && v.parts == msg.part {
			v.take(msg, m.area.method)
		}
	}
	return nil
}

// versionKey handles a key for the list.
func (m *model) versionKey(name string) tea.Cmd {
	v := m.versions
	switch name {
	case "esc", "ctrl+r":
		m.versions = nil
	case "up", "ctrl+p":
		v.chosen = max(v.chosen-1, 0)
		return m.readVersion()
	case "down", "ctrl+n":
		v.chosen = min(v.chosen+1, max(len(v.all)-1, 0))
		return m.readVersion()
	case "pgup":
		return m.scrollVersion(1 - v.area.height)
	case "pgdown":
		return m.scrollVersion(v.area.height - 1)
	case "enter":
		if len(v.all) == 0 {
			return nil
		}
		version := v.all[v.chosen].Last
		m.versions = nil
		return m.ask(func(ctx context.Context, document string, at lmz.Address) tea.Msg {
			_, err := editor.Restore.Call(ctx, m.peer, at, version)
			return restoredMsg{document, err}
		})
	}
	return nil
}

// versionLines returns the list's lines for a number of rows.
func (m *model) versionLines(room int) []string {
	v := m.versions
	lines := []string{m.styles.strong.Render(" Versions") + m.styles.faint.Render("  Enter restores, PgDn scrolls, Esc goes back")}
	switch {
	case v.failure != "":
		return append(lines, "", " "+v.failure)
	case v.loading:
		return append(lines, "", m.styles.faint.Render(" loading the versions…"))
	case len(v.all) == 0:
		return append(lines, "", m.styles.faint.Render(" There are none yet."))
	}
	rows := max(min(len(v.all), room/3), 1)
	first := max(v.chosen-rows+1, 0)
	for i, r := range v.all[first:min(first+rows, len(v.all))] {
		line := time.UnixMilli(r.At).Format("2006-01-02 15:04") + "  " + someone(r.By)
		if i == 0 && first == 0 {
			line += "  (now)"
		}
		line = ansi.Truncate(line, max(m.width-5, 1), "…")
		if first+i == v.chosen {
			lines = append(lines, " "+m.styles.chosen.Styled("› "+line+" "))
		} else {
			lines = append(lines, "   "+line)
		}
	}
	lines = append(lines, m.styles.faint.Render(" "+strings.Repeat("─", max(m.width-2, 0))))
	if v.read != v.all[v.chosen].Last {
		return append(lines, m.styles.faint.Render(" reading…"))
	}
	if room -= len(lines); room < 1 {
		return lines
	}
	v.area.resize(m.width-2*margin, room)
	for _, l := range v.area.render(nil, m.paint) {
		lines = append(lines, strings.Repeat(" ", margin)+l)
	}
	return lines
}

package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
)

// listTimeout is how long the list of documents may take.
const listTimeout = 10 * time.Second

// picker is the list of documents, over everything else.
type picker struct {
	names   []string // of all documents
	loading bool
	failure string
	typed   string // a part of the names to show, or the name of a new document
	chosen  int    // of shown
}

// documentsMsg is the list of documents.
type documentsMsg struct {
	names []string
	err   error
}

// pick opens the picker, and fills it again if it is open.
func (m *model) pick() tea.Cmd {
	if m.picker == nil {
		m.picker = new(picker)
	}
	m.picker.loading = true
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, listTimeout)
		defer cancel()
		names, err := editor.Documents.Call(ctx, m.peer, lmz.At(editor.WorkspaceBinding, editor.WorkspaceName))
		return documentsMsg{names, err}
	}
}

func (m *model) listed(msg documentsMsg) {
	p := m.picker
	if p == nil {
		return
	}
	p.loading, p.failure = false, ""
	if msg.err != nil {
		p.failure = describe(msg.err)
		return
	}
	p.names = msg.names
}

// shown are the names that have what was typed in them.
func (p *picker) shown() []string {
	var shown []string
	for _, name := range p.names {
		if strings.Contains(strings.ToLower(name), strings.ToLower(p.typed)) {
			shown = append(shown, name)
		}
	}
	return shown
}

// fresh is the name of the document that would be created, or "" if there is one of
// that name, or no name was typed.
func (p *picker) fresh() string {
	name := strings.TrimSpace(p.typed)
	if slices.Contains(p.names, name) {
		return ""
	}
	return name
}

// choose takes a key for the picker.
func (m *model) choose(name, typed string) tea.Cmd {
	p := m.picker
	shown := p.shown()
	switch name {
	case "esc", "ctrl+o":
		if m.session != nil {
			m.picker = nil
		}
	case "up", "ctrl+p":
		p.chosen = max(p.chosen-1, 0)
	case "down", "ctrl+n":
		last := len(shown) - 1
		if p.fresh() != "" {
			last++
		}
		p.chosen = min(p.chosen+1, max(last, 0))
	case "enter":
		switch {
		case p.chosen < len(shown):
			return m.switchTo(shown[p.chosen])
		case p.fresh() != "":
			return m.switchTo(p.fresh())
		}
	case "backspace", "ctrl+h":
		if p.typed != "" {
			p.typed = p.typed[:lastCluster(p.typed)]
		}
		p.chosen = 0
	case "ctrl+w":
		p.typed, p.chosen = "", 0
	default:
		if typed != "" {
			p.typed, p.chosen = p.typed+strings.ToValidUTF8(typed, ""), 0
		}
	}
	return nil
}

// switchTo opens another document in place of this one.
func (m *model) switchTo(document string) tea.Cmd {
	if m.session != nil && document == m.document {
		m.picker = nil
		return nil
	}
	return m.close(closedMsg{document})
}

// pickerLines is the picker on the screen, with room for some rows.
func (m *model) pickerLines(room int) []string {
	p := m.picker
	lines := []string{m.styles.strong.Render("Open or create: ") + clean(p.typed) + "▏", ""}
	shown := p.shown()
	rows := max(room-5, 1)
	first := max(p.chosen-rows+1, 0)
	for i, name := range shown[min(first, len(shown)):min(first+rows, len(shown))] {
		line := "  " + clean(name) + "  "
		if first+i == p.chosen {
			line = m.styles.chosen.Styled("› " + clean(name) + "  ")
		}
		lines = append(lines, line)
	}
	switch {
	case p.failure != "":
		lines = append(lines, p.failure)
	case p.loading && len(p.names) == 0:
		lines = append(lines, m.styles.faint.Render("asking for the documents…"))
	case len(shown) == 0 && p.fresh() != "":
		lines = append(lines, m.styles.faint.Render("Enter creates "+clean(p.fresh())))
	case p.fresh() != "" && p.chosen == len(shown):
		lines = append(lines, m.styles.chosen.Styled("› create "+clean(p.fresh())+"  "))
	case p.fresh() != "":
		lines = append(lines, m.styles.faint.Render("  create "+clean(p.fresh())))
	case len(shown) == 0:
		lines = append(lines, m.styles.faint.Render("There are no documents yet: name one."))
	}
	return lines
}

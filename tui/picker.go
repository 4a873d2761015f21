package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/printable"
)

// listTimeout is the timeout for listing documents.
const listTimeout = 10 * time.Second

// picker is the list of documents, shown over everything else.
type picker struct {
	names   []string // of the documents listed so far
	next    string   // the name after which there are more; "" if there are none
	after   string   // the name after which the requested page begins
	loading bool
	failure string
	typed   string // a substring of the names to show, or the name of a new document
	chosen  int    // of shown
}

// documentsMsg is a page of the list of documents.
type documentsMsg struct {
	after string
	page  editor.DocumentPage
	err   error
}

// pick opens the picker, or refills it if it is open.
func (m *model) pick() tea.Cmd {
	if m.picker == nil {
		m.picker = new(picker)
	}
	return m.list("")
}

// list requests the page of the list that begins after a name.
func (m *model) list(after string) tea.Cmd {
	m.picker.loading, m.picker.after = true, after
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, listTimeout)
		defer cancel()
		page, err := editor.ListDocuments.Call(ctx, m.peer, lmz.At(editor.WorkspaceBinding, editor.WorkspaceName), after, 0)
		return documentsMsg{after, page, err}
	}
}

// more requests the next page if the listed names do not fill the screen below the chosen
// line.
func (m *model) more() tea.Cmd {
	p := m.picker
	if p == nil || p.loading || p.next == "" || len(p.shown()) > p.chosen+m.height {
		return nil
	}
	return m.list(p.next)
}

func (m *model) listed(msg documentsMsg) tea.Cmd {
	p := m.picker
	if p == nil || msg.after != p.after {
		return nil
	}
	p.loading, p.failure = false, ""
	if msg.err != nil {
		p.failure = describe(msg.err)
		return nil
	}
	if msg.after == "" {
		p.names = nil
	}
	p.names, p.next = append(p.names, msg.page.Names...), msg.page.Next
	return m.more()
}

// shown returns the names that contain the typed text, ignoring case.
func (p *picker) shown() []string {
	var shown []string
	for _, name := range p.names {
		if strings.Contains(strings.ToLower(name), strings.ToLower(p.typed)) {
			shown = append(shown, name)
		}
	}
	return shown
}

// fresh returns the name of the document that would be created, or "" if there is one of
// that name, or no name was typed. It may be too long.
func (p *picker) fresh() string {
	name := strings.TrimSpace(p.typed)
	if slices.Contains(p.names, name) {
		return ""
	}
	return name
}

// tooLong returns a message if the name is too long for a new document, or "".
func tooLong(name string) string {
	if len(name) <= editor.MaxName {
		return ""
	}
	return fmt.Sprintf("A document's name has at most %d bytes, and this one has %d.", editor.MaxName, len(name))
}

// choose handles a key for the picker.
func (m *model) choose(name, typed string) tea.Cmd {
	p := m.picker
	shown := p.shown()
	switch name {
	case "esc", "ctrl+o":
		if m.doc != nil {
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
		case p.fresh() != "" && tooLong(p.fresh()) == "":
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
	return m.more()
}

// switchTo replaces the open document by another.
func (m *model) switchTo(document string) tea.Cmd {
	if m.doc != nil && document == m.document {
		m.picker = nil
		return nil
	}
	return m.close(closedMsg{document})
}

// pickerLines returns the picker's lines for a number of rows.
func (m *model) pickerLines(room int) []string {
	p := m.picker
	lines := []string{m.styles.strong.Render("Open or create: ") + printable.Line(p.typed) + "▏", ""}
	shown := p.shown()
	rows := max(room-5, 1)
	first := max(p.chosen-rows+1, 0)
	for i, name := range shown[min(first, len(shown)):min(first+rows, len(shown))] {
		line := "  " + printable.Line(name) + "  "
		if first+i == p.chosen {
			line = m.styles.chosen.Styled("› " + printable.Line(name) + "  ")
		}
		lines = append(lines, line)
	}
	switch {
	case p.failure != "":
		lines = append(lines, p.failure)
	case p.loading && len(p.names) == 0:
		lines = append(lines, m.styles.faint.Render("loading the documents…"))
	case tooLong(p.fresh()) != "":
		lines = append(lines, m.styles.faint.Render(tooLong(p.fresh())))
	case len(shown) == 0 && p.fresh() != "":
		lines = append(lines, m.styles.faint.Render("Enter creates "+printable.Line(p.fresh())))
	case p.fresh() != "" && p.chosen == len(shown):
		lines = append(lines, m.styles.chosen.Styled("› create "+printable.Line(p.fresh())+"  "))
	case p.fresh() != "":
		lines = append(lines, m.styles.faint.Render("  create "+printable.Line(p.fresh())))
	case len(shown) == 0:
		lines = append(lines, m.styles.faint.Render("No documents yet. Type a name to create one."))
	}
	return lines
}

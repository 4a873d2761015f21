package tui

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/text"
)

// Update handles a message. It never blocks: slow work is in the command that it returns.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.handle(msg)
	m.layout()
	if m.ready() {
		m.doc.SetCursor(m.area.units(m.area.anchor), m.area.units(m.area.cursor))
		cmd = tea.Batch(cmd, m.writeSoon())
	}
	return m, cmd
}

func (m *model) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && msg.Value != ansi.ModeNotRecognized && msg.Value != ansi.ModePermanentlyReset {
			m.area.method = ansi.GraphemeWidth // as the renderer does from now on
		}
	case tea.BackgroundColorMsg:
		m.styles.adapt(msg.IsDark())
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg.Content)
	case tea.ClipboardMsg:
		return m.paste(msg.Content)
	case tea.MouseMsg:
		return m.mouse(msg)
	case pumpedMsg:
		cmds := []tea.Cmd{m.pump.wait(m.ctx.Done())}
		for _, one := range msg {
			cmds = append(cmds, m.meshed(one))
		}
		return tea.Batch(cmds...)
	case connectedMsg:
		return m.connected(msg.err)
	case documentsMsg:
		return m.listed(msg)
	case revisionsMsg, versionMsg, restoredMsg:
		return m.versionNews(msg)
	case closedMsg:
		m.open(msg.next)
	case fileMsg:
		m.writeFile()
	case flushedMsg:
		return m.flushed()
	case tickMsg:
		m.ticking = false
		return m.tick()
	}
	return nil
}

// meshed handles a message that came through the pump.
func (m *model) meshed(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case newsMsg:
		return m.news()
	case stateMsg:
		return m.stateChanged(client.State(msg))
	case failureMsg:
		m.failure = reason(msg.err)
	case loginMsg:
		m.blocked = msg.err
	case stopMsg:
		m.stopped = true
		if m.phase == asking {
			m.phase = flushing
			return m.flushed()
		}
		return m.quit()
	}
	return nil
}

// connected handles the result of connecting, which fails only if the user has to do
// something. If there is no text on the screen yet, the editor ends and says so at the
// prompt.
func (m *model) connected(err error) tea.Cmd {
	if err == nil || m.ctx.Err() != nil {
		return nil
	}
	m.log.printf("not connected: %s", describe(err))
	if m.blocked == nil {
		m.blocked = err
	}
	if m.ready() {
		return nil
	}
	m.blocked = err
	return m.leave()
}

func (m *model) stateChanged(s client.State) tea.Cmd {
	was := m.state
	m.state = s
	switch {
	case s == client.Connected:
		m.failure, m.blocked = "", nil
		if m.picker != nil {
			return m.pick()
		}
	case was == client.Connected:
		m.offline = m.now()
	}
	if s == client.Disconnected && m.blocked == nil {
		m.blocked = client.ErrSuperseded // or a required login, which the next message reports
	}
	return m.tick()
}

func (m *model) flushed() tea.Cmd {
	switch {
	case m.phase != flushing:
		return nil
	case m.doc == nil || m.doc.Saved():
		return m.leave()
	case m.stopped && (m.journal == nil || m.notKept() != nil):
		m.err = errors.New("the last changes to " + m.document + " are not saved: there was no connection")
		return m.leave()
	case m.stopped:
		return m.leave()
	}
	m.phase = asking
	return nil
}

func (m *model) answer(name string) tea.Cmd {
	switch name {
	case "y", "Y":
		return m.leave()
	case "n", "N", "esc":
		m.phase = editing
	}
	return nil
}

// seen handles a key on the screen of refused edits.
func (m *model) seen(name string) tea.Cmd {
	r := m.refused[0]
	switch name {
	case "c":
		m.note = "copied"
		return tea.SetClipboard(r.Record.Text())
	case "d":
		m.doc.Discard(r)
		m.refused = m.refused[1:]
	case "esc":
		m.refused = m.refused[1:]
	}
	return nil
}

// connectAgain connects again after the gateway refused the user or a newer client took the
// address.
func (m *model) connectAgain() tea.Cmd {
	m.blocked, m.offline = nil, m.now()
	return m.connect()
}

// paste handles a paste or a composed word. The terminal sends line breaks as \r.
func (m *model) paste(content string) tea.Cmd {
	content = text.Breaks(content)
	m.note = ""
	switch {
	case m.phase != editing, m.blocked != nil, m.help, m.file != nil && m.file.differ:
	case m.picker != nil:
		return m.choose("", strings.ReplaceAll(content, "\n", " "))
	case !m.ready(), m.versions != nil:
	case m.search.open:
		m.find("", strings.ReplaceAll(content, "\n", " "))
	case len(m.refused) > 0:
	default:
		if clean := strings.ToValidUTF8(content, "\uFFFD"); clean != content {
			content = clean
			m.note = "bytes in the clipboard that are not text are shown as \uFFFD"
		}
		m.insert(content)
	}
	return nil
}

// copySelection copies the selected text, if any, to the terminal's clipboard.
func (m *model) copySelection() tea.Cmd {
	text := m.area.selected()
	if text == "" {
		return nil
	}
	m.note = "copied"
	return tea.SetClipboard(text)
}

func (m *model) cutSelection() tea.Cmd {
	cmd := m.copySelection()
	if cmd != nil {
		m.insert("")
	}
	return cmd
}

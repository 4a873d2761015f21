package tui

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

// Update takes a message. It never waits: what takes time is in the command.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.handle(msg)
	m.layout()
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
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg.Content)
	case tea.ClipboardMsg:
		return m.paste(msg.Content)
	case tea.MouseMsg:
		m.mouse(msg)
	case pumpedMsg:
		cmds := []tea.Cmd{m.pump.wait(m.ctx.Done())}
		for _, one := range msg {
			cmds = append(cmds, m.meshed(one))
		}
		return tea.Batch(cmds...)
	case openedMsg:
		return m.opened(msg)
	case openAgainMsg:
		return m.openDocument()
	case saveMsg:
		m.saveSet = false
		return m.save()
	case savedMsg:
		return m.saved(msg)
	case flushedMsg:
		return m.flushed()
	case tickMsg:
		m.ticking = false
		return m.tick()
	}
	return nil
}

// meshed takes a message that came through the pump.
func (m *model) meshed(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case contentMsg:
		m.arrive(editor.Change(msg))
		return m.goOn()
	case findingsMsg:
		m.findings = make(map[string][]string, len(msg))
		for _, f := range msg {
			m.findings[f.Word] = f.Suggestions
		}
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
	case openedMsg:
		return m.opened(msg)
	}
	return nil
}

func (m *model) stateChanged(s client.State) tea.Cmd {
	was := m.state
	m.state = s
	switch {
	case s == client.Connected:
		m.failure, m.blocked = "", nil
		return m.save()
	case was == client.Connected:
		m.offline, m.unsaved = m.now(), ""
	}
	if s == client.Disconnected && m.blocked == nil {
		m.blocked = client.ErrSuperseded // or the login, which the next message says
	}
	return m.tick()
}

func (m *model) flushed() tea.Cmd {
	switch {
	case m.phase != flushing:
		return nil
	case m.stopped:
		m.err = errors.New("the last changes to " + m.document + " are not saved: there was no connection")
		return tea.Quit
	}
	m.phase = asking
	return nil
}

// key takes a key. What is shown above the text comes first.
func (m *model) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	m.note = ""
	switch {
	case m.phase == asking:
		return m.answer(name)
	case m.phase != editing:
		return nil
	case name == "ctrl+c" && m.area.selected() != "":
		return m.copySelection()
	case name == "ctrl+q", name == "ctrl+c":
		return m.quit()
	case m.help:
		m.help = false
		return nil
	case m.blocked != nil:
		if name == "enter" {
			return m.connectAgain()
		}
		return nil
	case name == "ctrl+g":
		m.help = true
		return nil
	case m.open == nil:
		return nil // there is nothing to edit yet
	case m.search.open:
		m.find(name, msg.Text)
		return nil
	case m.buffer.Held != nil && name == "R":
		return m.take()
	case m.buffer.Held != nil && name == "esc":
		m.buffer.Held = nil
		return nil
	}
	return m.edit(name, msg.Text)
}

func (m *model) answer(name string) tea.Cmd {
	switch name {
	case "y", "Y":
		return m.leave()
	case "n", "N", "esc":
		m.phase = editing
		return m.saveSoon(saveDelay)
	}
	return nil
}

// connectAgain tries again after the gateway refused the user, or a newer client took
// the address.
func (m *model) connectAgain() tea.Cmd {
	m.blocked, m.offline = nil, m.now()
	if m.open == nil {
		return m.openDocument()
	}
	return func() tea.Msg {
		// The outcome comes through the pump.
		_ = m.editor.Connect(m.ctx)
		return nil
	}
}

func (m *model) paste(text string) tea.Cmd {
	if m.open == nil || m.phase != editing || m.blocked != nil {
		return nil
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n") // what a terminal sends for a line break
	m.area.insert(strings.ToValidUTF8(text, "\uFFFD"))
	return m.edited()
}

// edit takes a key for the text.
func (m *model) edit(name, text string) tea.Cmd {
	if m.move(name) {
		return nil
	}
	a := &m.area
	switch name {
	case "ctrl+z":
		return m.undo()
	case "ctrl+s":
		m.saveSet = false
		return m.save()
	case "ctrl+f":
		m.search = search{open: true, query: m.search.query, from: a.cursor}
		if word := a.selected(); word != "" && !strings.Contains(word, "\n") {
			m.search.query = word
		}
		m.search.look(a.text)
		return nil
	case "ctrl+x":
		cmd := m.copySelection()
		if cmd == nil {
			return nil
		}
		a.insert("")
		return tea.Batch(cmd, m.edited())
	case "ctrl+v":
		return tea.ReadClipboard
	case "enter", "shift+enter", "ctrl+j":
		a.insert("\n")
	case "tab":
		a.insert("\t")
	case "backspace", "shift+backspace", "ctrl+h":
		a.erase(a.previous())
	case "delete", "ctrl+d":
		a.erase(a.next())
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		a.erase(a.previousWord())
	case "alt+d", "ctrl+delete", "alt+delete":
		a.erase(a.nextWord())
	default:
		if text == "" {
			return nil
		}
		a.insert(text)
	}
	return m.edited()
}

// copySelection brings the selected text to the clipboard of the terminal, or does
// nothing.
func (m *model) copySelection() tea.Cmd {
	text := m.area.selected()
	if text == "" {
		return nil
	}
	m.note = "copied"
	return tea.SetClipboard(text)
}

// move moves the cursor, with Shift the end of the selection, and reports whether the
// key means that.
func (m *model) move(name string) bool {
	a := &m.area
	to := a.moveTo
	name, extend := cutShift(name)
	anchor := a.anchor
	if extend {
		to = a.extendTo
	}
	from, end := a.selection()
	switch name {
	case "left":
		if from < end && !extend {
			to(from)
		} else {
			to(a.previous())
		}
	case "right":
		if from < end && !extend {
			to(end)
		} else {
			to(a.next())
		}
	case "up", "ctrl+p":
		a.moveRows(-1)
	case "down", "ctrl+n":
		a.moveRows(1)
	case "home", "ctrl+a":
		to(a.home())
	case "end", "ctrl+e":
		to(a.end())
	case "ctrl+left", "alt+left", "alt+b":
		to(a.previousWord())
	case "ctrl+right", "alt+right", "alt+f":
		to(a.nextWord())
	case "pgup":
		a.movePage(-1)
	case "pgdown":
		a.movePage(1)
	case "ctrl+home":
		to(0)
	case "ctrl+end":
		to(len(a.text))
	case "alt+a":
		a.selectRange(0, len(a.text))
		return true
	case "esc":
		to(a.cursor)
	default:
		return false
	}
	if a.anchor = a.cursor; extend {
		a.anchor = anchor
	}
	return true
}

// cutShift takes the Shift out of a key's name.
func cutShift(name string) (rest string, shift bool) {
	before, after, shift := strings.Cut(name, "shift+")
	return before + after, shift
}

package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz/internal/printable"
)

// key handles a key. Anything shown over the text gets it first.
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
	case m.file != nil && m.file.differ:
		return m.decide(name)
	case m.picker != nil:
		return m.choose(name, msg.Text)
	case name == "ctrl+o" && m.file != nil:
		m.note = "the document is shared with " + printable.Line(m.file.path)
	case name == "ctrl+o":
		return m.pick()
	case !m.ready():
		return nil // nothing to edit yet
	case m.versions != nil:
		return m.versionKey(name)
	case name == "ctrl+r":
		return m.openVersions()
	case m.menu != nil && m.menuKey(name):
		return nil
	case m.search.open:
		m.find(name, msg.Text)
		return nil
	case len(m.refused) > 0:
		return m.seen(name)
	}
	return m.edit(name, msg.Text)
}

// edit handles a key for the text.
func (m *model) edit(name, text string) tea.Cmd {
	if m.move(name) {
		return nil
	}
	a := &m.area
	switch name {
	case "ctrl+z":
		m.undo()
	case "ctrl+y", "ctrl+shift+z":
		m.redo()
	case "ctrl+s":
		m.note = "changes are saved automatically"
	case "ctrl+f":
		m.openSearch()
	case "ctrl+x":
		return m.cutSelection()
	case "ctrl+v":
		return tea.ReadClipboard
	case "alt+enter":
		m.openMenu()
	case "enter", "shift+enter", "ctrl+j":
		m.insert("\n")
	case "tab":
		m.insert("\t")
	case "backspace", "shift+backspace", "ctrl+h":
		m.erase(a.previous())
	case "delete", "ctrl+d":
		m.erase(a.next())
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		m.erase(a.previousWord())
	case "alt+d", "ctrl+delete", "alt+delete":
		m.erase(a.nextWord())
	default:
		if text != "" {
			m.insert(text)
		}
	}
	return nil
}

// move moves the cursor, or with Shift the end of the selection. It reports whether the key
// is such a key.
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

// cutShift removes Shift from the name of a key.
func cutShift(name string) (rest string, shift bool) {
	before, after, shift := strings.Cut(name, "shift+")
	return before + after, shift
}

package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// doubleClick is the longest time between the clicks of a double click, and wheelRows the
// number of rows by which the wheel moves the window.
const (
	doubleClick = 400 * time.Millisecond
	wheelRows   = 3
)

// press is the last mouse press on the text.
type press struct {
	down   bool // not released yet
	clicks int  // number of clicks at the same place
	x, y   int
	when   time.Time
}

// mouse moves the cursor, selects or scrolls.
func (m *model) mouse(msg tea.MouseMsg) tea.Cmd {
	if !m.ready() || m.help || m.blocked != nil || m.picker != nil || m.phase != editing {
		return nil
	}
	at := msg.Mouse()
	if m.versions != nil {
		switch at.Button {
		case tea.MouseWheelUp:
			return m.scrollVersion(-wheelRows)
		case tea.MouseWheelDown:
			return m.scrollVersion(wheelRows)
		}
		return nil
	}
	x, y := at.X-margin, at.Y-1
	switch msg.(type) {
	case tea.MouseWheelMsg:
		switch at.Button {
		case tea.MouseWheelUp:
			m.area.wheel(-wheelRows)
		case tea.MouseWheelDown:
			m.area.wheel(wheelRows)
		}
	case tea.MouseClickMsg:
		if y >= 0 && y < m.area.height {
			m.pressed(at.Button, x, y, at.Mod.Contains(tea.ModShift))
		}
	case tea.MouseMotionMsg:
		if m.press.down {
			m.area.extendTo(m.area.placeAt(x, y))
		}
	case tea.MouseReleaseMsg:
		m.press.down = false
	}
	return nil
}

// pressed handles a press on the text or on the menu over it.
func (m *model) pressed(button tea.MouseButton, x, y int, extend bool) {
	if m.menu != nil {
		if i, ok := m.menuAt(x+margin, y); ok {
			m.takeSuggestion(i)
			return
		}
		m.menu = nil
	}
	switch button {
	case tea.MouseLeft:
		m.click(x, y, extend)
	case tea.MouseRight:
		m.area.moveTo(m.area.placeAt(x, y))
		m.openMenu()
	}
}

func (m *model) click(x, y int, extend bool) {
	last := m.press
	m.press = press{down: true, clicks: 1, x: x, y: y, when: m.now()}
	if last.x == x && last.y == y && m.press.when.Sub(last.when) < doubleClick {
		m.press.clicks = last.clicks%3 + 1
	}
	place := m.area.placeAt(x, y)
	switch {
	case m.press.clicks == 2:
		m.area.selectWord(place)
	case m.press.clicks == 3:
		m.area.selectLine(place)
	case extend:
		m.area.extendTo(place)
	default:
		m.area.moveTo(place)
	}
}

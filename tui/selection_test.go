package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz/meshtest"
)

// alone runs a test with one editor of a text, with the cursor at its start.
func alone(t *testing.T, content string, f func(s *screen)) {
	t.Helper()
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s := opened(t, m, "ann", 40, 12)
		s.insert(content)
		s.area.moveTo(0)
		f(s)
	})
}

// marked returns the text with the selection in brackets, and | at the cursor.
func marked(a *textArea) string {
	from, to := a.selection()
	switch {
	case from == to:
		return a.text[:from] + "|" + a.text[from:]
	case a.cursor == to:
		return a.text[:from] + "[" + a.text[from:to] + "|]" + a.text[to:]
	}
	return a.text[:from] + "[|" + a.text[from:to] + "]" + a.text[to:]
}

func TestSelectionByShift(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"shift+right shift+right", "[on|]e two\nthree"},
		{"ctrl+end shift+ctrl+left", "one two\n[|three]"},
		{"shift+end x", "x|\nthree"},
		{"shift+down backspace", "|three"},
		{"alt+a x", "x|"},
		{"shift+end right", "one two|\nthree"},
		{"end shift+home left", "|one two\nthree"},
		{"shift+ctrl+right esc", "one| two\nthree"},
		{"shift+right ctrl+x end", "ne two|\nthree"},
		{"shift+right shift+left", "|one two\nthree"},
		{"shift+pgdown", "[one two\n|]three"},
	} {
		alone(t, "one two\nthree", func(s *screen) {
			for k := range strings.FieldsSeq(c.keys) {
				s.press(k)
			}
			if got := marked(&s.area); got != c.want {
				t.Errorf("%s: %q, want %q", c.keys, got, c.want)
			}
		})
	}
}

func TestMouse(t *testing.T) {
	alone(t, "one two\nthree\n"+strings.Repeat("more\n", 30), func(s *screen) {
		click := func(x, y int, mod tea.KeyMod) {
			s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft, Mod: mod})
		}
		want := func(what, want string) {
			t.Helper()
			if got := marked(&s.area); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %.20q, want %q", what, got, want)
			}
		}
		click(margin+5, 1, 0)
		want("click", "one t|wo\n")
		s.Update(tea.MouseMotionMsg{X: margin + 2, Y: 2, Button: tea.MouseLeft})
		want("drag", "one t[wo\nth|]ree")
		s.Update(tea.MouseReleaseMsg{X: margin + 2, Y: 2})
		s.Update(tea.MouseMotionMsg{X: 0, Y: 1})
		want("motion without a button", "one t[wo\nth|]ree")
		time.Sleep(time.Second)
		click(margin+1, 1, 0)
		click(margin+1, 1, 0)
		want("double click", "[one|] two")
		click(margin+1, 1, 0)
		want("third click", "[one two\n|]three")
		time.Sleep(time.Second)
		click(margin+30, 2, 0)
		want("click behind a line", "one two\nthree|\n")
		time.Sleep(time.Second)
		click(margin, 2, tea.ModShift)
		want("shift and click", "one two\n[|three]\n")
		time.Sleep(time.Second)
		click(margin, 1, 0)
		s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown, X: 1, Y: 1})
		if s.area.top == 0 || s.area.cursor != s.area.top {
			t.Errorf("the wheel: window at %d, cursor at %d", s.area.top, s.area.cursor)
		}
		s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp, X: 1, Y: 1})
		if s.area.top != 0 {
			t.Errorf("the wheel back: window at %d", s.area.top)
		}
	})
}

func TestSearch(t *testing.T) {
	alone(t, "The fox. the end of the Fox", func(s *screen) {
		s.press("ctrl+f", "t", "h", "e")
		if got := marked(&s.area); !strings.HasPrefix(got, "[The|] fox") {
			t.Errorf("%q", got)
		}
		if text := s.View().Content; !strings.Contains(text, "find: the") || !strings.Contains(text, "1 of 3") {
			t.Errorf("the bar is missing:\n%s", text)
		}
		s.press("enter")
		if got := marked(&s.area); got != "The fox. [the|] end of the Fox" {
			t.Errorf("%q", got)
		}
		s.press("enter", "enter") // around the end
		if got := marked(&s.area); !strings.HasPrefix(got, "[The|]") {
			t.Errorf("%q", got)
		}
		s.press("up")
		if got := marked(&s.area); got != "The fox. the end of [the|] Fox" {
			t.Errorf("%q", got)
		}
		s.press("ctrl+w", "F", "o")
		if got := marked(&s.area); got != "The fox. the end of the [Fo|]x" {
			t.Errorf("a capital letter asks for the case: %q", got)
		}
		s.press("z")
		if text := s.View().Content; !strings.Contains(text, "not found") {
			t.Errorf("no word about it:\n%s", text)
		}
		s.press("esc", "!")
		if s.area.text != "The fox. the end of the !x" {
			t.Errorf("%q", s.area.text)
		}
	})
}

func TestCopy(t *testing.T) {
	alone(t, "one two", func(s *screen) {
		if cmd := s.press("ctrl+x"); cmd != nil {
			t.Error("something was cut though nothing is selected")
		}
		if cmd := s.press("shift+right", "ctrl+c"); cmd == nil || s.phase != editing || s.area.text != "one two" {
			t.Errorf("copy: %v, phase %d, %q", cmd, s.phase, s.area.text)
		}
		s.press("ctrl+end")
		s.Update(tea.ClipboardMsg{Content: "\nthree"})
		if s.area.text != "one two\nthree" {
			t.Errorf("%q", s.area.text)
		}
	})
}

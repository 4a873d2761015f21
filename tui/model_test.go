package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

var update = flag.Bool("update", false, "write the screens in testdata anew")

// screen is a model that is driven by messages. What its commands do is in the tests
// with terminals.
type screen struct {
	*model
	t     *testing.T
	clock time.Time
}

// opened returns the screen of an editor that has opened a document.
func opened(t *testing.T, width, height int, content string) *screen {
	t.Helper()
	s := blank(t, width, height)
	s.send(stateMsg(client.Connected), contentMsg{Content: content, Version: 4, By: "bob"}, openedMsg{document: new(editor.OpenDocument)})
	return s
}

func blank(t *testing.T, width, height int) *screen {
	t.Helper()
	getenv := func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }
	s := &screen{t: t, clock: time.Unix(1e9, 0)}
	s.model = newModel(Options{Document: "notes", Getenv: getenv, Client: client.Options{URL: "http://127.0.0.1:8787"}})
	s.now = func() time.Time { return s.clock }
	s.offline = s.clock
	s.ctx = t.Context()
	s.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// send hands over messages as the pump does.
func (s *screen) send(messages ...tea.Msg) { s.Update(pumpedMsg(messages)) }

// press presses keys: a name, or characters.
func (s *screen) press(keys ...string) tea.Cmd {
	var last tea.Cmd
	for _, k := range keys {
		_, last = s.Update(key(k))
	}
	return last
}

func key(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	}
	var k tea.KeyPressMsg
	for _, mod := range []struct {
		name string
		mod  tea.KeyMod
	}{{"ctrl+", tea.ModCtrl}, {"alt+", tea.ModAlt}, {"shift+", tea.ModShift}} {
		if strings.Contains(name, mod.name) {
			name = strings.Replace(name, mod.name, "", 1)
			k.Mod |= mod.mod
		}
	}
	switch k.Code = special[name]; {
	case k.Code != 0:
	case k.Mod != 0:
		k.Code = rune(name[0])
	default:
		k.Code, k.Text = []rune(name)[0], name
	}
	return k
}

// write types a text.
func (s *screen) write(text string) {
	for _, r := range text {
		s.press(string(r))
	}
}

// is compares the screen with testdata/NAME.txt.
func (s *screen) is(name string) {
	s.t.Helper()
	v := s.View()
	cursor := "none"
	if v.Cursor != nil {
		cursor = fmt.Sprintf("column %d, row %d", v.Cursor.X, v.Cursor.Y)
	}
	var got strings.Builder
	for line := range strings.Lines(v.Content + "\n") {
		fmt.Fprintf(&got, "|%s|\n", strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\x1b", "␛"))
	}
	fmt.Fprintf(&got, "cursor: %s\n", cursor)
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got.String() != string(want) {
		s.t.Errorf("%s: the screen is\n%swant\n%s", name, &got, want)
	}
	if lines := strings.Count(v.Content, "\n") + 1; lines != s.height {
		s.t.Errorf("%s: %d lines, want %d", name, lines, s.height)
	}
}

const sample = "The teh fox jumps over the lazy dog, and 日本語 is wide.\n\n\tA tab, an emoji 👍 and an escape \x1b[31m are shown.\nThe end."

func TestScreens(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {40, 12}} {
		name := func(what string) string { return fmt.Sprintf("%s-%dx%d", what, size.width, size.height) }
		s := blank(t, size.width, size.height)
		s.is(name("opening"))

		s = opened(t, size.width, size.height, sample)
		s.is(name("opened"))
		s.send(findingsMsg{{Word: "teh", Suggestions: []string{"the", "ten"}}})
		s.area.moveTo(len("The te"))
		s.is(name("suggestion"))

		s.press("X", "backspace", "x")
		s.send(contentMsg{Content: "another", Version: 5, By: "carol"})
		s.is(name("held"))
		s.press("R")
		s.is(name("taken"))

		s.press("x")
		s.send(stateMsg(client.Reconnecting), failureMsg{&client.DialError{Err: fmt.Errorf("dial: %w", errors.New("connection refused"))}})
		s.is(name("reconnecting"))
		s.clock = s.clock.Add(12 * time.Second)
		s.Update(tickMsg{})
		s.is(name("stuck"))
		s.press("ctrl+q")
		s.Update(flushedMsg{})
		s.is(name("asking"))
		s.press("n")

		s.press("ctrl+g")
		s.is(name("help"))
		s.press("esc")
		s.send(stateMsg(client.Disconnected), loginMsg{&client.LoginRequiredError{Code: 4403, Reason: "your approval was revoked"}})
		s.is(name("login"))
	}
}

func TestTypingGoesOnWhileATextIsHeld(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.write("a")
	s.send(contentMsg{Content: "other", Version: 5, By: "carol"})
	s.write("r b")
	if s.area.text != "ar b" || s.buffer.Held == nil {
		t.Fatalf("text %q, held %v", s.area.text, s.buffer.Held)
	}
	s.press("esc")
	s.write("R")
	if s.area.text != "ar bR" || s.buffer.Held != nil {
		t.Errorf("text %q, held %v", s.area.text, s.buffer.Held)
	}
}

func TestTakingCanBeUndone(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.write("mine")
	s.press("left")
	s.send(contentMsg{Content: "theirs", Version: 5, By: "carol"})
	s.press("R")
	if s.area.text != "theirs" {
		t.Fatalf("text %q", s.area.text)
	}
	s.press("ctrl+z")
	if s.area.text != "mine" || s.area.cursor != 3 || !s.buffer.Dirty() {
		t.Errorf("text %q, cursor %d, dirty %v", s.area.text, s.area.cursor, s.buffer.Dirty())
	}
	s.press("ctrl+z")
	if s.area.text != "theirs" {
		t.Errorf("text %q", s.area.text)
	}
}

func TestAnArrivingTextLeavesTheCursorWhereItWas(t *testing.T) {
	s := opened(t, 80, 24, "one two")
	s.area.moveTo(4)
	s.send(contentMsg{Content: "zero one two", Version: 5, By: "carol"})
	if s.area.text != "zero one two" || s.area.cursor != 9 {
		t.Errorf("text %q, cursor %d", s.area.text, s.area.cursor)
	}
}

func TestOneSaveIsUnderWayAtATime(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.write("a")
	if _, cmd := s.Update(saveMsg{}); cmd == nil {
		t.Fatal("no save")
	}
	s.write("b")
	if _, cmd := s.Update(saveMsg{}); cmd != nil {
		t.Error("a second save while the first is under way")
	}
	if _, cmd := s.Update(savedMsg{version: 5}); cmd == nil || !s.buffer.Dirty() {
		t.Error("the rest is not saved")
	}
}

func TestAFailedSaveIsMadeAgain(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.write("a")
	s.Update(saveMsg{})
	s.send(stateMsg(client.Reconnecting))
	if _, cmd := s.Update(savedMsg{err: lmz.ErrOutcomeUnknown}); cmd == nil {
		t.Error("nothing is planned")
	}
	if _, cmd := s.Update(saveMsg{}); cmd != nil {
		t.Error("a save without a connection")
	}
	s.send(stateMsg(client.Connected))
	if _, again := s.buffer.BeginSave(); again || !s.buffer.Dirty() {
		t.Error("the return of the connection did not begin a save")
	}
	s.Update(savedMsg{version: 5})
	if s.buffer.Dirty() {
		t.Error("not saved")
	}
}

func TestQuittingWaitsForTheSave(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.write("a")
	s.press("ctrl+c")
	s.write("b") // too late
	if s.area.text != "a" || s.phase != flushing {
		t.Fatalf("text %q, phase %d", s.area.text, s.phase)
	}
	s.Update(flushedMsg{})
	if s.phase != asking {
		t.Fatal("it does not ask")
	}
	s.press("n")
	s.write("c")
	if s.area.text != "ac" || s.phase != editing {
		t.Errorf("text %q, phase %d", s.area.text, s.phase)
	}
}

func TestTheEndOfTheContextDoesNotAsk(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.write("a")
	s.send(stateMsg(client.Reconnecting), stopMsg{})
	if _, cmd := s.Update(flushedMsg{}); cmd == nil || s.err == nil {
		t.Errorf("the editor goes on; error %v", s.err)
	}
}

func TestAPasteHasTheLineBreaksOfTheDocument(t *testing.T) {
	s := opened(t, 80, 24, "")
	s.Update(tea.PasteMsg{Content: "one\rtwo\r\nthree\n\xff"})
	if want := "one\ntwo\nthree\n\uFFFD"; s.area.text != want {
		t.Errorf("text %q, want %q", s.area.text, want)
	}
}

func TestTheWindowFollowsTheCursor(t *testing.T) {
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprint("line ", i))
	}
	s := opened(t, 40, 12, strings.Join(lines, "\n"))
	s.press("pgdown", "pgdown", "up")
	s.is("scrolled-40x12")
	s.press("ctrl+end")
	s.area.moveTo(len(s.area.text))
	s.Update(tea.WindowSizeMsg{Width: 40, Height: 6})
	s.is("end-40x6")
	s.Update(tea.WindowSizeMsg{Width: 3, Height: 1}) // nothing to see, but nothing breaks
	s.View()
}

func TestThePumpKeepsControlMessagesAndTheNewestContent(t *testing.T) {
	p := newPump()
	p.push(stateMsg(client.Connecting))
	for i := range 1000 {
		p.push(contentMsg{Version: i})
		p.push(failureMsg{errors.New("no")})
	}
	p.push(stateMsg(client.Connected))
	ctx, cancel := context.WithCancel(t.Context())
	got := p.wait(ctx.Done())().(pumpedMsg)
	if len(got) != 4 || got[0] != stateMsg(client.Connecting) || got[1] != (contentMsg{Version: 999}) || got[3] != stateMsg(client.Connected) {
		t.Errorf("got %v", got)
	}
	cancel()
	if got := p.wait(ctx.Done())(); got != nil {
		t.Errorf("got %v after the end", got)
	}
}

package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

var update = flag.Bool("update", false, "write the screens in testdata anew")

// onMesh runs a test of models in a mesh with the editor's nodes, in virtual time.
func onMesh(t *testing.T, f func(t *testing.T, m *meshtest.Mesh)) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
		m.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
		m.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
		f(t, m)
	})
}

// screen is a model and the little of bubbletea that it needs: the results of its commands
// come back as messages.
type screen struct {
	*model
	t       *testing.T
	client  *meshtest.Client
	pending chan tea.Msg
	quit    bool
	stop    context.CancelFunc
}

// screens are all screens of a test: while it waits for one, the others continue too, as
// separate programs would.
var screens []*screen

// start starts an editor on the document notes, with nothing on the screen yet.
func start(t *testing.T, m *meshtest.Mesh, user string, width, height int, o Options) *screen {
	t.Helper()
	o.Getenv = func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }
	o.Client.URL = "http://127.0.0.1:8787"
	s := &screen{model: newModel(o), t: t, pending: make(chan tea.Msg, 1000)}
	s.client = m.NewClient(user, map[string]any{"email": user + "@example.com"}, s.clientOptions(client.Options{}))
	s.peer = s.client.Peer
	s.ctx, s.stop = context.WithCancel(context.Background())
	screens = append(screens, s)
	t.Cleanup(s.end)
	s.do(s.Init())
	s.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// end cleans up after the program, however it ended.
func (s *screen) end() {
	s.forget()
	if s.doc != nil {
		s.doc.Close(s.ctx)
		s.journal.close()
		s.doc = nil
	}
	s.stop()
	time.Sleep(flushLimit + time.Second) // virtual: commands that wait for the clock end
}

// die ends the editor as kill -9 does: it no longer writes or sends anything.
func (s *screen) die() {
	s.forget()
	s.client.Kill()
	if s.journal != nil {
		s.journal.close() // the system frees the locks of a dead process
	}
}

// forget removes the screen from screens.
func (s *screen) forget() {
	screens = slices.DeleteFunc(screens, func(other *screen) bool { return other == s })
}

// opened is start, followed by waiting for the text.
func opened(t *testing.T, m *meshtest.Mesh, user string, width, height int) *screen {
	t.Helper()
	s := start(t, m, user, width, height, Options{Document: "notes"})
	s.await("the text", s.ready)
	return s
}

// do runs a command as bubbletea does.
func (s *screen) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, one := range msg {
				s.do(one)
			}
		default:
			s.pending <- msg
		}
	}()
}

// settle handles the messages of all screens until no more arrive.
func (s *screen) settle() {
	for again := true; again; {
		synctest.Wait()
		again = false
		for _, one := range screens {
			again = one.handle() || again
		}
	}
}

// handle handles a message if there is one.
func (s *screen) handle() bool {
	select {
	case msg := <-s.pending:
		if _, ok := msg.(tea.QuitMsg); ok {
			s.quit = true
		}
		_, cmd := s.Update(msg)
		s.do(cmd)
		return true
	default:
		return false
	}
}

// wait lets time pass.
func (s *screen) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(min(50*time.Millisecond, time.Until(end))) { // virtual
		s.settle()
	}
	s.settle()
}

// await lets time pass until a condition holds.
func (s *screen) await(what string, holds func() bool) {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) { // virtual
		s.settle()
		if holds() {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("never: %s, but\n%s", what, s.View().Content)
		}
	}
}

// shows waits for a text in the document.
func (s *screen) shows(text string) {
	s.t.Helper()
	s.await(fmt.Sprintf("the text %q", text), func() bool { return s.area.text == text })
}

// sees waits for something on the screen.
func (s *screen) sees(what string) {
	s.t.Helper()
	s.await(fmt.Sprintf("%q", what), func() bool { return strings.Contains(ansi.Strip(s.View().Content), what) })
}

func (s *screen) saved() {
	s.t.Helper()
	s.await("saved", func() bool { return s.doc.Saved() })
}

// press presses keys, given by name or as characters.
func (s *screen) press(keys ...string) tea.Cmd {
	var last tea.Cmd
	for _, k := range keys {
		_, last = s.Update(key(k))
		s.do(last)
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
		if r == '\n' {
			s.press("enter")
		} else {
			s.press(string(r))
		}
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
		onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
			name := func(what string) string { return fmt.Sprintf("%s-%dx%d", what, size.width, size.height) }
			s := start(t, m, "ann", size.width, size.height, Options{Document: "notes"})
			s.is(name("opening"))
			s.await("the text", s.ready)
			s.is(name("empty"))
			s.Update(tea.PasteMsg{Content: sample})
			s.saved()
			s.await("the spelling", func() bool { return len(s.findings) > 0 })
			s.area.moveTo(0)
			s.Update(nil)
			s.is(name("opened"))
			s.area.moveTo(len("The te"))
			s.is(name("suggestion"))
			s.press("alt+enter")
			s.is(name("menu"))
			s.press("esc")

			bob := opened(t, m, "bob", 80, 24)
			bob.press("ctrl+end", "shift+ctrl+left")
			bob.settle()
			s.await("bob", func() bool { return len(s.people) == 1 && s.people[0].Anchor != s.people[0].Head })
			s.is(name("with-others"))
			bob.end()

			s.client.Cut()
			s.await("no connection", func() bool { return s.state != client.Connected })
			s.press("x")
			s.is(name("reconnecting"))
			s.wait(12 * time.Second)
			s.is(name("stuck"))
			s.press("ctrl+q")
			s.wait(flushLimit)
			s.is(name("asking"))
			s.press("n", "ctrl+g")
			s.is(name("help"))
			s.press("esc", "ctrl+f", "t", "h", "e")
			s.is(name("find"))
			s.press("esc", "ctrl+o")
			s.is(name("picker"))
			s.press("esc")
			s.Update(pumpedMsg{stateMsg(client.Disconnected), loginMsg{&client.LoginRequiredError{Code: 4403, Reason: "your approval was revoked"}}})
			s.is(name("login"))
			s.blocked, s.phase = nil, leaving
		})
	}
}

func TestTypingInOneParagraph(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := opened(t, m, "ann", 80, 24), opened(t, m, "bob", 80, 24)
		ann.write("one three")
		bob.shows("one three")
		bob.press("ctrl+home", "ctrl+right", "right")
		bob.write("two ")
		ann.write(" four")
		ann.shows("one two three four")
		bob.shows("one two three four")
		if ann.area.cursor != len(ann.area.text) || bob.area.cursor != len("one two ") {
			t.Errorf("cursors at %d and %d", ann.area.cursor, bob.area.cursor)
		}
		ann.sees("with bob")
	})
}

func TestUndoOfOwnEdits(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := opened(t, m, "ann", 80, 24), opened(t, m, "bob", 80, 24)
		ann.write("my text")
		bob.shows("my text")
		bob.press("ctrl+home", "ctrl+right")
		bob.write(", and his,")
		ann.shows("my, and his, text")
		ann.press("ctrl+z")
		ann.shows(", and his,")
		bob.shows(", and his,")
		ann.press("ctrl+z")
		ann.sees("nothing of yours to undo")
		ann.press("ctrl+y")
		ann.shows("my, and his, text")
		bob.shows("my, and his, text")
	})
}

func TestOfflineTypingAfterDeath(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		state := t.TempDir()
		o := Options{Document: "notes", StateDir: state, Account: "ann"}
		ann := start(t, m, "ann", 80, 24, o)
		ann.await("the text", ann.ready)
		ann.write("before")
		ann.saved()
		ann.client.Cut()
		ann.await("no connection", func() bool { return ann.state != client.Connected })
		for range 60 {
			ann.write(".")
			ann.wait(time.Second)
		}
		ann.die()

		other := start(t, m, "bob", 80, 24, Options{Document: "notes", StateDir: state, Account: "bob"})
		other.await("the text", other.ready)
		other.wait(5 * time.Second)
		if other.area.text != "before" {
			t.Errorf("somebody else sent it: %q", other.area.text)
		}
		want := "before" + strings.Repeat(".", 60)
		again := start(t, m, "ann", 80, 24, o)
		again.shows(want)
		other.shows(want)
		again.saved()
		again.wait(5 * time.Second)
		if again.area.text != want {
			t.Errorf("%q", again.area.text)
		}
		if left, _ := filepath.Glob(filepath.Join(state, "unsaved", "*", "*")); len(left) != 0 {
			t.Errorf("the journal still has %q", left)
		}
	})
}

func TestQuitOffline(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		o := Options{Document: "notes", StateDir: t.TempDir(), Account: "ann"}
		ann := start(t, m, "ann", 80, 24, o)
		ann.await("the text", ann.ready)
		ann.client.Cut()
		ann.write("late")
		ann.press("ctrl+q")
		ann.write("too late") // it is quitting
		ann.sees("not sent: it is stored here until you open it again. Quit? y/n")
		ann.press("n", "!")
		ann.press("ctrl+c")
		ann.sees("Quit? y/n")
		ann.press("y")
		ann.await("the end", func() bool { return ann.quit })
		if ann.err != nil {
			t.Error(ann.err)
		}
		start(t, m, "ann", 80, 24, o).shows("late!")
	})
}

func TestFullDisk(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann := start(t, m, "ann", 80, 24, Options{Document: "notes", StateDir: t.TempDir(), Account: "ann"})
		ann.await("the text", ann.ready)
		full := func(is bool) { // for the journal
			if err := os.RemoveAll(ann.journal.dir); err != nil {
				t.Fatal(err)
			}
			if !is {
				if err := os.Mkdir(ann.journal.dir, 0o700); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(ann.journal.dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		full(true)
		ann.client.Cut()
		ann.write("late")
		ann.sees("not sent, and not stored on disk: ")
		ann.press("ctrl+q")
		ann.sees("not saved: quit anyway? y/n")
		ann.press("n")
		full(false)
		ann.await("it is on disk", func() bool { return !strings.Contains(ann.View().Content, "not stored on disk") })
		full(true)
		ann.write("!")
		ann.sees("not stored on disk")
		ann.pump.push(stopMsg{})
		ann.await("the end", func() bool { return ann.quit })
		if ann.err == nil {
			t.Error("the loss is no error")
		}
	})
}

func TestEditorWithoutJournal(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		state := t.TempDir()
		if err := os.WriteFile(filepath.Join(state, "unsaved"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ann := start(t, m, "ann", 80, 24, Options{Document: "notes", StateDir: state, Account: "ann"})
		ann.await("the text", ann.ready)
		ann.client.Cut()
		ann.write("late")
		ann.sees("not sent, and not stored on disk: ")
		ann.client.Heal()
		ann.saved()
		ann.await("the bar is gone", func() bool { return !strings.Contains(ann.View().Content, "not stored on disk") })
	})
}

func TestQuitWithLastEdits(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann := opened(t, m, "ann", 80, 24)
		ann.write("last words")
		ann.press("ctrl+q")
		ann.await("the end", func() bool { return ann.quit })
		opened(t, m, "bob", 80, 24).shows("last words")
	})
}

func TestQuitByContext(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s := opened(t, m, "ann", 80, 24)
		s.client.Cut()
		s.write("a")
		s.pump.push(stopMsg{})
		s.await("the end", func() bool { return s.quit })
		if s.err == nil {
			t.Error("the loss is no error")
		}
	})
}

func TestLineBreaksOfPaste(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s := opened(t, m, "ann", 80, 24)
		s.Update(tea.PasteMsg{Content: "one\rtwo\r\nthree\n\xff"})
		if want := "one\ntwo\nthree\n\uFFFD"; s.area.text != want {
			t.Errorf("text %q, want %q", s.area.text, want)
		}
		s.sees("bytes in the clipboard that are not text")
	})
}

func TestForeignTextOfOthers(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		const odd = "dos\r\nfamily 👨‍👩‍👧‍👦 and e\u0301"
		ann, bob := opened(t, m, "ann", 80, 24), opened(t, m, "bob", 80, 24)
		ann.insert(odd)
		bob.shows(strings.Replace(odd, "\r", "", 1)) // the document converts line breaks
		ann.shows(strings.Replace(odd, "\r", "", 1))
		bob.press("ctrl+home", "end", "right", "backspace")
		ann.shows(strings.Replace(odd, "\r\n", "", 1))
	})
}

func TestSuggestion(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s := opened(t, m, "ann", 80, 24)
		s.write("The teh fox")
		s.await("the spelling", func() bool { return len(s.findings) == 1 })
		s.press("alt+enter")
		s.sees("there is no misspelled word here")
		s.press("ctrl+left", "ctrl+left", "alt+enter")
		if s.menu == nil || s.menu.word.Suggestions[0] != "the" {
			t.Fatalf("menu %v", s.menu)
		}
		s.press("1")
		s.shows("The the fox")
		s.press("ctrl+z")
		s.shows("The teh fox")
	})
}

func TestPicker(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s := opened(t, m, "ann", 80, 24)
		s.write("in notes")
		s.saved()
		s.press("ctrl+o")
		s.await("the list", func() bool { return len(s.picker.names) == 1 })
		s.write("plans")
		s.sees("Enter creates plans")
		s.press("enter")
		s.await("the other document", func() bool { return s.document == "plans" && s.ready() })
		s.write("in plans")
		s.saved()
		s.press("ctrl+o")
		s.await("the list", func() bool { return len(s.picker.names) == 2 })
		s.write("NOT")
		s.press("enter")
		s.shows("in notes")

		// A substring of an existing name is a valid name too.
		s.press("ctrl+o")
		s.await("the list", func() bool { return len(s.picker.names) == 2 })
		s.write("note")
		s.press("down")
		s.sees("› create note")
		s.press("enter")
		s.await("the third", func() bool { return s.document == "note" && s.ready() })

		fresh := start(t, m, "bob", 80, 24, Options{})
		fresh.await("the list", func() bool { return fresh.picker != nil && len(fresh.picker.names) == 2 })
		fresh.press("down", "enter")
		fresh.shows("in plans")
	})
}

func TestPickerOfLongList(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann := m.Client("maker", nil, client.Options{})
		for i := range 520 {
			at := lmz.At(editor.DocumentBinding, fmt.Sprintf("%03d", i)+strings.Repeat("x", editor.MaxName-3))
			if _, err := editor.Subscribe.Call(t.Context(), ann.Peer, at); err != nil {
				t.Fatal(err)
			}
			if _, err := editor.Update.Call(t.Context(), ann.Peer, at, "text"); err != nil {
				t.Fatal(err)
			}
		}
		s := start(t, m, "bob", 80, 24, Options{})
		s.await("the first page", func() bool { return s.picker != nil && len(s.picker.names) == 256 })
		for range 300 {
			s.press("down")
		}
		s.await("the second page", func() bool { return len(s.picker.names) == 512 })
		s.write("519x")
		s.await("all", func() bool { return len(s.picker.names) == 520 && len(s.picker.shown()) == 1 })
		s.press("ctrl+w")
		s.write(strings.Repeat("n", editor.MaxName+1))
		s.sees("A document's name has at most 256 bytes, and this one has 257.")
		s.press("enter")
		s.press("backspace")
		s.sees("Enter creates nnn")
	})
}

func TestVersionsPanel(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := opened(t, m, "ann", 80, 24), opened(t, m, "bob", 80, 24)
		ann.write("first")
		ann.saved()
		bob.shows("first")
		ann.wait(10 * time.Minute)
		bob.wait(time.Second)
		bob.press("ctrl+end")
		bob.write(" second")
		bob.saved()
		ann.shows("first second")

		ann.press("ctrl+r")
		ann.sees("first second")
		ann.sees("› " + time.Now().Format("2006-01-02 15:04") + "  bob  (now)")
		ann.press("down")
		ann.await("the earlier text", func() bool { return ann.versions.area.text == "first" })
		ann.is("versions-80x24")
		ann.press("esc")
		ann.sees("first second")
		ann.press("ctrl+r")
		ann.sees("(now)")
		ann.press("down", "enter")
		ann.shows("first")
		bob.shows("first")
		ann.sees("restored")
	})
}

func TestLongEarlierVersion(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann := opened(t, m, "ann", 80, 24)
		var long strings.Builder
		for n := range 4000 { // three parts and a bit
			fmt.Fprintf(&long, "line %d of what was, with an é and a 👍 in it\n", n)
		}
		ann.Update(tea.PasteMsg{Content: long.String() + "the end"})
		ann.saved()
		ann.press("ctrl+r")
		ann.sees("line 0 of")
		for pages := 0; !strings.Contains(ann.View().Content, "the end"); pages++ {
			if pages > 1000 {
				t.Fatalf("it never ends:\n%s", ann.View().Content)
			}
			ann.press("pgdown")
			ann.settle()
		}
		for range 1000 {
			ann.press("pgup")
		}
		ann.sees("line 0 of")
		ann.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown, X: 1, Y: 10})
		ann.sees("line 3 of")
		if strings.Contains(ann.View().Content, "line 2 of") {
			t.Error("the wheel did not move the text")
		}
	})
}

// The session survives 3 s, so others' screens must not lose anything, not even for a
// moment.
func TestPeopleThroughShortCut(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := opened(t, m, "ann", 80, 24), opened(t, m, "bob", 80, 24)
		ann.write("words of ann")
		bob.shows("words of ann")
		caret := func(s *screen) bool {
			return slices.ContainsFunc(s.marks(), func(m mark) bool { return m.look.caret }) && strings.Contains(s.View().Content, "with ")
		}
		bob.await("the cursor of ann", func() bool { return caret(bob) && bob.people[0].Head == len("words of ann") })
		ann.await("the cursor of bob", func() bool { return caret(ann) })

		ann.client.Cut()
		heal := time.Now().Add(3 * time.Second)
		for end := heal.Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			ann.settle()
			bob.settle()
			if !caret(ann) || !caret(bob) {
				t.Fatalf("%v before the line was healed: somebody is gone: %v, %v", time.Until(heal), ann.people, bob.people)
			}
			if !time.Now().Before(heal) && ann.state != client.Connected {
				ann.client.Heal()
			}
		}
		if ann.state != client.Connected {
			t.Error("ann is not back")
		}
		ann.write("!")
		bob.shows("words of ann!")
	})
}

// withFile starts an editor of notes that shares a file with the given content.
func withFile(t *testing.T, m *meshtest.Mesh, content string) (s *screen, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notes.txt")
	if content != "" {
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, m, "ann", 80, 24, Options{Document: "notes"})
	s.file = &sharedFile{path: path}
	if err := s.file.readFile(); err != nil {
		t.Fatal(err)
	}
	s.await("the text", s.ready)
	s.settle()
	return s, path
}

func (s *screen) fileHas(path, want string) {
	s.t.Helper()
	s.await("the file has "+want, func() bool {
		data, err := os.ReadFile(path)
		return err == nil && string(data) == want
	})
}

func TestSharedFile(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s, path := withFile(t, m, "from the file")
		bob := opened(t, m, "bob", 80, 24)
		bob.shows("from the file")
		bob.press("ctrl+end", "!")
		s.fileHas(path, "from the file!")
		s.press("ctrl+home", ">")
		s.fileHas(path, ">from the file!")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("the file has other permissions than it had: %v, %v", info.Mode(), err)
		}
		if err := os.WriteFile(path, []byte("by another program"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.press("x")
		s.sees("another program changed notes.txt: it is no longer updated")
		s.press("y")
		s.wait(time.Second)
		s.fileHas(path, "by another program")
	})
}

func TestSharedFileThatDiffers(t *testing.T) {
	for answer, want := range map[string]string{"f": "in the file", "d": "in the document"} {
		onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
			bob := opened(t, m, "bob", 80, 24)
			bob.write("in the document")
			bob.saved()
			s, path := withFile(t, m, "in the file")
			s.sees("notes.txt and the document differ: f takes the file's text, d the document's")
			s.press("x", answer)
			s.shows(want)
			s.fileHas(path, want)
			bob.shows(want)
			if answer == "d" {
				s.fileHas(path+"~", "in the file")
			}
		})
	}
}

func TestWindowAroundCursor(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		var lines []string
		for i := range 100 {
			lines = append(lines, fmt.Sprint("line ", i))
		}
		s := opened(t, m, "ann", 40, 12)
		s.insert(strings.Join(lines, "\n"))
		s.saved()
		s.press("ctrl+home", "pgdown", "pgdown", "up")
		s.is("scrolled-40x12")
		s.press("ctrl+end")
		s.Update(tea.WindowSizeMsg{Width: 40, Height: 6})
		s.is("end-40x6")
		for _, size := range [][2]int{{3, 1}, {1, 1}, {0, 0}, {10, 3}} { // nothing is visible, but nothing breaks
			s.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			s.View()
			s.press("ctrl+o")
			s.View()
			s.press("esc")
		}
	})
}

func TestPump(t *testing.T) {
	p := newPump()
	p.push(stateMsg(client.Connecting))
	for range 1000 {
		p.push(newsMsg{})
		p.push(failureMsg{errors.New("no")})
	}
	p.push(stateMsg(client.Connected))
	ctx, cancel := context.WithCancel(t.Context())
	got := p.wait(ctx.Done())().(pumpedMsg)
	if len(got) != 4 || got[0] != stateMsg(client.Connecting) || got[1] != (newsMsg{}) || got[3] != stateMsg(client.Connected) {
		t.Errorf("got %v", got)
	}
	cancel()
	if got := p.wait(ctx.Done())(); got != nil {
		t.Errorf("got %v after the end", got)
	}
}

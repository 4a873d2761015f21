package tui_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/faultnet"
)

func TestTwoTerminals(t *testing.T) {
	t.Parallel()
	address := startGateway(t)
	terms := startTerminals(t)
	alice := terms.open("alice", address, 80, 24)
	bob := terms.open("bob", address, 40, 12)
	alice.await("notes", "● connected  saved", "^Q quit")
	bob.await("notes", "●  saved", "^Q quit")

	alice.text("The teh fox")
	bob.await("The teh fox")
	alice.await("connected  saved", "with bob")
	bob.await("alice")

	bob.keys("C-End", "Enter")
	bob.text("jumps over 日本 👍")
	alice.await("The teh fox", "jumps over 日本 👍")

	bob.keys("C-Home")
	bob.text("\t")
	alice.awaitThat("the tab", func() bool { return strings.Contains(alice.screen(), "\n     The teh fox") })
}

func TestSpellingInTwoTerminals(t *testing.T) {
	t.Parallel()
	address := startGateway(t)
	terms := startTerminals(t)
	alice := terms.open("alice", address, 80, 24)
	bob := terms.open("bob", address, 80, 24, "NO_COLOR=1")
	alice.await("connected  saved")
	bob.await("connected  saved")

	alice.text("The teh")
	alice.await("teh → the")
	alice.text(" fox")
	bob.await("The teh fox")
	alice.awaitThat("teh underlined in red", func() bool { return strings.Contains(alice.codes(), "\x1b[4m\x1b[31mteh") })
	if codes := bob.codes(); strings.Contains(codes, "\x1b[4m") || strings.Contains(codes, "\x1b[31m") {
		t.Errorf("bob sees underlines or colours:\n%q", codes)
	}
}

func TestMergeAfterOffline(t *testing.T) {
	t.Parallel()
	address := startGatewayWith(t, 10*time.Minute) // however busy the machine is
	wire, wired := startWire(t, address)
	terms := startTerminals(t)
	alice := terms.open("alice", wired, 80, 24)
	bob := terms.open("bob", address, 80, 24)
	alice.await("connected  saved")
	bob.await("connected  saved")
	bob.text("first ")
	bob.keys("Home")
	alice.await("first")
	alice.keys("End")

	wire.Set(faultnet.Cut)
	alice.await("reconnecting")
	alice.text("mine")
	alice.await("first mine", "unsaved")
	bob.text("his ")
	bob.await("his first", "connected  saved")
	wire.Set(faultnet.Pass)
	alice.await("his first mine", "connected  saved")
	bob.await("his first mine")
	alice.keys("C-z")
	alice.awaitThat("only her own is undone", func() bool {
		screen := alice.screen()
		return strings.Contains(screen, "his first") && !strings.Contains(screen, "mine")
	})
	alice.keys("C-q")
	alice.awaitExit()
	log := alice.log()
	if n := strings.Count(log, "subscription required"); n != 1 {
		t.Errorf("%d subscriptions were required, want 1:\n%s", n, log)
	}
	if strings.Contains(log, "first") {
		t.Errorf("the log has the text:\n%s", log)
	}
}

func TestQuitWithUnsavedText(t *testing.T) {
	t.Parallel()
	address := startGateway(t)
	wire, wired := startWire(t, address)
	terms := startTerminals(t)
	alice := terms.open("alice", wired, 80, 24)
	bob := terms.open("bob", address, 80, 24)
	alice.await("connected  saved")
	bob.await("connected  saved")

	alice.text("last words")
	alice.keys("C-q")
	alice.awaitExit()
	bob.await("last words")

	carol := terms.open("carol", wired, 80, 24)
	carol.await("last words", "connected")
	wire.Set(faultnet.Cut)
	carol.await("reconnecting")
	carol.text("lost ")
	carol.keys("C-c")
	carol.await("saving…")
	carol.await("not saved: quit anyway? y/n")
	carol.keys("n")
	carol.awaitThat("no question", func() bool { return !strings.Contains(carol.screen(), "quit anyway") })
	carol.text("! ")
	carol.await("lost ! last words", "unsaved")
	carol.keys("C-c")
	carol.await("not saved: quit anyway? y/n")
	carol.keys("y")
	carol.awaitExit()
	bob.await("last words")
	if strings.Contains(bob.screen(), "lost") {
		t.Error("bob sees what was not saved")
	}
}

func TestTypingThroughLongCut(t *testing.T) {
	t.Parallel()
	address := startGateway(t)
	wire, wired := startWire(t, address)
	terms := startTerminals(t)
	alice := terms.open("alice", wired, 40, 12)
	bob := terms.open("bob", address, 80, 24)
	alice.await("●  saved")
	bob.await("connected  saved")
	alice.text("before")
	bob.await("before")

	wire.Set(faultnet.Cut)
	alice.await("reconnecting")
	alice.text(", during")
	alice.await("no connection for 10 s") // the session has ended at the gateway
	alice.text(", late")
	wire.Set(faultnet.Pass)
	bob.await("before, during, late")
	alice.await("before, during, late", "●  saved")
	bob.text("his ")
	alice.await("his before, during, late", "with bob")
	if n := strings.Count(alice.log(), "subscription required"); n != 2 {
		t.Errorf("%d subscriptions were required, want 2:\n%s", n, alice.log())
	}
}

// onDisk returns the typed text in the journals below a state directory.
func onDisk(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "unsaved", "*", "*"+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var typed strings.Builder
	for _, name := range files {
		var r editor.Record
		if data, err := os.ReadFile(name); err == nil && json.Unmarshal(data, &r) == nil { // it is written atomically, and may be gone
			typed.WriteString(r.Text())
		}
	}
	return typed.String()
}

// With make soak, the user is offline for a real minute.
func TestOfflineTypingAfterKill9(t *testing.T) {
	t.Parallel()
	offline, soak := 3, os.Getenv("LMZ_SOAK") != ""
	if soak {
		offline = 60
	}
	address := startGateway(t)
	wire, wired := startWire(t, address)
	terms := startTerminals(t)
	dir := t.TempDir()
	state := stateVariable + "=" + dir
	alice := terms.open("alice", wired, 80, 24, state)
	alice.await("connected  saved")
	alice.text("before")
	alice.await("connected  saved")
	wire.Set(faultnet.Cut)
	alice.await("reconnecting")
	for range offline {
		alice.text(".")
		if soak {
			time.Sleep(time.Second) // make soak tests a minute of real clocks and timers
		}
	}
	alice.awaitThat("everything on disk", func() bool { return strings.Count(onDisk(t, dir), ".") == offline })
	alice.kill()

	wire.Set(faultnet.Pass)
	again := terms.open("alice", wired, 80, 24, state)
	bob := terms.open("bob", address, 80, 24)
	want := "before" + strings.Repeat(".", offline)
	again.await(want, "connected  saved")
	bob.await(want)
	again.keys("End")
	again.text("!")
	bob.await(want + "!")
	bob.text("?") // it is there once, even after both have sent and received more
	again.await("?" + want + "!")
	if strings.Contains(bob.screen(), want+".") {
		t.Errorf("bob sees\n%s", bob.screen())
	}
}

func TestPasteAndResize(t *testing.T) {
	t.Parallel()
	terms := startTerminals(t)
	alice := terms.open("alice", startGateway(t), 80, 24)
	alice.await("connected  saved")
	alice.tmux("set-buffer", "one two three four five six seven eight nine\n日本語")
	alice.tmux("paste-buffer", "-p", "-t", "alice")
	alice.await("\n one two three four five six seven eight nine\n 日本語\n")
	alice.awaitCursor("7,2")
	alice.tmux("resize-window", "-t", "alice", "-x", "40", "-y", "12")
	alice.await("\n one two three four five six seven\n eight nine\n 日本語\n", "●  saved")
	alice.awaitCursor("7,3")
	alice.keys("Up", "Up", "End", "Left", "C-Left")
	alice.awaitCursor("29,1")
	alice.text("and ")
	alice.await("\n one two three four five six and seven\n eight nine\n 日本語\n")
	alice.keys("C-g")
	alice.await("any key closes this")
	alice.keys("Escape")
	alice.await("six and seven")
}

func TestRefusedUser(t *testing.T) {
	t.Parallel()
	terms := startTerminals(t)
	nobody := terms.open("nobody", startGateway(t), 80, 24)
	nobody.awaitThat("the error", func() bool { return strings.Contains(nobody.log(), "ended: login required") })
}

// An input method sends the terminal a composed word at once.
func TestComposedWordInTerminal(t *testing.T) {
	t.Parallel()
	address := startGateway(t)
	terms := startTerminals(t)
	alice := terms.open("alice", address, 80, 24)
	bob := terms.open("bob", address, 80, 24)
	alice.await("connected  saved")
	bob.await("connected  saved")
	alice.text("日本語入力を確定する文字列がここにある")
	bob.await("日本語入力を確定する文字列がここにある")
	alice.awaitThat("one edit", func() bool { return strings.Contains(alice.log(), "saved version 1\n") })
	alice.text("한글")
	bob.await("ここにある한글")
	bob.awaitThat("two edits", func() bool { return strings.Contains(alice.log(), "saved version 2\n") })
	if log := alice.log(); strings.Contains(log, "saved version 3") {
		t.Errorf("two words are more than two edits:\n%s", log)
	}
	alice.keys("C-o") // the picker accepts composed names
	alice.await("Open or create")
	alice.text("会議録")
	alice.await("会議録")
}

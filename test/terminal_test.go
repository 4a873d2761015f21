package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// terminal is a real terminal that runs lmz edit.
type terminal struct {
	t      *testing.T
	socket string
	log    string
}

// startTerminal starts lmz edit in a terminal of 80 columns and 24 rows.
func startTerminal(t *testing.T, server, token, document string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("no terminal: install tmux (on Debian: apt-get install tmux)")
	}
	dir := t.TempDir()
	term := &terminal{t: t, socket: filepath.Join(dir, "tmux"), log: filepath.Join(dir, "log")}
	cmd := exec.Command("tmux", "-S", term.socket, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
		program, "edit", document, "--server", server, "--log", term.log)
	cmd.Env = append(environ(server, token), "TERM=xterm-256color", "LANG=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v %s", err, out)
	}
	t.Cleanup(func() { term.tmux("kill-server") })
	return term
}

func (term *terminal) tmux(args ...string) string {
	out, _ := exec.Command("tmux", append([]string{"-S", term.socket}, args...)...).Output()
	return string(out)
}

func (term *terminal) screen() string { return term.tmux("capture-pane", "-p") }

// text returns the text between the title and the status line, with the rows of the window
// joined.
func (term *terminal) text() string {
	rows := strings.Split(strings.TrimRight(term.screen(), "\n"), "\n")
	if len(rows) < 3 {
		return ""
	}
	var text []string
	for _, row := range rows[1 : len(rows)-1] {
		text = append(text, strings.TrimSpace(row))
	}
	return strings.TrimSpace(strings.Join(text, " "))
}

// keys presses keys, by their names in tmux.
func (term *terminal) keys(names ...string) { term.tmux(append([]string{"send-keys"}, names...)...) }

func (term *terminal) resize(width, height int) {
	term.tmux("resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
}

func (term *terminal) typeText(text string) { term.tmux("send-keys", "-l", text) }

// subscriptions returns how often OnSubscriptionRequired ran.
func (term *terminal) subscriptions() string {
	log, _ := os.ReadFile(term.log)
	return fmt.Sprint(strings.Count(string(log), "subscription required"))
}

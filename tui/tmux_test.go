package tui_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/faultnet"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/tui"
)

// In a terminal, the test binary is the editor. These variables configure it.
const (
	urlVariable  = "TUI_TEST_URL"
	userVariable = "TUI_TEST_USER"
	logVariable  = "TUI_TEST_LOG"

	stateVariable = "TUI_TEST_STATE"
)

func TestMain(m *testing.M) {
	if os.Getenv(urlVariable) != "" {
		if err := edit(); err != nil {
			fmt.Println("error:", err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// edit is the program in the terminal.
func edit() error {
	log, err := os.Create(os.Getenv(logVariable))
	if err != nil {
		return err
	}
	defer log.Close()
	err = tui.Run(context.Background(), tui.Options{
		Client: client.Options{
			URL: os.Getenv(urlVariable),
			Token: func(context.Context, string) (string, error) {
				return token(os.Getenv(userVariable)), nil
			},
		},
		Document: "notes",
		StateDir: os.Getenv(stateVariable),
		Account:  os.Getenv(userVariable),
		Log:      log,
	})
	fmt.Fprintln(log, "ended:", err)
	return err
}

// verify accepts unsigned tokens: package auth tests real ones.
func verify(_ context.Context, token string) (*lmz.Auth, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] != "good" {
		return nil, errors.New("bad token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	claims := make(map[string]any)
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, err
	}
	return &lmz.Auth{Subject: claims["sub"].(string), Claims: claims}, nil
}

func token(user string) string {
	payload, _ := json.Marshal(map[string]any{"sub": user, "email": user + "@example.com"})
	if user == "nobody" {
		return "h." + base64.RawURLEncoding.EncodeToString(payload) + ".bad"
	}
	return "h." + base64.RawURLEncoding.EncodeToString(payload) + ".good"
}

// startGateway serves the editor's mesh and returns its address.
func startGateway(t *testing.T) string { return startGatewayWith(t, 0) }

// startGatewayWith is startGateway with a grace period.
func startGatewayWith(t *testing.T, grace time.Duration) string {
	t.Helper()
	g, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: verify, Grace: grace, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	g.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	g.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	g.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: g}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		<-served
	})
	return listener.Addr().String()
}

// startWire starts a connection to the gateway that can be cut, and returns its address.
func startWire(t *testing.T, to string) (wire *faultnet.Proxy, address string) {
	t.Helper()
	wire, err := faultnet.Listen(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	return wire, strings.TrimPrefix(wire.URL(), "http://")
}

// terminals are the terminals of a test, all on one tmux server.
type terminals struct {
	t   *testing.T
	dir string
}

func startTerminals(t *testing.T) *terminals {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("this test needs tmux: apt-get install tmux, or brew install tmux")
	}
	dir, err := os.MkdirTemp("", "lmz") // short: socket paths are limited
	if err != nil {
		t.Fatal(err)
	}
	s := &terminals{t, dir}
	// Without exit-empty off, a terminal opened just after the last one was closed may find
	// a server that is exiting.
	config := "set -s exit-empty off\nset -g status off\nset -g remain-on-exit on\nset -g default-terminal tmux-256color\nset -s escape-time 5\n"
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.command("kill-server").Run() // it may have exited already
		os.RemoveAll(dir)
	})
	return s
}

func (s *terminals) command(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", filepath.Join(s.dir, "socket"), "-f", filepath.Join(s.dir, "config")}, args...)...)
}

func (s *terminals) tmux(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// terminal is a terminal that runs an editor.
type terminal struct {
	*terminals
	user string
}

func (s *terminals) open(user, address string, width, height int, env ...string) *terminal {
	s.t.Helper()
	args := []string{"new-session", "-d", "-s", user, "-x", fmt.Sprint(width), "-y", fmt.Sprint(height)}
	for _, e := range append(env, urlVariable+"=http://"+address, userVariable+"="+user, logVariable+"="+s.logOf(user)) {
		args = append(args, "-e", e)
	}
	s.tmux(append(args, os.Args[0])...)
	return &terminal{s, user}
}

func (s *terminals) logOf(user string) string { return filepath.Join(s.dir, user+".log") }

// kill ends the editor with SIGKILL, and the terminal.
func (e *terminal) kill() {
	e.t.Helper()
	pid := strings.TrimSpace(e.tmux("display-message", "-p", "-t", e.user, "#{pane_pid}"))
	if out, err := exec.Command("kill", "-9", pid).CombinedOutput(); err != nil {
		e.t.Fatalf("kill -9 %s: %v %s", pid, err, out)
	}
	e.tmux("kill-session", "-t", e.user)
}

func (e *terminal) keys(keys ...string) {
	e.t.Helper()
	e.tmux(append([]string{"send-keys", "-t", e.user}, keys...)...)
}

func (e *terminal) text(text string) {
	e.t.Helper()
	e.tmux("send-keys", "-t", e.user, "-l", text)
}

func (e *terminal) screen() string { return e.tmux("capture-pane", "-p", "-t", e.user) }

// codes returns the screen with its escape codes.
func (e *terminal) codes() string { return e.tmux("capture-pane", "-p", "-e", "-t", e.user) }

// await waits until the screen shows all of want.
func (e *terminal) await(want ...string) {
	e.t.Helper()
	e.awaitThat(fmt.Sprintf("%q", want), func() bool {
		screen := e.screen()
		for _, w := range want {
			if !strings.Contains(screen, w) {
				return false
			}
		}
		return true
	})
}

// awaitExit waits until the editor has ended without an error. It reads the log, because
// tmux does not always notice the end of a program.
func (e *terminal) awaitExit() {
	e.t.Helper()
	e.awaitThat("the end", func() bool {
		return strings.HasSuffix(e.log(), "ended: <nil>\n")
	})
}

// log returns what the editor has logged so far.
func (e *terminal) log() string {
	log, err := os.ReadFile(e.logOf(e.user))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.t.Fatal(err)
	}
	return string(log)
}

func (e *terminal) awaitCursor(at string) {
	e.t.Helper()
	e.awaitThat("the cursor at "+at, func() bool {
		return e.tmux("display-message", "-p", "-t", e.user, "#{cursor_x},#{cursor_y}") == at+"\n"
	})
}

func (e *terminal) awaitThat(what string, holds func() bool) {
	e.t.Helper()
	poll.UntilNil(e.t, func() error {
		if !holds() {
			return fmt.Errorf("%s does not see %s, but\n%s\nlog:\n%s", e.user, what, e.screen(), e.log())
		}
		return nil
	})
	if dir := os.Getenv("TUI_TEST_CAPTURES"); dir != "" {
		name := fmt.Sprintf("%s-%s-%d.txt", e.t.Name(), e.user, time.Now().UnixMilli())
		if err := os.WriteFile(filepath.Join(dir, name), []byte(what+"\n"+e.codes()), 0o600); err != nil {
			e.t.Fatal(err)
		}
	}
}

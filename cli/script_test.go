package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/lumenize/lmz/cli"
	"github.com/lumenize/lmz/internal/mailsink"
	"github.com/lumenize/lmz/internal/poll"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"lmz": func() {
		ctx, stop := cli.Interruptible(context.Background())
		code := cli.Main(ctx, os.Args[1:], cli.System())
		stop()
		os.Exit(code)
	}})
}

// leakChecked fails a run that passed but left goroutines behind.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			e.Setenv("LMZ_NO_KEYRING", "1") // that of the machine is not the tests' business
			e.Setenv("LMZ_NO_BROWSER", "1")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would wait a second at each exit
			e.Setenv("LONG", strings.Repeat("long/", 51))
			e.Setenv("TOOLONG", strings.Repeat("long/", 300))
			e.Values[runningKey{}] = new(*running)
			e.Values[sinkKey{}] = new(*mailsink.Sink)
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dev":     startDev,
			"devstop": stopDev,
			"token":   setToken,
			"exits":   exits,
			"until":   until,
			"click":   click,
			"mailed":  mailed,
			"get":     get,
			"mode":    mode,
			"entries": entries,
			"expire":  expire,

			"watching": watching,

			"smtp":     startSink,
			"gateway":  startGateway,
			"original": startOriginal,
			"cat-env":  catEnv,
			"typecode": typeCode,
			"clicks":   clicks,
			"revoke":   revoke,

			"pastelink":         pasteLink,
			"renewtogether":     renewTogether,
			"killwhilerenewing": killWhileRenewing,
		},
	})
}

func lmzIn(ts *testscript.TestScript, args ...string) *exec.Cmd {
	cmd := exec.Command("lmz", args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{
		"HOME", "PATH", "TMPDIR", "GORACE", "LMZ_SERVER", "LMZ_ACCESS_TOKEN", "LMZ_CONFIG_DIR", "LMZ_NO_KEYRING", "LMZ_NO_BROWSER", "LMZ_EMAIL", "SSH_CONNECTION", "LMZ_PUBLIC_URL", "LMZ_PROXIES", "DEBUG",
		"XDG_DATA_HOME", "XDG_CONFIG_HOME", "LUMENIZE_AUTH_ISSUER", "JWT_PRIVATE_KEY_BLUE",
		"LMZ_TURNSTILE_SECRET", "LMZ_TURNSTILE_SITE_KEY",
	} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

type running struct {
	cmd  *exec.Cmd
	done chan error
}

// runningKey is the key of a script's server.
type runningKey struct{}

// server returns a pointer to a script's server.
func server(ts *testscript.TestScript) **running { return ts.Value(runningKey{}).(**running) }

// startDev is "dev [FLAG...]": it runs lmz dev in the background on a free port with the data
// directory data, waits until it serves, and sets LMZ_SERVER and ADDR. Its output goes to the
// files dev.out and dev.err.
func startDev(ts *testscript.TestScript, _ bool, args []string) {
	cmd := lmzIn(ts, append([]string{"dev", "--addr", "127.0.0.1:0", "--data", ts.MkAbs("data")}, args...)...)
	out, err := os.Create(ts.MkAbs("dev.out"))
	ts.Check(err)
	errs, err := os.Create(ts.MkAbs("dev.err"))
	ts.Check(err)
	cmd.Stderr = errs
	output, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	r := &running{cmd, make(chan error, 1)}
	*server(ts) = r
	urls := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(output)
		for url := ""; scanner.Scan(); {
			fmt.Fprintln(out, scanner.Text())
			if _, found, ok := strings.Cut(scanner.Text(), "  page     "); ok {
				url = strings.TrimSuffix(found, "/")
			}
			if strings.HasPrefix(scanner.Text(), "Ctrl-C") {
				urls <- url
			}
		}
		r.done <- errors.Join(cmd.Wait(), out.Close(), errs.Close())
	}()
	ts.Defer(func() {
		cmd.Process.Kill()
		if *server(ts) == r {
			<-r.done
		}
	})
	select {
	case url := <-urls:
		ts.Setenv("LMZ_SERVER", url)
		ts.Setenv("ADDR", strings.TrimPrefix(url, "http://"))
	case err := <-r.done:
		r.done <- err
		ts.Fatalf("lmz dev has ended: %v\n%s", err, ts.ReadFile("dev.err"))
	case <-time.After(poll.Patience):
		ts.Fatalf("lmz dev does not begin")
	}
}

// stopDev is "devstop [int]": it stops the server of the last dev with SIGTERM or, if int,
// SIGINT, and requires exit code 0.
func stopDev(ts *testscript.TestScript, _ bool, args []string) {
	r := *server(ts)
	signal := syscall.SIGTERM
	if len(args) == 1 && args[0] == "int" {
		signal = syscall.SIGINT
	}
	ts.Check(r.cmd.Process.Signal(signal))
	select {
	case err := <-r.done:
		*server(ts) = nil
		ts.Check(err)
	case <-time.After(poll.Patience):
		ts.Fatalf("lmz dev does not stop")
	}
}

// setToken is "token EMAIL [FLAG...]": it mints a token into LMZ_ACCESS_TOKEN.
func setToken(ts *testscript.TestScript, _ bool, args []string) {
	mint := append([]string{"token", "mint", "--data", ts.MkAbs("data"), "--email"}, args...)
	out, err := lmzIn(ts, mint...).Output()
	ts.Check(err)
	ts.Setenv("LMZ_ACCESS_TOKEN", strings.TrimSpace(string(out)))
}

// exits is "exits CODE ARG...": it runs lmz and requires that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if err := run(ts, args); err != nil {
		ts.Fatalf("%v", err)
	}
}

// until repeats exits until the exit code is right.
func until(ts *testscript.TestScript, _ bool, args []string) {
	poll.UntilNil(ts, func() error { return run(ts, args) })
}

func run(ts *testscript.TestScript, args []string) error {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var out, errs bytes.Buffer
	cmd := lmzIn(ts, args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != want {
		return fmt.Errorf("exit code %d, want %d: %v\n%s%s", code, want, err, out.Bytes(), errs.Bytes())
	}
	ts.Stdout().Write(out.Bytes())
	ts.Stderr().Write(errs.Bytes())
	return nil
}

var action = regexp.MustCompile(`<form method="post" action="([^"]+)"`)

// click is "click EMAIL": it waits for a mail, opens its link, presses the button, and prints the
// page to which that leads.
func click(ts *testscript.TestScript, _ bool, args []string) {
	_, page := fetch(ts, http.MethodGet, waitForLink(ts, args[0]), "")
	form := action.FindStringSubmatch(page)
	if form == nil {
		ts.Fatalf("no form on the page:\n%s", page)
	}
	_, page = fetch(ts, http.MethodPost, ts.Getenv("LMZ_SERVER")+form[1], "")
	io.WriteString(ts.Stdout(), page)
}

// mailed is "mailed EMAIL": it waits for a mail.
func mailed(ts *testscript.TestScript, _ bool, args []string) { waitForLink(ts, args[0]) }

func waitForLink(ts *testscript.TestScript, email string) (link string) {
	poll.UntilNil(ts, func() (err error) {
		if sink := *ts.Value(sinkKey{}).(**mailsink.Sink); sink != nil {
			link, err = linkTo(sink, email)
		} else {
			link, err = newestLink(ts.Getenv("LMZ_SERVER"), email)
		}
		return err
	})
	return link
}

func newestLink(server, email string) (string, error) {
	response, err := http.Get(server + "/dev/mail?format=json")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var mails []struct{ To, Link string }
	if err := json.NewDecoder(response.Body).Decode(&mails); err != nil {
		return "", err
	}
	for _, m := range mails {
		if m.To == email {
			return m.Link, nil
		}
	}
	return "", errors.New("no mail to " + email)
}

// get is "get PATH [HOST]": it prints the status, headers, and body of the server's answer.
func get(ts *testscript.TestScript, _ bool, args []string) {
	host := ""
	if len(args) > 1 {
		host = args[1]
	}
	head, body := fetch(ts, http.MethodGet, ts.Getenv("LMZ_SERVER")+args[0], host)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", head, body)
}

func fetch(ts *testscript.TestScript, method, url, host string) (head, body string) {
	req, err := http.NewRequest(method, url, nil)
	ts.Check(err)
	req.Host = host
	response, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer response.Body.Close()
	var headers bytes.Buffer
	response.Header.Write(&headers)
	data, err := io.ReadAll(response.Body)
	ts.Check(err)
	return response.Status + "\n" + headers.String(), string(data)
}

// mode is "mode OCTAL FILE": it requires the permissions of a file.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// entries is "entries DIR": it prints the names in a directory.
func entries(ts *testscript.TestScript, _ bool, args []string) {
	list, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range list {
		fmt.Fprintln(ts.Stdout(), e.Name())
	}
}

var expiry = regexp.MustCompile(`"access_expires": "[^"]*"`)

// expire is "expire FILE": it makes the access token of a sign-in look expired.
func expire(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	old := ts.ReadFile(args[0])
	fresh := expiry.ReplaceAllString(old, `"access_expires": "2000-01-01T00:00:00Z"`)
	if fresh == old {
		ts.Fatalf("no sign-in in %s", args[0])
	}
	ts.Check(os.WriteFile(path, []byte(fresh), 0o600))
}

// catEnv is "cat-env NAME FILE [MORE]": it writes an environment variable, and more, to
// a file.
func catEnv(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.Getenv(args[0]) + strings.Join(args[2:], "") + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// watching is "watching DOCUMENT [--json] ARG...": it starts lmz watch, runs lmz with the
// arguments, waits for a line from lmz watch, and interrupts it.
func watching(ts *testscript.TestScript, _ bool, args []string) {
	words := []string{"watch", args[0]}
	rest := args[1:]
	if rest[0] == "--json" {
		words, rest = append(words, "--json"), rest[1:]
	}
	cmd := lmzIn(ts, words...)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	errs, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill() })
	said := bufio.NewScanner(errs)
	if !said.Scan() {
		ts.Fatalf("watch says nothing")
	}
	fmt.Fprintln(ts.Stderr(), said.Text())
	scanner := bufio.NewScanner(out)
	ts.Check(run(ts, append([]string{"0"}, rest...)))
	if !scanner.Scan() {
		ts.Fatalf("watch prints nothing")
	}
	fmt.Fprintln(ts.Stdout(), scanner.Text())
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	_, err = io.Copy(io.Discard, out)
	ts.Check(errors.Join(err, cmd.Wait()))
}

// revoke is "revoke NAME": it revokes the access token with that name.
func revoke(ts *testscript.TestScript, _ bool, args []string) {
	out, err := lmzIn(ts, "tokens", "--json").Output()
	ts.Check(err)
	for line := range strings.Lines(string(out)) {
		var t struct{ ID, Name string }
		ts.Check(json.Unmarshal([]byte(line), &t))
		if t.Name == args[0] {
			ts.Check(run(ts, []string{"0", "tokens", "rm", t.ID}))
			return
		}
	}
	ts.Fatalf("no token %s:\n%s", args[0], out)
}

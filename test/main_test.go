// Package test drives the finished program as its users do: processes, sockets, a
// terminal and a browser, with links that are cut and gateways that are killed.
package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/poll"
)

// program is the path of the lmz under test, built once with its page.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if program = os.Getenv("LMZ_BIN"); program != "" { // another build, for comparison
			return m.Run()
		}
		if _, err := os.Stat("../web/dist/index.html"); err != nil {
			fmt.Fprintln(os.Stderr, "the page is not built: run make web first")
			return 1
		}
		dir, err := os.MkdirTemp("", "lmz")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "lmz")
		if out, err := exec.Command("go", "build", "-o", program, "../cmd/lmz").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// soak reports whether to run the long versions of tests (make soak).
func soak() bool { return os.Getenv("LMZ_SOAK") != "" }

// devServer is a running lmz dev.
type devServer struct {
	t    *testing.T
	data string
	addr string // host:port
	cmd  *exec.Cmd
	log  *bytes.Buffer
	out  io.Closer // the other end of its stdout

	stderr io.Writer // nil: log
	env    []string  // more of the environment
	nofile int       // the limit of open files; 0: that of the test
}

func (d *devServer) url() string { return "http://" + d.addr }

// startDev starts lmz dev on a data directory, at an address or, if that is empty, at
// a free one.
func startDev(t *testing.T, data, addr string) *devServer {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	d := &devServer{t: t, data: data, log: new(bytes.Buffer)}
	d.listen(addr)
	return d
}

// listen starts lmz dev at an address.
func (d *devServer) listen(addr string) {
	d.t.Helper()
	for _, line := range d.start("dev", "--data", d.data, "--addr", addr, "--no-browser") {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "page" {
			d.addr = strings.TrimSuffix(strings.TrimPrefix(fields[1], "http://"), "/")
		}
	}
}

// start starts lmz, waits until it reports that it is running, and returns its output so far.
func (d *devServer) start(args ...string) (printed []string) {
	t := d.t
	t.Helper()
	if d.cmd = exec.Command(program, args...); signal.Ignored(syscall.SIGHUP) { // by nohup, which the program respects
		d.cmd = exec.Command("env", append([]string{"--default-signal=HUP", program}, args...)...)
	}
	if d.nofile > 0 {
		limited := fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, d.nofile)
		d.cmd = exec.Command("bash", append([]string{"-c", limited, program}, args...)...)
	}
	d.cmd.Env = append(os.Environ(), d.env...)
	if d.cmd.Stderr = d.log; d.stderr != nil {
		d.cmd.Stderr = d.stderr
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.out = out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	timeout := time.After(poll.Patience)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				d.cmd.Wait() // its log is complete then
				t.Fatalf("lmz %s ended: %s", args[0], d.log)
			}
			printed = append(printed, line)
			if strings.HasPrefix(line, "Ctrl-C") {
				go func() {
					for range lines { // discard the rest
					}
				}()
				return printed
			}
		case <-timeout:
			d.kill() // its log is complete then
			t.Fatalf("lmz %s does not say that it runs: %s", args[0], d.log)
		}
	}
}

// kill is kill -9.
func (d *devServer) kill() {
	d.cmd.Process.Kill()
	d.cmd.Wait()
}

// token mints an access token with the keys of the data directory.
func (d *devServer) token(email string) string {
	d.t.Helper()
	out, err := exec.Command(program, "token", "mint", "--data", d.data, "--email", email, "--ttl", "2h").Output()
	if err != nil {
		d.t.Fatalf("token mint: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// environ returns the environment of a user with a token.
func environ(server, token string) []string {
	return append(os.Environ(), "LMZ_SERVER="+server, "LMZ_ACCESS_TOKEN="+token, "LMZ_NO_KEYRING=1", "LMZ_NO_BROWSER=1")
}

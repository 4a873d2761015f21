package test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/lumenize/lmz/internal/poll"
)

// chatter makes the server write n lines to its audit log.
func (d *devServer) chatter(n int) {
	d.t.Helper()
	for i := range n {
		req, err := http.NewRequest("POST", d.url()+"/auth/email-magic-link", strings.NewReader(fmt.Sprintf(`{"email":"ann%d@example.com"}`, i)))
		if err != nil {
			d.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i%250))
		resp, err := (&http.Client{Timeout: poll.Patience}).Do(req)
		if err != nil {
			d.t.Fatalf("request %d: %v", i, err)
		}
		resp.Body.Close()
	}
}

// answers makes a call and requires an answer.
func (d *devServer) answers(token string) {
	d.t.Helper()
	cmd := exec.Command(program, "call", "DOCUMENT_DO", "notes", "subscribe")
	cmd.Env = environ(d.url(), token)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("call: %v %s", err, out)
	}
}

func TestGatewayWithoutLogReader(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	g := startGatewayWith(t, t.TempDir(), write, nil)
	write.Close()
	read.Close()
	g.chatter(3)
	g.answers(g.token("ann@example.com"))
	if g.stop(); g.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("it did not end well: %v", g.cmd.ProcessState)
	}
}

func TestGatewayOnFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	g := startGatewayWith(t, t.TempDir(), full, nil)
	g.chatter(3)
	g.answers(g.token("ann@example.com"))
}

// The log's reader does not read, so its pipe fills up at once.
func TestCallsDuringBlockedLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	fd := int(write.Fd())
	syscall.SetNonblock(fd, true)
	for filler := make([]byte, 4096); err == nil; {
		_, err = syscall.Write(fd, filler)
	}
	syscall.SetNonblock(fd, false)
	g := startGatewayWith(t, t.TempDir(), write, nil)
	g.chatter(3)
	g.answers(g.token("ann@example.com"))
	if err := g.stop(); err != nil {
		t.Errorf("it did not end by itself: %v", err)
	}
}

func TestDevWithoutStdoutReader(t *testing.T) {
	d := startDev(t, t.TempDir(), "")
	d.out.Close() // mails are shown there
	d.chatter(3)
	d.answers(d.token("ann@example.com"))
}

package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/mailsink"
	"github.com/lumenize/lmz/internal/poll"
)

// startGateway starts lmz gateway with its default limits on a data directory and at a free port.
// It is configured for a proxy in front, which does not exist, so it trusts X-Forwarded-For.
func startGateway(t *testing.T, data string) *devServer {
	t.Helper()
	return startGatewayWith(t, data, nil, nil)
}

// startGatewayWith is startGateway with a stderr (nil is the log), variables, and flags.
func startGatewayWith(t *testing.T, data string, stderr io.Writer, env []string, flags ...string) *devServer {
	t.Helper()
	mails, err := mailsink.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mails.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &devServer{t: t, data: data, addr: l.Addr().String(), log: new(bytes.Buffer), stderr: stderr, env: env}
	l.Close()
	g.start(append([]string{"gateway", "--data", data, "--addr", g.addr, "--public-url", g.url(), "--proxies", "1",
		"--mail-from", "mesh@example.com", "--smtp", "smtp://" + mails.Addr + "?tls=none"}, flags...)...)
	return g
}

// stop sends SIGTERM. It returns an error if the program failed, or had to be killed after
// poll.Patience.
func (d *devServer) stop() error {
	d.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(poll.Patience, func() { d.cmd.Process.Kill() })
	defer kill.Stop()
	return d.cmd.Wait()
}

// memory returns the bytes of memory that the program uses, or 0.
func (d *devServer) memory() int64 {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(d.cmd.Process.Pid) + "/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// disk returns the bytes in the data directory.
func (d *devServer) disk() (n int64) {
	filepath.WalkDir(d.data, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// subjectOf returns the subject of a token.
func subjectOf(t *testing.T, token string) string {
	t.Helper()
	var claims struct{ Sub string }
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims.Sub
}

package test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lumenize/lmz/internal/poll"
)

// hostile is text that must not reach a terminal, followed by a word to search for.
const hostile = "\u009b31m\u202egpj.exe\u2028\u00ad" + "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"

// wantPrintable fails if the output of a program could command a terminal.
func wantPrintable(t *testing.T, what string, out []byte) {
	t.Helper()
	if !utf8.Valid(out) {
		t.Errorf("%s is no UTF-8", what)
	}
	marks := 0
	for line := range strings.Lines(string(out)) {
		for _, r := range line {
			if marks++; !unicode.In(r, unicode.Mn, unicode.Me) {
				marks = 0
			}
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) || r == '\u2028' || r == '\u2029' || marks > 6 {
				t.Errorf("%s has %q in %q", what, r, line)
				return
			}
		}
	}
}

// safeBuffer can be read while a process writes to it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.b.Bytes())
}

// TestHostileRequestsInLog sends lmz dev requests that any page can send, and checks its output,
// with and without full logging.
func TestHostileRequestsInLog(t *testing.T) {
	for _, filter := range []string{"", "*"} {
		t.Run("DEBUG="+filter, func(t *testing.T) {
			var out, errs safeBuffer
			cmd := exec.Command(program, "dev", "--data", t.TempDir(), "--addr", "127.0.0.1:0", "--no-browser")
			cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, append(os.Environ(), "DEBUG="+filter)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			addr := ""
			poll.Until(t, "lmz dev runs", func() bool {
				_, after, found := strings.Cut(string(out.bytes()), "page     http://")
				addr, _, _ = strings.Cut(after, "/")
				return found && strings.Contains(after, "Ctrl-C")
			})
			escaped := (&strings.Builder{})
			for _, b := range []byte(hostile) {
				fmt.Fprintf(escaped, "%%%02X", b)
			}
			const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
			host := "Host: " + addr + "\r\n"
			client := "GET /gateway/LUMENIZE_CLIENT_GATEWAY/"
			for name, request := range map[string]string{
				"instance":     client + "ann." + escaped.String() + " HTTP/1.1\r\n" + host + upgrade + "\r\n",
				"raw instance": client + "ann." + hostile + " HTTP/1.1\r\n" + host + upgrade + "\r\n",
				"long":         client + "ann." + strings.Repeat(escaped.String(), 40) + " HTTP/1.1\r\n" + host + upgrade + "\r\n",
				"origin":       client + "ann.t HTTP/1.1\r\n" + host + upgrade + "Origin: http://" + hostile + "\r\n\r\n",
				"agent":        "POST /auth/refresh-token HTTP/1.1\r\n" + host + "User-Agent: " + hostile + "\r\nCookie: refresh-token=" + hostile + "\r\nContent-Length: 0\r\n\r\n",
				"mail": "POST /auth/email-magic-link HTTP/1.1\r\n" + host + "User-Agent: " + hostile +
					"\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + `{"email":"ann@example.com"}  `,
				"host":        client + "ann.t HTTP/1.1\r\nHost: " + hostile + "\r\n" + upgrade + "\r\n",
				"path":        "GET /" + escaped.String() + "/" + escaped.String() + " HTTP/1.1\r\n" + host + "\r\n",
				"binding":     "GET /gateway/" + escaped.String() + "/ann.t HTTP/1.1\r\n" + host + upgrade + "\r\n",
				"object":      "GET /gateway/DOCUMENT_DO/" + escaped.String() + "/" + escaped.String() + " HTTP/1.1\r\n" + host + "Origin: http://evil.example\r\n\r\n",
				"method":      "G\u009bT /gateway/DOCUMENT_DO/x HTTP/1.1\r\n" + host + "\r\n",
				"subprotocol": client + "ann.t HTTP/1.1\r\n" + host + upgrade + "Sec-WebSocket-Protocol: lmz.cbor, lmz.access-token." + hostile + "\r\n\r\n",
				"bearer":      "GET /gateway/DOCUMENT_DO/x HTTP/1.1\r\n" + host + "Authorization: Bearer " + hostile + "\r\n\r\n",
				"garbage":     hostile + "\r\n\r\n",
			} {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				conn.SetDeadline(time.Now().Add(poll.Patience))
				if _, err := conn.Write([]byte(request)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				conn.Close()
			}
			if filter != "" {
				poll.Until(t, "the name is in the log", func() bool {
					return bytes.Contains(errs.bytes(), []byte(`31m\u202egpj.exe`)) || bytes.Contains(errs.bytes(), []byte(`31m\\u202egpj.exe`))
				})
			}
			cmd.Process.Signal(os.Interrupt)
			cmd.Wait()
			wantPrintable(t, "stdout", out.bytes())
			wantPrintable(t, "stderr", errs.bytes())
			t.Logf("%d bytes of log", len(errs.bytes()))
		})
	}
}

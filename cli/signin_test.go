package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/rogpeppe/go-internal/testscript"
)

// session is a command in a terminal.
type session struct {
	ts     *testscript.TestScript
	cmd    *exec.Cmd
	screen *os.File
	said   strings.Builder
}

// inTerminal starts lmz in a new terminal.
func inTerminal(ts *testscript.TestScript, args ...string) *session {
	cmd := lmzIn(ts, args...)
	screen, err := pty.Start(cmd)
	ts.Check(err)
	ts.Defer(func() {
		cmd.Process.Kill()
		screen.Close()
	})
	return &session{ts: ts, cmd: cmd, screen: screen}
}

// until waits until the screen matches an expression, and returns the match.
func (s *session) until(expression string) []string {
	find := regexp.MustCompile(expression)
	s.ts.Check(s.screen.SetReadDeadline(time.Now().Add(poll.Patience)))
	for buffer := make([]byte, 4096); ; {
		if found := find.FindStringSubmatch(strings.ReplaceAll(s.said.String(), "\r", "")); found != nil {
			return found
		}
		n, err := s.screen.Read(buffer)
		s.said.Write(buffer[:n])
		if err != nil {
			s.ts.Fatalf("no %s on the screen: %v\n%s", expression, err, s.said.String())
		}
	}
}

// end waits for the end of a sign-in and prints the screen.
func (s *session) end() {
	s.until(`(?m)^Signed in to \S+ as \S+\.$`)
	io.Copy(&s.said, s.screen) // ends with an error when the terminal is gone
	s.ts.Check(s.cmd.Wait())
	fmt.Fprint(s.ts.Stdout(), strings.ReplaceAll(s.said.String(), "\r", ""))
}

// clicks is "clicks EMAIL": it signs EMAIL in from a terminal with a browser on this machine.
func clicks(ts *testscript.TestScript, _ bool, args []string) {
	s := inTerminal(ts, "login", "magic-link", "--loopback", args[0])
	s.until(`A link was sent to ` + regexp.QuoteMeta(args[0]))
	click(ts, false, args)
	s.end()
}

// typeCode is "typecode EMAIL [CODE...]": it signs EMAIL in from a terminal with the code on its
// screen, which it enters on the page behind the mailed link after some wrong codes.
func typeCode(ts *testscript.TestScript, _ bool, args []string) {
	s := inTerminal(ts, "login", "magic-link", args[0])
	right := s.until(`(?m)^ {4}([A-Z]{4}-[A-Z]{4})$`)[1]
	link := waitForLink(ts, args[0])
	for _, code := range append(args[1:], right) {
		response, err := http.PostForm(link, url.Values{"user_code": {strings.ToLower(code)}})
		ts.Check(err)
		response.Body.Close()
		fmt.Fprintln(ts.Stdout(), response.Status)
	}
	s.end()
}

// pasteLink is "pastelink EMAIL": it signs EMAIL in from a terminal by pasting the mailed link,
// which the terminal must not show.
func pasteLink(ts *testscript.TestScript, _ bool, args []string) {
	s := inTerminal(ts, "login", "magic-link", "--paste", args[0])
	s.until(`paste it here`)
	link := waitForLink(ts, args[0])
	poll.UntilNil(ts, func() error { // the prompt is there a moment before the terminal stops to echo
		return stopsEcho(s.screen)
	})
	fmt.Fprint(s.screen, link+"\r")
	s.end()
	if strings.Contains(s.said.String(), "_token=") {
		ts.Fatalf("the link is on the screen:\n%s", s.said.String())
	}
}

// renewTogether is "renewtogether FILE N": N times, it makes the access token in FILE look expired
// and lets two commands renew it at the same time. Both must get a token.
func renewTogether(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for i := range n {
		expire(ts, false, args[:1])
		var both [2]*exec.Cmd
		var said [2]bytes.Buffer
		for j := range both {
			both[j] = lmzIn(ts, "token")
			both[j].Stderr = &said[j]
			ts.Check(both[j].Start())
		}
		for j := range both {
			if err := both[j].Wait(); err != nil {
				ts.Fatalf("round %d: %v: %s", i, err, said[j].Bytes())
			}
		}
	}
}

// killWhileRenewing is "killwhilerenewing FILE": it kills a command that renews the tokens in FILE
// after the server has issued new ones and before the command can store them.
func killWhileRenewing(ts *testscript.TestScript, _ bool, args []string) {
	expire(ts, false, args)
	real, err := url.Parse(ts.Getenv("LMZ_SERVER"))
	ts.Check(err)
	victims, killed := make(chan *os.Process, 1), make(chan bool, 1)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(real) },
		ModifyResponse: func(r *http.Response) error {
			killed <- r.StatusCode == http.StatusOK
			return (<-victims).Kill()
		},
	})
	defer proxy.Close()
	// Sign-ins are stored by server, which is the proxy for this command.
	rename := func(from, to string) {
		text := strings.ReplaceAll(ts.ReadFile(args[0]), from, to)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	}
	rename(real.String(), proxy.URL)
	victim := lmzIn(ts, "token", "--server", proxy.URL)
	ts.Check(victim.Start())
	victims <- victim.Process
	err = victim.Wait()
	renewed := false
	select {
	case renewed = <-killed:
	default: // it never got that far
	}
	if !renewed || err == nil {
		ts.Fatalf("renewed %v: %v", renewed, err)
	}
	rename(proxy.URL, real.String())
}

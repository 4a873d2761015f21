package cli_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lumenize/lmz/internal/mailsink"
)

// sinkKey is the key of a script's mail server.
type sinkKey struct{}

// startSink is "smtp": it starts a mail server and sets SMTP to its URL. From now on the
// links of mails are read there.
func startSink(ts *testscript.TestScript, _ bool, _ []string) {
	s, err := mailsink.Start()
	ts.Check(err)
	ts.Defer(s.Close)
	*ts.Value(sinkKey{}).(**mailsink.Sink) = s
	ts.Setenv("SMTP", "smtp://"+s.Addr+"?tls=none")
}

var mailedURL = regexp.MustCompile(`https?://\S+_token=[A-Za-z0-9_-]+`)

// linkTo returns the newest link that was mailed to an address.
func linkTo(s *mailsink.Sink, email string) (string, error) {
	for _, text := range slices.Backward(s.Mails()) {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			return "", err
		}
		if to, err := m.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != email {
			continue
		}
		text, err := plainPart(m)
		if err != nil {
			return "", err
		}
		if link := mailedURL.FindString(text); link != "" {
			return link, nil
		}
	}
	return "", errors.New("no mail with a link to " + email)
}

// plainPart returns the plain text of a mail.
func plainPart(m *mail.Message) (string, error) {
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextRawPart()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	return string(text), err
}

// startGateway is "gateway [FLAG...]": like dev, for lmz gateway with the mail server of
// smtp, on a free port of this machine.
func startGateway(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	addr := l.Addr().String()
	ts.Check(l.Close())
	cmd := lmzIn(ts, append([]string{
		"gateway", "--public-url", "http://" + addr, "--addr", addr, "--data", ts.MkAbs("data"),
		"--smtp", ts.Getenv("SMTP"), "--mail-from", "Mesh <mesh@example.com>",
	}, args...)...)
	errs, err := os.Create(ts.MkAbs("gateway.err"))
	ts.Check(err)
	cmd.Stderr = errs
	output, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	r := &running{cmd, make(chan error, 1)}
	*server(ts) = r
	ts.Defer(func() {
		cmd.Process.Kill()
		if *server(ts) == r {
			<-r.done
		}
	})
	scanner := bufio.NewScanner(output)
	if !scanner.Scan() {
		err := cmd.Wait()
		r.done <- err
		ts.Fatalf("lmz gateway has ended: %v\n%s", err, ts.ReadFile("gateway.err"))
	}
	fmt.Fprintln(ts.Stdout(), scanner.Text())
	go func() {
		_, err := io.Copy(io.Discard, output)
		r.done <- errors.Join(err, cmd.Wait(), errs.Close())
	}()
	ts.Setenv("LMZ_SERVER", "http://"+addr)
}

package auth

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/mailsink"
)

func startSink(t *testing.T) *mailsink.Sink {
	t.Helper()
	s, err := mailsink.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func senderTo(t *testing.T, s *mailsink.Sink) *SMTP {
	t.Helper()
	sender, err := NewSMTP(SMTPOptions{Server: s.Addr, TLS: NoTLS, From: "Lümenize <login@lmz.example>"})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func waitForMail(t *testing.T, s *mailsink.Sink) {
	t.Helper()
	if !s.Wait() {
		t.Fatal("no mail came")
	}
}

// parts returns the decoded parts of a mail by content type.
func parts(t *testing.T, raw string) (*mail.Message, map[string]string) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for reader := multipart.NewReader(msg.Body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return msg, found
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		found[kind] = string(text)
	}
}

func TestMailBySMTPInBothForms(t *testing.T) {
	server := startSink(t)
	f := start(t, Options{Sender: senderTo(t, server), AppName: "Käse & Co"})
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200, "")
	waitForMail(t, server)
	msg, part := parts(t, server.Mails()[0])
	subject, _ := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	from, err := mail.ParseAddress(msg.Header.Get("From"))
	if err != nil || from.Name != "Lümenize" || from.Address != "login@lmz.example" || subject != "Your login link" ||
		msg.Header.Get("To") != "<"+ada+">" || msg.Header.Get("Reply-To") != "<no-reply@lmz.example>" || msg.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("header %v", msg.Header)
	}
	link := publicURL + "/auth/magic-link?one_time_token="
	if !strings.Contains(part["text/plain"], link) || !strings.Contains(part["text/plain"], "Käse & Co") || !strings.Contains(part["text/plain"], "30 minutes") {
		t.Errorf("text %s", part["text/plain"])
	}
	if !strings.Contains(part["text/html"], `href="`+link) || !strings.Contains(part["text/html"], "Käse &amp; Co") {
		t.Errorf("html %s", part["text/html"])
	}
}

func TestFailedMailRetryAcrossRestart(t *testing.T) {
	server := startSink(t)
	server.Answer("451 not now")
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		f := start(t, Options{Dir: dir, Sender: senderTo(t, server)})
		f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200, `{"message":"Check your email for the magic link","expires_in":1800}`)
		waitForMail(t, server)
	})
	server.Answer("")
	f := start(t, Options{Dir: dir, Sender: senderTo(t, server)})
	if f.count("Outbox") != 1 {
		t.Fatalf("%d mails wait", f.count("Outbox"))
	}
	f.pass(time.Minute)
	f.svc.outbox.Flush(t.Context())
	if len(server.Mails()) != 1 || f.count("Outbox") != 0 {
		t.Errorf("%d mails, %d wait", len(server.Mails()), f.count("Outbox"))
	}
}

// stuck is a sender that blocks until the test releases it.
type stuck struct {
	entered chan struct{}
	release chan error
}

func (s *stuck) Send(ctx context.Context, _ Mail) error {
	s.entered <- struct{}{}
	select {
	case err := <-s.release:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestAnswerWhileAMailIsSent(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 10), release: make(chan error)}
	f := start(t, Options{Sender: sender})
	for _, email := range []string{ada, bob, carol} {
		f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`), 200, "")
	}
	<-sender.entered // and it has not returned yet
	if f.count("Outbox") != 3 {
		t.Errorf("%d mails wait", f.count("Outbox"))
	}
}

func TestMailRetriesUntilGivenUp(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 1000), release: make(chan error, 1000)}
	for range 1000 {
		sender.release <- errors.New("down")
	}
	f := start(t, Options{Sender: sender, LinkTTL: 24 * time.Hour})
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200, "")
	tries := 0
	for ; f.count("Outbox") == 1 && tries < 200; tries++ {
		<-sender.entered
		f.pass(15 * time.Minute)
		if again := f.svc.outbox.Flush(t.Context()); again > 5*time.Second && f.count("Outbox") == 1 {
			t.Errorf("try %d: it looks again after %v, which may be long after the mail is due if the machine sleeps", tries, again)
		}
	}
	if tries < 50 || tries > 110 || !strings.Contains(f.log.String(), "given up") {
		t.Errorf("given up after %d tries", tries)
	}
}

// Hours later, an expired link would only confuse.
func TestMailRetriesDuringItsLinksLife(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 1000), release: make(chan error, 1000)}
	for range 1000 {
		sender.release <- errors.New("down")
	}
	f := start(t, Options{Sender: sender, BootstrapEmail: bob})
	tries := func(within time.Duration) (n int) {
		for end := f.now().Add(within); f.now().Before(end); {
			f.pass(10 * time.Second)
			f.svc.outbox.Flush(t.Context())
		}
		for {
			select {
			case <-sender.entered:
				n++
			default:
				return n
			}
		}
	}
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200, "")
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+bob+`"}`), 200, "")
	tries(4 * time.Minute)
	if n := f.count("Outbox"); n != 2 {
		t.Errorf("%d mails wait after 4 minutes", n)
	}
	if tries(6 * time.Minute); f.count("Outbox") != 1 {
		t.Errorf("%d mails wait when the link of the terminal has expired", f.count("Outbox"))
	}
	if tries(20 * time.Minute); f.count("Outbox") != 0 {
		t.Errorf("%d mails wait when both links have expired", f.count("Outbox"))
	}

	// A mail that expired while the machine slept is not sent either.
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+bob+`"}`), 200, "")
	if tries(10*time.Second) == 0 {
		t.Error("it is not tried at all")
	}
	f.pass(time.Hour)
	f.svc.outbox.Flush(t.Context())
	if n := tries(time.Second); n != 0 || f.count("Outbox") != 0 {
		t.Errorf("tried %d times when it had expired, %d wait", n, f.count("Outbox"))
	}
}

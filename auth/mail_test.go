package auth

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/lumenize/lmz/internal/mailsink"
	"github.com/lumenize/lmz/internal/poll"
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

// parts returns the decoded parts of a mail by their type.
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

func TestMailGoesOutBySMTPInBothForms(t *testing.T) {
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

func TestAMailThatFailsIsTriedAgainAndSurvivesARestart(t *testing.T) {
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
	f.svc.outbox.flush(t.Context())
	if len(server.Mails()) != 1 || f.count("Outbox") != 0 {
		t.Errorf("%d mails, %d wait", len(server.Mails()), f.count("Outbox"))
	}
}

func TestAMailThatCannotBeDeliveredIsGivenUp(t *testing.T) {
	server := startSink(t)
	server.Answer("550 no such user")
	err := senderTo(t, server).Send(t.Context(), Mail{ID: "1", To: ada, Subject: "s", Text: "t", HTML: "h"})
	if !errors.Is(err, ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
	server.Answer("451 later")
	if err := senderTo(t, server).Send(t.Context(), Mail{ID: "1", To: ada, Subject: "s", Text: "t", HTML: "h"}); err == nil || errors.Is(err, ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
	if err := senderTo(t, server).Send(t.Context(), Mail{ID: "1", To: "a@b.co\r\nBcc: c@tx.co"}); !errors.Is(err, ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
}

// stuck is a sender that takes as long as the test wants.
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

func TestNoAnswerWaitsForAMail(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 10), release: make(chan error)}
	f := start(t, Options{Sender: sender})
	for _, email := range []string{ada, bob, carol} {
		f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`), 200, "")
	}
	<-sender.entered // and it is still in there
	if f.count("Outbox") != 3 {
		t.Errorf("%d mails wait", f.count("Outbox"))
	}
}

func TestMailIsTriedLaterAndLaterAndThenGivenUp(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 1000), release: make(chan error, 1000)}
	for range 1000 {
		sender.release <- errors.New("down")
	}
	f := start(t, Options{Sender: sender, LinkTTL: 24 * time.Hour})
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200, "")
	tries := 0
	for ; f.count("Outbox") == 1 && tries < 200; tries++ {
		<-sender.entered
		f.pass(mailRetryMax)
		if again := f.svc.outbox.flush(t.Context()); again > mailLook && f.count("Outbox") == 1 {
			t.Errorf("try %d: it looks again after %v, which may be long after the mail is due if the machine sleeps", tries, again)
		}
	}
	if tries < 50 || tries > 110 || !strings.Contains(f.log.String(), "given up") {
		t.Errorf("given up after %d tries", tries)
	}
	if retryAfter(0) != mailRetry || retryAfter(1) != 2*mailRetry || retryAfter(100) != mailRetryMax {
		t.Error("the waits do not double up to the longest")
	}
}

func TestResendIsGivenEveryMailOnce(t *testing.T) {
	status, requests := 200, []*http.Request{}
	var body map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r)
		json.NewDecoder(r.Body).Decode(&body)
		w.WriteHeader(status)
		io.WriteString(w, `{"message":"because"}`)
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	sender, err := NewResend(ResendOptions{Key: "re_key", From: "login@lmz.example", ReplyTo: "help@lmz.example"})
	if err != nil {
		t.Fatal(err)
	}
	sender.url = server.URL
	m := Mail{ID: "id-1", To: ada, Subject: "s", Text: "t", HTML: "<p>h</p>"}
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	r := requests[0]
	if r.Header.Get("Authorization") != "Bearer re_key" || r.Header.Get("Idempotency-Key") != "id-1" || body["from"] != "<login@lmz.example>" ||
		fmt.Sprint(body["to"]) != "["+ada+"]" || body["reply_to"] != "help@lmz.example" || body["text"] != "t" || body["html"] != "<p>h</p>" {
		t.Errorf("header %v, body %v", r.Header, body)
	}
	for code, forGood := range map[int]bool{422: true, 400: true, 429: false, 500: false, 401: false} {
		status = code
		err := sender.Send(t.Context(), m)
		if err == nil || errors.Is(err, ErrUndeliverable) != forGood || strings.Contains(err.Error(), "re_key") || !strings.Contains(err.Error(), "because") {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestSendersAreCheckedWhenTheyAreMade(t *testing.T) {
	for _, o := range []SMTPOptions{{}, {Server: "mail.example"}, {From: "a@b.co"}, {Server: ":25", From: "a@b.co"}, {Server: "m:x", From: "a@b.co"},
		{Server: "m", From: "nobody"}, {Server: "m", From: "a@b.co", ReplyTo: "x"}, {Server: "m", From: "a@b.co", TLS: "maybe"}} {
		if _, err := NewSMTP(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	for _, o := range []ResendOptions{{}, {Key: "k"}, {From: "a@b.co"}} {
		if _, err := NewResend(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	for _, tls := range []string{"", StartTLS, ImplicitTLS, NoTLS} {
		if _, err := NewSMTP(SMTPOptions{Server: "mail.example", From: "a@b.co", TLS: tls, Username: "u", Password: "p"}); err != nil {
			t.Error(err)
		}
	}
}

func TestSMTPDemandsEncryptionUnlessToldOtherwise(t *testing.T) {
	server := startSink(t) // which offers none
	sender, err := NewSMTP(SMTPOptions{Server: server.Addr, From: "a@lmz.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), Mail{ID: "1", To: ada, Subject: "s", Text: "t", HTML: "h"}); err == nil {
		t.Error("a mail went out in the clear")
	}
}

func TestAMailServerThatTalksNonsenseOrNothingCostsLittle(t *testing.T) {
	endless := []byte(strings.Repeat("2", 64<<10))
	for name, talk := range map[string]func(net.Conn){
		"no SMTP":                   func(c net.Conn) { c.Write([]byte("\x00\xff\xfe hello\r\n")) },
		"closed":                    func(net.Conn) {},
		"closed after the greeting": func(c net.Conn) { c.Write([]byte("220 sink\r\n")) },
		"a line without end": func(c net.Conn) {
			for said := 0; ; {
				n, err := c.Write(endless)
				if said += n; err != nil {
					return
				}
				if said > 100<<20 {
					t.Error("the whole of it is read")
					return
				}
			}
		},
		"silence": func(c net.Conn) { io.Copy(io.Discard, c) },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := make(chan struct{})
		go func() {
			defer close(server)
			if conn, err := l.Accept(); err == nil {
				defer conn.Close()
				talk(conn)
			}
		}()
		sender, err := NewSMTP(SMTPOptions{Server: l.Addr().String(), From: "a@lmz.example"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if name == "silence" { // the service is closed
			time.AfterFunc(50*time.Millisecond, cancel)
		}
		sent := make(chan error, 1)
		go func() { sent <- sender.Send(ctx, Mail{ID: "1", To: ada, Subject: "s", Text: "t", HTML: "h"}) }()
		select {
		case err = <-sent:
		case <-time.After(poll.Patience):
			t.Fatalf("%s: it waits", name)
		}
		cancel()
		if err == nil || errors.Is(err, ErrUndeliverable) || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v", name, err)
		}
		l.Close()
		<-server
	}
}

func TestSMTPSignsInOverAnEncryptedConnection(t *testing.T) {
	https := httptest.NewTLSServer(nil) // for its certificate
	defer https.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: https.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	server := mailsink.Serve(l)
	defer server.Close()
	sender, err := NewSMTP(SMTPOptions{Server: server.Addr, TLS: ImplicitTLS, From: "a@lmz.example", Username: "me", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	m := Mail{ID: "1", To: ada, Subject: "s", Text: "t", HTML: "h"}
	if err := sender.Send(t.Context(), m); err == nil || len(server.Mails()) != 0 {
		t.Errorf("a certificate that nobody vouches for was accepted: %v", err)
	}
	roots := https.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	sender.options = append(sender.options, gomail.WithTLSConfig(&tls.Config{ServerName: "example.com", RootCAs: roots}))
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(server.Login(), "AUTH PLAIN ")
	if text, _ := base64.StdEncoding.DecodeString(secret); string(text) != "\x00me\x00secret" || len(server.Mails()) != 1 {
		t.Errorf("auth %q, %d mails", text, len(server.Mails()))
	}
}

func allLetters() (all []Letter) {
	for _, kind := range kinds {
		all = append(all, Letter{Kind: kind, To: "o'hara&co@example.com", App: `<App> & "Co"`, Link: publicURL + "/auth/magic-link?one_time_token=x_-1",
			ValidFor: "30 minutes", Where: "<i>lmz</i> on <b>laptop</b>", Program: "<i>lmz</i>", Computer: "<b>laptop</b>", Agent: "<script>", IP: "192.0.2.1",
			When: "15:04 UTC", About: "<a href=evil>@example.com"})
	}
	return all
}

func TestMailsHaveBothForms(t *testing.T) {
	for _, l := range allLetters() {
		m, err := templates{}.mail(l)
		if err != nil {
			t.Fatal(err)
		}
		if m.Link != l.Link || strings.Count(m.Text, l.Link) != 1 || !strings.Contains(m.HTML, `href="`+l.Link+`"`) || len(m.ID) != 36 {
			t.Errorf("%s: %s\n%s", m.Kind, m.Text, m.HTML)
		}
		for _, markup := range []string{"<b>", "<i>", "<script>", "<a href=evil>", "<App>"} {
			if strings.Contains(m.HTML, markup) {
				t.Errorf("%s holds %s: %s", m.Kind, markup, m.HTML)
			}
		}
		if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || !strings.Contains(m.HTML, `<html lang="en">`) || strings.Count(m.HTML, "<h1") != 1 {
			t.Errorf("%s: %q %s", m.Kind, m.Subject, m.HTML)
		}
	}
}

func TestTemplatesReplacePartsOfMails(t *testing.T) {
	files := fstest.MapFS{
		"magic-link.subject": {Data: []byte("Hello\n {{.To}}")},
		"magic-link.html":    {Data: []byte(`<p title="{{.App}}">{{.To}} <a href="{{.Link}}">{{.Button}}</a></p>`)},
	}
	f := start(t, Options{Templates: files, AppName: `"><b>`})
	f.link(ada)
	m, err := f.svc.mails.mail(Letter{Kind: KindMagicLink, To: ada, App: `"><b>`, Link: "https://x.example/?a=1&b=2", ValidFor: "30 minutes"})
	if err != nil || m.Subject != "Hello "+ada || strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, `href="https://x.example/?a=1&amp;b=2">Sign in</a>`) {
		t.Errorf("got %+v, %v", m, err)
	}
	if !strings.Contains(m.Text, "https://x.example/?a=1&b=2") {
		t.Errorf("the text is not the usual one: %s", m.Text)
	}
	for name, bad := range map[string]string{"magic-link.html": "{{.Nonsense}}", "invite-new.txt": "{{", "cli-link.subject": "{{template \"x\"}}"} {
		_, err := Open(Options{Dir: t.TempDir(), PublicURL: publicURL, Getenv: noEnv, Templates: fstest.MapFS{name: {Data: []byte(bad)}}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Hours later, a link that has expired would only confuse.
func TestAMailIsTriedAsLongAsItsLinkWorks(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 1000), release: make(chan error, 1000)}
	for range 1000 {
		sender.release <- errors.New("down")
	}
	f := start(t, Options{Sender: sender, BootstrapEmail: bob})
	tries := func(within time.Duration) (n int) {
		for end := f.now().Add(within); f.now().Before(end); {
			f.pass(10 * time.Second)
			f.svc.outbox.flush(t.Context())
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

	// Nor is one sent that the machine has slept over.
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+bob+`"}`), 200, "")
	if tries(10*time.Second) == 0 {
		t.Error("it is not tried at all")
	}
	f.pass(time.Hour)
	f.svc.outbox.flush(t.Context())
	if n := tries(time.Second); n != 0 || f.count("Outbox") != 0 {
		t.Errorf("tried %d times when it had expired, %d wait", n, f.count("Outbox"))
	}
}

func TestMailServerIsGreetedByAFullName(t *testing.T) {
	for given, want := range map[string]string{"": "lmz.example", "mesh.example.com": "mesh.example.com", "[192.0.2.1]": "[192.0.2.1]", "[IPv6:2001:db8::1]": "[IPv6:2001:db8::1]"} {
		server := startSink(t)
		sender, err := NewSMTP(SMTPOptions{Server: server.Addr, TLS: NoTLS, From: "a@lmz.example", Helo: given})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), Mail{ID: "1", To: "ann@example.com", Subject: "s", Text: "t", HTML: "h"}); err != nil {
			t.Fatal(err)
		}
		if got := server.Hello(); got != want {
			t.Errorf("Helo %q greets as %q, not %q", given, got, want)
		}
	}
	for _, bad := range []string{"a b", "a..b", "-a.b", "[192.0.2.1", "[::1]", "b_ch\u202eer.example", "a\r\nMAIL"} {
		if _, err := NewSMTP(SMTPOptions{Server: "m", From: "a@lmz.example", Helo: bad}); err == nil {
			t.Errorf("Helo %q is accepted", bad)
		}
	}
}

package sender

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/lumenize/lmz/auth/internal/mail"
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

func TestMailByResend(t *testing.T) {
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
	sender, err := newResend(ResendOptions{Key: "re_key", From: "login@lmz.example", ReplyTo: "help@lmz.example"}, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	m := mail.Message{ID: "id-1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "<p>h</p>"}
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	r := requests[0]
	if r.Header.Get("Authorization") != "Bearer re_key" || r.Header.Get("Idempotency-Key") != "id-1" || body["from"] != "<login@lmz.example>" ||
		fmt.Sprint(body["to"]) != "[ada@example.com]" || body["reply_to"] != "help@lmz.example" || body["text"] != "t" || body["html"] != "<p>h</p>" {
		t.Errorf("header %v, body %v", r.Header, body)
	}
	for code, forGood := range map[int]bool{422: true, 400: true, 429: false, 500: false, 401: false} {
		status = code
		err := sender.Send(t.Context(), m)
		if err == nil || errors.Is(err, mail.ErrUndeliverable) != forGood || strings.Contains(err.Error(), "re_key") || !strings.Contains(err.Error(), "because") {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestInvalidSenderOptions(t *testing.T) {
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

func TestSMTPWithoutEncryption(t *testing.T) {
	server := startSink(t) // which offers no extensions
	sender, err := NewSMTP(SMTPOptions{Server: server.Addr, From: "a@lmz.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), mail.Message{ID: "1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "h"}); err == nil {
		t.Error("a mail went out in the clear")
	}
}

func TestHostileMailServerCost(t *testing.T) {
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
		go func() {
			sent <- sender.Send(ctx, mail.Message{ID: "1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "h"})
		}()
		select {
		case err = <-sent:
		case <-time.After(poll.Patience):
			t.Fatalf("%s: it waits", name)
		}
		cancel()
		if err == nil || errors.Is(err, mail.ErrUndeliverable) || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v", name, err)
		}
		l.Close()
		<-server
	}
}

func TestSMTPSignInOverTLS(t *testing.T) {
	https := httptest.NewTLSServer(nil) // provides a certificate
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
	m := mail.Message{ID: "1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "h"}
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

func TestPermanentAndTemporaryFailures(t *testing.T) {
	server := startSink(t)
	server.Answer("550 no such user")
	err := senderTo(t, server).Send(t.Context(), mail.Message{ID: "1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "h"})
	if !errors.Is(err, mail.ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
	server.Answer("451 later")
	if err := senderTo(t, server).Send(t.Context(), mail.Message{ID: "1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "h"}); err == nil || errors.Is(err, mail.ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
	if err := senderTo(t, server).Send(t.Context(), mail.Message{ID: "1", To: "a@b.co\r\nBcc: c@d.co"}); !errors.Is(err, mail.ErrUndeliverable) {
		t.Errorf("got %v", err)
	}
}

func TestSMTPGreeting(t *testing.T) {
	for given, want := range map[string]string{"": "lmz.example", "mesh.example.com": "mesh.example.com", "[192.0.2.1]": "[192.0.2.1]", "[IPv6:2001:db8::1]": "[IPv6:2001:db8::1]"} {
		server := startSink(t)
		sender, err := NewSMTP(SMTPOptions{Server: server.Addr, TLS: NoTLS, From: "a@lmz.example", Helo: given})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), mail.Message{ID: "1", To: "ann@example.com", Subject: "s", Text: "t", HTML: "h"}); err != nil {
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

// Everything sent is ASCII, so every server on the route can accept it.
func TestInternationalNamesInMail(t *testing.T) {
	for _, offered := range []string{"", "SMTPUTF8"} {
		server := startSink(t)
		if offered != "" {
			server.Offer(offered)
		}
		sender, err := NewSMTP(SMTPOptions{Server: server.Addr, TLS: NoTLS, From: "Müller & Söhne <info@müller.example>", ReplyTo: "Hilfe <hilfe@Bücher.example>", Helo: "mesh.müller.example"})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), mail.Message{ID: "1", To: "ann@xn--bcher-kva.example", Subject: "Grüße", Text: "ü", HTML: "ü"}); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(server.Said(), "\n")
		raw := server.Mails()[0]
		if i := strings.IndexFunc(said+raw, func(r rune) bool { return r > 0x7e }); i >= 0 {
			t.Errorf("offered %q: not ASCII: %q", offered, (said + raw)[i:i+10])
		}
		for _, want := range []string{"EHLO mesh.xn--mller-kva.example\n", "MAIL FROM:<info@xn--mller-kva.example>", "RCPT TO:<ann@xn--bcher-kva.example>"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not in %s", want, said)
			}
		}
		if strings.Contains(said, "SMTPUTF8") {
			t.Errorf("a mail of ASCII needs SMTPUTF8: %s", said)
		}
		msg, err := netmail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		from, err := netmail.ParseAddress(msg.Header.Get("From"))
		subject, _ := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil || from.Name != "Müller & Söhne" || from.Address != "info@xn--mller-kva.example" || subject != "Grüße" ||
			msg.Header.Get("Reply-To") != "<hilfe@xn--bcher-kva.example>" || msg.Header.Get("Message-Id") != "<1@xn--mller-kva.example>" {
			t.Errorf("header %v, %v", msg.Header, err)
		}
		for name, values := range msg.Header {
			if text := strings.ToLower(name + fmt.Sprint(values)); strings.Contains(text, "go-mail") || strings.Contains(text, "mailer") || strings.Contains(text, "user-agent") {
				t.Errorf("the mail names the library: %s %s", name, values)
			}
		}
	}
	for _, o := range []SMTPOptions{{From: "jörg@müller.example"}, {From: "a@b.example", ReplyTo: "jörg@b.example"}} {
		o.Server = "mail.example"
		if _, err := NewSMTP(o); err == nil || !strings.Contains(err.Error(), "before the @ must be ASCII") {
			t.Errorf("%+v: %v", o, err)
		}
		if _, err := NewResend(ResendOptions{Key: "k", From: o.From, ReplyTo: o.ReplyTo}); err == nil {
			t.Errorf("Resend: %+v", o)
		}
	}
	resend, err := NewResend(ResendOptions{Key: "k", From: "Söhne <info@müller.example>"})
	if err != nil || resend.from.from.Address != "info@xn--mller-kva.example" || resend.from.replyTo != "no-reply@xn--mller-kva.example" {
		t.Errorf("Resend: %+v, %v", resend, err)
	}
	smtp, err := NewSMTP(SMTPOptions{Server: "Mail.Müller.example:25", From: "a@b.example"})
	if err != nil || smtp.host != "mail.xn--mller-kva.example" {
		t.Errorf("host %+v, %v", smtp, err)
	}
}

// A server that rejects the service accepts no mail at all, and says so at different stages.
func TestMailServerThatRefusesAll(t *testing.T) {
	for verb, line := range map[string]string{"EHLO": "550 5.7.1 who are you", "AUTH": "535 5.7.8 wrong password", "MAIL": "550 5.7.1 not your sender"} {
		server := startSink(t)
		server.Refuse(verb, line)
		if verb == "EHLO" {
			server.Refuse("HELO", line)
		}
		sender, err := NewSMTP(SMTPOptions{Server: server.Addr, TLS: NoTLS, From: "a@lmz.example", Username: "u", Password: "p"})
		if err != nil {
			t.Fatal(err)
		}
		sender.options = append(sender.options, gomail.WithSMTPAuth(gomail.SMTPAuthPlainNoEnc)) // never chosen automatically
		m := mail.Message{ID: "1", To: "ada@example.com", Subject: "s", Text: "t", HTML: "h"}
		if err := sender.Send(t.Context(), m); !errors.Is(err, mail.ErrRefused) || errors.Is(err, mail.ErrUndeliverable) {
			t.Errorf("%s: %v", verb, err)
		}
		server.Refuse(verb, "451 4.3.0 later")
		server.Refuse("HELO", "451 4.3.0 later")
		if err := sender.Send(t.Context(), m); err == nil || errors.Is(err, mail.ErrRefused) || errors.Is(err, mail.ErrUndeliverable) {
			t.Errorf("%s for now: %v", verb, err)
		}
	}
}

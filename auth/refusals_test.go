package auth

import (
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/lumenize/lmz/internal/mailsink"
)

const noMail = `{"error":"mail_refused","error_description":"`

// settled waits until the queue has had an answer to what it sends.
func (f *fixture) settled(s *mailsink.Sink) {
	f.t.Helper()
	waitForMail(f.t, s)
	f.svc.outbox.flush(f.t.Context()) // returns when the delivery under way has been noted
}

// Whoever cannot get a mail is not sent to look for it for ever.
func TestRefusedAddressIsTold(t *testing.T) {
	server := startSink(t)
	f := start(t, Options{Sender: senderTo(t, server), Limits: Limits{MailsPerAddress: -1, MailsPerIP: -1}})
	ask := func(email string) answer { return f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`) }
	server.Refuse("RCPT", "550 5.1.1 no such mailbox")
	f.want(ask(bob), 200, "")
	f.settled(server)
	if e := f.event("mail.refused"); e.Email != bob || e.Outcome != failed || !strings.Contains(string(e.Detail), "no such mailbox") {
		t.Errorf("event %+v", e)
	}
	a := ask(bob)
	if f.want(a, 503, ""); !strings.HasPrefix(a.body, noMail+"The last mail to this address was refused") {
		t.Errorf("got %s", a.body)
	}
	f.settled(server)
	f.want(f.do("POST", "/auth/cli/start", cliStart(bob, callback, verifier)), 503, "")
	f.settled(server)
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+bob+`"}`), 503, "")
	f.settled(server)
	server.Refuse("RCPT", "")
	f.want(ask(ada), 200, "") // others are not concerned
	f.settled(server)
	f.want(ask(bob), 503, "") // is tried all the same
	f.settled(server)
	f.want(ask(bob), 200, "")
	f.settled(server)
	if n := f.count("Outbox"); n != 0 {
		t.Errorf("%d mails wait", n)
	}
	// A server that is only busy is no such thing.
	server.Refuse("RCPT", "450 4.2.0 greylisted")
	for range 2 {
		f.want(ask(carol), 200, "")
		f.settled(server)
	}
}

// A server that objects to us takes mails of nobody, and says so at different moments.
func TestMailServerThatTakesNoMail(t *testing.T) {
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
		sender.options = append(sender.options, gomail.WithSMTPAuth(gomail.SMTPAuthPlainNoEnc)) // never chosen by itself
		m := Mail{ID: "1", To: ada, Subject: "s", Text: "t", HTML: "h"}
		if err := sender.Send(t.Context(), m); !errors.Is(err, ErrRefused) || errors.Is(err, ErrUndeliverable) {
			t.Errorf("%s: %v", verb, err)
		}
		server.Refuse(verb, "451 4.3.0 later")
		server.Refuse("HELO", "451 4.3.0 later")
		if err := sender.Send(t.Context(), m); err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrUndeliverable) {
			t.Errorf("%s for now: %v", verb, err)
		}
	}
}

func TestRefusedServiceIsTold(t *testing.T) {
	server := startSink(t)
	server.Refuse("MAIL", "550 5.7.1 not your sender")
	f := start(t, Options{Sender: senderTo(t, server), BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1, MailsPerIP: -1}})
	ask := func(email string) answer { return f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`) }
	f.want(ask(bob), 200, "")
	f.settled(server)
	for _, email := range []string{bob, carol} { // whoever asks
		a := ask(email)
		if f.want(a, 503, ""); !strings.HasPrefix(a.body, noMail+"No links can be mailed at the moment") || strings.Contains(a.body, "not your sender") {
			t.Errorf("got %s", a.body)
		}
		f.settled(server)
	}
	if n := f.count("Audit WHERE event = 'mail.refused'"); n != 1 {
		t.Errorf("%d events of one refusal", n)
	}
	if !strings.Contains(f.log.String(), "level=ERROR msg=\"the mail server takes no mails") {
		t.Errorf("log %s", f.log)
	}
	admin, err := Mint(f.svc.opts.Dir, noEnv, ada, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a := f.as(admin, "GET", "subjects", ""); !strings.Contains(a.json("notice"), "5.7.1 not your sender") {
		t.Errorf("admins are told %s", a.body)
	}
	if n := f.count("Outbox"); n != 3 {
		t.Errorf("%d mails wait for somebody to mend it", n)
	}
	server.Refuse("MAIL", "")
	f.pass(time.Minute)
	f.svc.outbox.flush(t.Context())
	if n := len(server.Mails()); n != 3 {
		t.Errorf("%d mails came when it was mended", n)
	}
	f.want(ask(carol), 200, "")
}

// What becomes of mails that only accounts get tells strangers nothing.
func TestRefusalsHideAccounts(t *testing.T) {
	f := start(t, Options{})
	refuse := fmt.Errorf("%w: no such mailbox", ErrUndeliverable)
	for _, kind := range []string{KindNewSignIn, KindAdminNotification, KindApproval, KindInviteNew, KindInviteExisting} {
		f.svc.mailAnswered(t.Context(), Mail{Kind: kind, To: ada}, refuse)
	}
	if err := f.svc.refusals.of(ada); err != nil {
		t.Errorf("a stranger learns of an account: %v", err)
	}
	f.svc.mailAnswered(t.Context(), Mail{Kind: KindMagicLink, To: ada}, refuse)
	if err := f.svc.refusals.of(ada); err != errNoMailsToYou {
		t.Errorf("got %v", err)
	}
	for i := range refusedMax + 10 {
		f.svc.refusals.address(fmt.Sprint(i, "@example.com"))
	}
	if n := len(f.svc.refusals.to); n > refusedMax {
		t.Errorf("%d addresses are remembered", n)
	}
}

// All that goes over the wire is ASCII, so every server on the way can take it.
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
		if err := sender.Send(t.Context(), Mail{ID: "1", To: "ann@xn--bcher-kva.example", Subject: "Grüße", Text: "ü", HTML: "ü"}); err != nil {
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
		msg, _ := parts(t, raw)
		from, err := mail.ParseAddress(msg.Header.Get("From"))
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

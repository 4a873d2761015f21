package auth

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/mail"

	"github.com/lumenize/lmz/internal/mailsink"
)

const noMail = `{"error":"mail_refused","error_description":"`

// settled waits until the mail server has answered the queue's delivery.
func (f *fixture) settled(s *mailsink.Sink) {
	f.t.Helper()
	waitForMail(f.t, s)
	f.svc.outbox.Flush(f.t.Context()) // returns when the delivery in progress is recorded
}

// A user who cannot get a mail is not left waiting for it.
func TestAnswerForARefusedAddress(t *testing.T) {
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
	if f.want(a, 503, ""); !strings.HasPrefix(a.body, noMail+"The mail server permanently refused the last mail") {
		t.Errorf("got %s", a.body)
	}
	f.settled(server)
	f.want(f.do("POST", "/auth/cli/start", cliStart(bob, callback, verifier)), 503, "")
	f.settled(server)
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+bob+`"}`), 503, "")
	f.settled(server)
	server.Refuse("RCPT", "")
	f.want(ask(ada), 200, "") // others are not affected
	f.settled(server)
	f.want(ask(bob), 503, "") // is tried nevertheless
	f.settled(server)
	f.want(ask(bob), 200, "")
	f.settled(server)
	if n := f.count("Outbox"); n != 0 {
		t.Errorf("%d mails wait", n)
	}
	// A temporary failure does not count as a refusal.
	server.Refuse("RCPT", "450 4.2.0 greylisted")
	for range 2 {
		f.want(ask(carol), 200, "")
		f.settled(server)
	}
}

func TestAnswerWhenAllMailIsRefused(t *testing.T) {
	server := startSink(t)
	server.Refuse("MAIL", "550 5.7.1 not your sender")
	f := start(t, Options{Sender: senderTo(t, server), BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1, MailsPerIP: -1}})
	ask := func(email string) answer { return f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`) }
	f.want(ask(bob), 200, "")
	f.settled(server)
	for _, email := range []string{bob, carol} { // for any address
		a := ask(email)
		if f.want(a, 503, ""); !strings.HasPrefix(a.body, noMail+"No links can be mailed at the moment") || strings.Contains(a.body, "not your sender") {
			t.Errorf("got %s", a.body)
		}
		f.settled(server)
	}
	if n := f.count("Audit WHERE event = 'mail.refused'"); n != 1 {
		t.Errorf("%d events of one refusal", n)
	}
	if !strings.Contains(f.log.String(), "level=ERROR msg=\"the mail server accepts no mail") {
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
	f.svc.outbox.Flush(t.Context())
	if n := len(server.Mails()); n != 3 {
		t.Errorf("%d mails came when it was mended", n)
	}
	f.want(ask(carol), 200, "")
}

// The fate of mails that only accounts get reveals nothing to strangers.
func TestRefusalsAndHiddenAccounts(t *testing.T) {
	f := start(t, Options{})
	refuse := fmt.Errorf("%w: no such mailbox", ErrUndeliverable)
	for _, kind := range []string{KindNewSignIn, KindAdminNotification, KindApproval, KindInviteNew, KindInviteExisting} {
		f.svc.mailAnswered(t.Context(), mail.Message{Kind: kind, To: ada}, refuse)
	}
	if err := f.svc.refusedTo(ada); err != nil {
		t.Errorf("a stranger learns of an account: %v", err)
	}
	f.svc.mailAnswered(t.Context(), mail.Message{Kind: KindMagicLink, To: ada}, refuse)
	if err := f.svc.refusedTo(ada); err != errNoMailsToYou {
		t.Errorf("got %v", err)
	}
}

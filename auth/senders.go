package auth

import (
	"context"
	"fmt"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/sender"
)

// A Sender delivers mails.
type Sender interface {
	// Send delivers m, or hands it to something that will. It is called on a goroutine of the
	// service, for one mail at a time, and may take a minute; no request waits for it. After an
	// error the mail is retried, at growing intervals, until its link has expired (a day, if the
	// link does not expire), unless the error wraps [ErrUndeliverable]. After that, and after
	// [ErrRefused], users who request links learn that mails are refused. Both are in the audit
	// log, as mail.refused. The error is logged, so it must not contain the body of the mail.
	Send(ctx context.Context, m Mail) error
}

// ErrUndeliverable is wrapped by the error of a [Sender] that will never be able to deliver a
// mail, for example because there is no such mailbox. Requests for another link to that address
// within a day report that, unless a mail was delivered since.
var ErrUndeliverable = mail.ErrUndeliverable

// ErrRefused is wrapped by the error of a [Sender] whose mail server accepts no mail at all from
// this service until the operator changes something, such as a password, the sender or the name
// in the greeting. The mail is retried as after any other error; meanwhile users who request
// links are told that none can be sent, and admins why.
var ErrRefused = mail.ErrRefused

// How connections to a mail server are encrypted.
const (
	// StartTLS begins unencrypted and then requires encryption. The default; port 587.
	StartTLS = "starttls"
	// ImplicitTLS encrypts from the first byte; port 465.
	ImplicitTLS = "tls"
	// NoTLS sends mails, and therefore links, unencrypted; port 25. Only for a server on this
	// machine or in a trusted network.
	NoTLS = "none"
)

// SMTPOptions configure [NewSMTP].
type SMTPOptions struct {
	// Server is the mail server as HOST or HOST:PORT. Required.
	Server string
	// TLS is [StartTLS] (the default), [ImplicitTLS] or [NoTLS].
	TLS string
	// Username and Password authenticate to the server, by the strongest method that it offers.
	// Empty: no authentication.
	Username, Password string
	// From is the sender, such as "Lumenize <login@example.com>" or an address alone. Required.
	// ReplyTo is where replies go; default no-reply@ the domain of From. International domains
	// are sent as ASCII, which every server accepts; the part before the @ must be ASCII.
	From, ReplyTo string
	// Helo is the name by which the service greets the server: a full host name, or an address in
	// brackets. Strict servers refuse others, such as the bare name of a container. Default: the
	// domain of From.
	Helo string
}

// SMTP is a [Sender] that sends mails to a mail server, over one connection for each.
type SMTP struct{ smtp *sender.SMTP }

var _ Sender = (*SMTP)(nil)

// NewSMTP checks its options. It does not connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	s, err := sender.NewSMTP(sender.SMTPOptions(o))
	if err != nil {
		return nil, fmt.Errorf("auth: SMTP: %w", err)
	}
	return &SMTP{s}, nil
}

// Send implements [Sender].
func (s *SMTP) Send(ctx context.Context, m Mail) error { return s.smtp.Send(ctx, mail.Message(m)) }

// ResendOptions configure [NewResend].
type ResendOptions struct {
	// Key is the API key. Required.
	Key string
	// From is the sender, such as "Lumenize <login@example.com>" or an address alone. Required.
	// ReplyTo is where replies go; default no-reply@ the domain of From.
	From, ReplyTo string
}

// Resend is a [Sender] that sends mails through the service of that name.
type Resend struct{ resend *sender.Resend }

var _ Sender = (*Resend)(nil)

// NewResend checks its options. It does not connect.
func NewResend(o ResendOptions) (*Resend, error) {
	s, err := sender.NewResend(sender.ResendOptions(o))
	if err != nil {
		return nil, fmt.Errorf("auth: Resend: %w", err)
	}
	return &Resend{s}, nil
}

// Send implements [Sender]. A retried mail is not sent twice: its id is the idempotency key.
func (s *Resend) Send(ctx context.Context, m Mail) error { return s.resend.Send(ctx, mail.Message(m)) }

// adapter adapts a Sender to the outbox.
type adapter struct{ Sender }

func (a adapter) Send(ctx context.Context, m mail.Message) error { return a.Sender.Send(ctx, Mail(m)) }

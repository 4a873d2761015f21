package auth

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/lumenize/lmz/internal/origin"
)

// TLS of a mail server.
const (
	// StartTLS begins in the clear and then demands encryption. The default; port 587.
	StartTLS = "starttls"
	// ImplicitTLS encrypts from the first byte; port 465.
	ImplicitTLS = "tls"
	// NoTLS sends mails, and so links, in the clear; port 25. Only for a server on
	// this machine or in a network that is trusted as it is.
	NoTLS = "none"
)

// smtpTimeout bounds one step of a delivery, smtpAnswers what the server says in all, in
// bytes.
const (
	smtpTimeout = 30 * time.Second
	smtpAnswers = 1 << 20
)

// SMTPOptions configure [NewSMTP].
type SMTPOptions struct {
	// Server is the mail server as HOST or HOST:PORT. Required.
	Server string
	// TLS is [StartTLS] (the default), [ImplicitTLS] or [NoTLS].
	TLS string
	// Username and Password sign in to the server, by the strongest method that
	// it offers. Empty: it is not asked to know us.
	Username, Password string
	// From is the sender, such as "Lumenize <login@example.com>" or an address
	// alone. Required. ReplyTo is where answers go; default no-reply@ the domain
	// of From. International domains are sent as ASCII, which every server takes; what
	// is before the @ must be ASCII.
	From, ReplyTo string
	// Helo is the name by which we greet the server: a full host name, or an address in
	// brackets. Strict servers refuse others, such as the bare name of a container.
	// Default: the domain of From.
	Helo string
}

// SMTP is a [Sender] that hands mails to a mail server, one connection for each.
type SMTP struct {
	host    string
	options []gomail.Option
	tls     string
	from    envelope
}

// NewSMTP checks its options. It does not connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	s, err := newSMTP(o)
	if err != nil {
		return nil, fmt.Errorf("auth: SMTP: %w", err)
	}
	return s, nil
}

func newSMTP(o SMTPOptions) (*SMTP, error) {
	from, err := newEnvelope(o.From, o.ReplyTo)
	if err != nil {
		return nil, err
	}
	if name, err := origin.Domain(o.Helo); err == nil {
		o.Helo = name
	}
	if o.Helo != "" && !isGreeting(o.Helo) {
		return nil, fmt.Errorf("Helo %q is neither a full host name, such as mesh.example.com, nor an address such as [192.0.2.1]", o.Helo)
	}
	// Everything that is sent is ASCII, so that a server on the way need not know SMTPUTF8.
	host, options := o.Server, []gomail.Option{gomail.WithTimeout(smtpTimeout), gomail.WithoutSMTPUTF8()}
	_, domain, _ := strings.Cut(from.from.Address, "@")
	if helo := cmp.Or(o.Helo, domain); isGreeting(helo) {
		options = append(options, gomail.WithHELO(helo))
	}
	port := map[string]int{StartTLS: 587, ImplicitTLS: 465, NoTLS: 25}[cmp.Or(o.TLS, StartTLS)]
	switch cmp.Or(o.TLS, StartTLS) {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("TLS %q is none of %s, %s and %s", o.TLS, StartTLS, ImplicitTLS, NoTLS)
	}
	if name, text, err := net.SplitHostPort(o.Server); err == nil {
		if host = name; host == "" {
			return nil, errors.New("Server has no host")
		}
		if port, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("the port of Server %q is no number", o.Server)
		}
	}
	if host == "" {
		return nil, errors.New("Server is required: the mail server's HOST or HOST:PORT")
	}
	if name, err := origin.Domain(host); err == nil {
		host = name
	}
	if o.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(o.Username), gomail.WithPassword(o.Password))
	}
	s := &SMTP{host: host, options: append(options, gomail.WithPort(port)), from: from, tls: o.TLS}
	_, err = gomail.NewClient(host, s.options...) // which checks them
	return s, err
}

// isGreeting reports whether servers may take a name for that of a host.
func isGreeting(name string) bool {
	if literal, ok := strings.CutPrefix(name, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		six, is6 := strings.CutPrefix(literal, "IPv6:")
		ip, err := netip.ParseAddr(six)
		return ok && err == nil && ip.Is6() == is6 && ip.Zone() == ""
	}
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Send implements [Sender].
func (s *SMTP) Send(ctx context.Context, m Mail) error {
	msg, err := s.from.message(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUndeliverable, err)
	}
	// The library leaves a connection open whose server offers no encryption, waits for
	// an answer however soon ctx ends, and reads any length of it. With a dialer of ours it
	// would not know that a connection is encrypted.
	options := s.options
	ctx, end := context.WithCancel(ctx)
	defer end()
	if s.tls != ImplicitTLS {
		options = append(slices.Clip(options), gomail.WithDialContextFunc(func(dialing context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(dialing, network, addr)
			if err != nil {
				return nil, err
			}
			context.AfterFunc(ctx, func() { conn.Close() })
			return &terse{conn, smtpAnswers}, nil
		}))
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return err
	}
	return judged(client.DialAndSendWithContext(ctx, msg))
}

// judged tells a refusal for good of one mail from one of all mails, and both from what may
// pass.
func judged(err error) error {
	refused, said := new(gomail.SendError), new(textproto.Error)
	switch {
	case errors.As(err, &refused):
		if refused.IsTemp() || refused.ErrorCode() < 500 {
			return err
		}
		if refused.Reason == gomail.ErrSMTPMailFrom {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return fmt.Errorf("%w: %w", ErrUndeliverable, err)
	case errors.As(err, &said) && said.Code >= 500, // to the greeting or the password
		errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), errors.As(err, new(*tls.CertificateVerificationError)):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// terse is a connection to a server that may say so many bytes and no more.
type terse struct {
	net.Conn
	left int
}

func (c *terse) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("the mail server talks without end")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// envelope is whom mails come from.
type envelope struct {
	from    mail.Address
	replyTo string
}

func newEnvelope(from, replyTo string) (envelope, error) {
	if from == "" {
		return envelope{}, errors.New("From is required: the address that mails come from")
	}
	sender, err := address("From", from)
	if err != nil {
		return envelope{}, err
	}
	_, domain, _ := strings.Cut(sender.Address, "@")
	answer, err := address("ReplyTo", cmp.Or(replyTo, "no-reply@"+domain))
	if err != nil {
		return envelope{}, err
	}
	return envelope{from: *sender, replyTo: answer.Address}, nil
}

// address reads a mail address of ours, which is what option says, and writes its domain
// as every server takes it.
func address(option, raw string) (*mail.Address, error) {
	a, err := mail.ParseAddress(raw)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not a mail address", option, raw)
	}
	if spelled, ok := origin.Mailbox(a.Address); ok {
		a.Address = spelled
	}
	if strings.ContainsFunc(a.Address, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return nil, fmt.Errorf("%s %q is not an address that every mail server takes: what is before the @ must be ASCII", option, raw)
	}
	return a, nil
}

// message is m as it goes over the wire. The same mail has the same Message-ID at
// each try, by which servers drop doubles.
func (e envelope) message(m Mail) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&e.from)
	if err := errors.Join(msg.To(m.To), msg.ReplyTo(e.replyTo)); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(e.from.Address, "@")
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that no holiday notice answers
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}

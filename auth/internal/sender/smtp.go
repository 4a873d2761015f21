package sender

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/internal/origin"
)

// How connections to a mail server are encrypted.
const (
	StartTLS    = "starttls" // begins unencrypted and then requires encryption; port 587
	ImplicitTLS = "tls"      // encrypts from the first byte; port 465
	NoTLS       = "none"     // never encrypts; port 25
)

// smtpTimeout bounds one step of a delivery, smtpAnswers all answers of the server, in bytes.
const (
	smtpTimeout = 30 * time.Second
	smtpAnswers = 1 << 20
)

// SMTPOptions are documented at auth.SMTPOptions.
type SMTPOptions struct {
	Server             string
	TLS                string
	Username, Password string
	From, ReplyTo      string
	Helo               string
}

// SMTP sends mails to a mail server, over one connection for each.
type SMTP struct {
	host    string
	options []gomail.Option
	tls     string
	from    envelope
}

// NewSMTP checks its options. It does not connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
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
	// All data sent is ASCII, so servers on the route need not support SMTPUTF8.
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
			return nil, fmt.Errorf("the port of Server %q is not a number", o.Server)
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

// isGreeting reports whether servers may accept name as a host name.
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

// Send delivers a mail, or fails with an error that wraps [mail.ErrUndeliverable] or
// [mail.ErrRefused] if retrying does not help.
func (s *SMTP) Send(ctx context.Context, m mail.Message) error {
	msg, err := s.from.message(m)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrUndeliverable, err)
	}
	// The library does not close the connection if its server offers no encryption, waits for an
	// answer even after ctx has ended, and reads answers of any length. With our own dialer it
	// would not know that a connection is encrypted from the first byte.
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
	return classify(client.DialAndSendWithContext(ctx, msg))
}

// classify distinguishes a permanent refusal of one mail from one of all mails, and both from a
// failure that may be temporary.
func classify(err error) error {
	refused, said := new(gomail.SendError), new(textproto.Error)
	switch {
	case errors.As(err, &refused):
		if refused.IsTemp() || refused.ErrorCode() < 500 {
			return err
		}
		if refused.Reason == gomail.ErrSMTPMailFrom {
			return fmt.Errorf("%w: %w", mail.ErrRefused, err)
		}
		return fmt.Errorf("%w: %w", mail.ErrUndeliverable, err)
	case errors.As(err, &said) && said.Code >= 500, // to the greeting or the password
		errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), errors.As(err, new(*tls.CertificateVerificationError)):
		return fmt.Errorf("%w: %w", mail.ErrRefused, err)
	}
	return err
}

// terse is a connection to a server that may send a limited number of bytes.
type terse struct {
	net.Conn
	left int
}

func (c *terse) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("the mail server sends too much")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

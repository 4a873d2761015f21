package flags

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/origin"
)

// Mail has the flags that say how mail is sent.
type Mail struct {
	from         string
	smtp         string // URL
	smtpHelo     string // "" is the host of the public URL
	smtpPassword string // file
	resend       string // file with the key
}

// Add adds the flags to f.
func (o *Mail) Add(f *pflag.FlagSet) {
	f.StringVar(&o.from, "mail-from", "", "sender `address` of mails, such as 'Mesh <mesh@example.com>'")
	f.StringVar(&o.smtp, "smtp", "", "`URL` of the mail server: smtp://user@mail.example.com:587, smtps:// for implicit TLS, or smtp://127.0.0.1:25?tls=none for one on this machine")
	f.StringVar(&o.smtpHelo, "smtp-helo", "", "full host `name` for EHLO (default that of --public-url)")
	f.StringVar(&o.smtpPassword, "smtp-password-file", "", "`file` with the password of the mail server")
	f.StringVar(&o.resend, "resend-key-file", "", "`file` with an API key of Resend, to use instead of a mail server")
}

// Sender returns the sender of mails for a gateway at a public URL, which may be nil. An error
// is an entry in a list of missing settings.
func (o *Mail) Sender(getenv func(string) string, public *origin.Origin) (auth.Sender, error) {
	key, err := Secret(getenv("LMZ_RESEND_KEY"), o.resend)
	switch {
	case err != nil:
		return nil, err
	case o.smtp == "" && key == "":
		return nil, errors.New("--smtp or --resend-key-file, to mail sign-in links")
	case o.smtp != "" && key != "":
		return nil, errors.New("one of --smtp and --resend-key-file, not both")
	case o.from == "":
		return nil, errors.New("--mail-from, the sender address of mails")
	}
	if _, err := mail.ParseAddress(o.from); err != nil {
		return nil, fmt.Errorf("--mail-from %q is not an email address such as 'Mesh <mesh@example.com>'", o.from)
	}
	if key != "" && (o.smtpHelo != "" || o.smtpPassword != "") {
		return nil, errors.New("--smtp-helo and --smtp-password-file require --smtp; with --resend-key-file there is no mail server")
	}
	if key != "" {
		return auth.NewResend(auth.ResendOptions{Key: key, From: o.from})
	}
	password, err := Secret(getenv("LMZ_SMTP_PASSWORD"), o.smtpPassword)
	if err != nil {
		return nil, err
	}
	options, err := smtpOptions(o.smtp)
	if err != nil {
		return nil, err
	}
	switch {
	case password != "" && options.Username == "":
		return nil, errors.New("a user in --smtp, for the password of the mail server: smtp://USER@mail.example.com:587")
	case password == "" && options.Username != "":
		return nil, fmt.Errorf("--smtp-password-file or LMZ_SMTP_PASSWORD, the password of %s at the mail server", options.Username)
	}
	options.From, options.Password, options.Helo = o.from, password, o.smtpHelo
	if o.smtpHelo == "" && public != nil {
		options.Helo = greeting(public.Hostname())
	}
	return auth.NewSMTP(options)
}

// greeting returns a host in the form that EHLO wants, or "" for a name without a domain, which
// means nothing to a mail server.
func greeting(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Is4():
		return "[" + host + "]"
	case err == nil:
		return "[IPv6:" + host + "]"
	case !strings.Contains(host, "."):
		return ""
	}
	return host
}

// smtpOptions parses the URL of a mail server. The query tls=none turns encryption off, for a
// server on this machine.
func smtpOptions(raw string) (o auth.SMTPOptions, err error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return o, fmt.Errorf("--smtp as a URL such as smtp://user@mail.example.com:587, not %q", raw)
	}
	if _, inURL := u.User.Password(); inURL {
		return o, errors.New("the password of --smtp in LMZ_SMTP_PASSWORD or --smtp-password-file: other users can read command lines")
	}
	query, err := url.ParseQuery(u.RawQuery)
	for name, values := range query {
		if name != "tls" || len(values) > 1 {
			return o, fmt.Errorf("--smtp with no query other than ?tls=none, not %s=%s", name, strings.Join(values, ", "))
		}
	}
	if err != nil || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return o, fmt.Errorf("--smtp as a URL such as smtp://user@mail.example.com:587 without a path or fragment, not %q", raw)
	}
	o = auth.SMTPOptions{Server: u.Host, TLS: auth.StartTLS, Username: u.User.Username()}
	switch tls := query.Get("tls"); {
	case tls == "none" && u.Scheme == "smtp":
		o.TLS = auth.NoTLS
	case query.Has("tls"):
		return o, fmt.Errorf("--smtp with tls=none or no tls, not tls=%s", tls)
	case u.Scheme == "smtps":
		o.TLS = auth.ImplicitTLS
	}
	return o, nil
}

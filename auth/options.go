package auth

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/textin"
)

// RefreshMode determines what happens to a used refresh token.
type RefreshMode string

const (
	// RefreshGrace replaces it. A repetition gets the same successor until that has been used,
	// because answers get lost, and for 30 seconds in any case, because tabs share a cookie; any
	// later use ends the session. The default.
	RefreshGrace RefreshMode = "grace"
	// RefreshStrict replaces it, and any second use ends the session. The original's own tests
	// expect an immediate refusal.
	RefreshStrict RefreshMode = "strict"
	// RefreshSlide keeps it and only extends its lifetime: a theft goes unnoticed.
	RefreshSlide RefreshMode = "slide"
)

// Options configure [Open]. They are copied. [Service.Change] replaces some of them later.
type Options struct {
	// Dir is the data directory. Required. It is created with mode 0700 if it does not exist; only
	// its owner can read the files in it.
	Dir string

	// PublicURL is the origin that links are built from, for example "https://example.com", never
	// taken from a request. An international name is stored as ASCII (https://xn--...). Required
	// the first time; empty means the stored one.
	PublicURL string

	// Issuer and Audience are the claims iss and aud of tokens. Empty means the stored ones, at
	// first "https://lumenize.local". A value given here is stored in Dir, as is PublicURL, so that
	// [Mint] uses the same.
	Issuer, Audience string

	// AppName is the name of the application on pages and in mails. Default "Lumenize".
	AppName string

	// Prefix is the path below which the service answers. Default "/auth".
	Prefix string

	// Redirect is where a browser goes after sign-in, with "error=CODE" added to its query if that
	// failed. Default "/".
	Redirect string

	// Origins are the other origins, such as "https://app.example.com", whose pages may use the
	// endpoints with the visitor's cookie (CORS). Browsers send the cookie only from the same site.
	// Default: none.
	Origins []string

	// Proxies is the number of reverse proxies in front of the service, each of which adds to
	// X-Forwarded-For or Forwarded. If a request has both, they must agree. Default 0: these
	// headers are ignored.
	Proxies int

	// Getenv returns the values of JWT_PRIVATE_KEY_BLUE, JWT_PUBLIC_KEY_BLUE, the same for GREEN,
	// and PRIMARY_JWT_KEY (the slot that signs). A slot with a key there is not read from Dir. Nil
	// means os.Getenv.
	Getenv func(string) string

	// Sender delivers mails. Nil means that none can be sent: the answers stay the same and an
	// error is logged. A [*Mailbox] gets its mails at once, others from a queue that survives
	// restarts.
	Sender Sender

	// Templates replace the text of mails: for each kind, such as "magic-link", the files
	// magic-link.subject and magic-link.txt (text/template) and magic-link.html (html/template),
	// executed with a [Letter]. A part without a file keeps its default. Nil: all parts do.
	Templates fs.FS

	// BootstrapEmail becomes an admin whenever it signs in by link, and only the operator can
	// change that. Empty: nobody.
	BootstrapEmail string

	// AutoApprove approves a subject when its address is verified for the first time, and turns off
	// the limits on mails. For development. It never restores a revoked approval.
	AutoApprove bool

	// OneClick lets a GET use a link up and sign in or approve, as in the TypeScript system. Then
	// mail scanners and previews use links up too.
	OneClick bool

	// HostCookie names the cookie "__Host-refresh-token", which other hosts of the domain cannot
	// overwrite. It requires https. Both names are always accepted.
	HostCookie bool

	// NoDeviceFlow turns off the sign-in of terminals with a code.
	NoDeviceFlow bool

	// TestMode lets anyone on this machine sign in as anyone: links are returned on request and
	// subjects can be changed. Open fails with it unless PublicURL is a loopback address, and it
	// does not apply to requests from elsewhere or through a proxy.
	TestMode bool

	// TurnstileSecret makes Cloudflare Turnstile check every request for a link from a browser; if
	// it cannot be reached, requests are refused. The sign-in page shows the widget, with its site
	// key, and sends the token. Terminals cannot show it, so they get links only for BootstrapEmail
	// and for addresses that have signed in before or were invited. Empty: no check.
	TurnstileSecret string

	// Limits bound how often things may be requested.
	Limits Limits

	// Refresh determines what happens to a used refresh token. Default [RefreshGrace].
	Refresh RefreshMode

	// AccessTTL is the lifetime of an access token, default 15 minutes. RefreshTTL is that of a
	// session without use, default 30 days. SessionTTL ends every session, used or not; default 30
	// days, negative: never. LinkTTL is the lifetime of a mailed link, default 30 minutes; the link
	// of a terminal expires after at most 10 minutes. InviteTTL is that of an invitation, default 7
	// days.
	AccessTTL, RefreshTTL, SessionTTL, LinkTTL, InviteTTL time.Duration

	// Log gets every audit event, with addresses but without tokens, and failures. Nil: nothing is
	// logged, but the database still keeps the audit events.
	Log *slog.Logger

	now func() time.Time // for tests; nil means time.Now
}

func (o *Options) setDefaults() error {
	o.Prefix = "/" + strings.Trim(cmp.Or(o.Prefix, "/auth"), "/")
	o.Redirect = origin.URL(cmp.Or(o.Redirect, "/"))
	o.Refresh = cmp.Or(o.Refresh, RefreshGrace)
	o.AccessTTL = cmp.Or(o.AccessTTL, 15*time.Minute)
	o.RefreshTTL = cmp.Or(o.RefreshTTL, 30*24*time.Hour)
	o.SessionTTL = cmp.Or(o.SessionTTL, 30*24*time.Hour)
	o.LinkTTL = cmp.Or(o.LinkTTL, 30*time.Minute)
	o.InviteTTL = cmp.Or(o.InviteTTL, 7*24*time.Hour)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Limits = o.Limits.withDefaults()
	o.Getenv = textin.Getenv(o.Getenv)
	if o.now == nil {
		o.now = time.Now
	}
	return o.check()
}

func (o *Options) check() error {
	switch {
	case o.Dir == "":
		return errors.New("Dir is required")
	case !slices.Contains([]RefreshMode{RefreshGrace, RefreshStrict, RefreshSlide}, o.Refresh):
		return fmt.Errorf("Refresh %q is not %s, %s or %s", o.Refresh, RefreshGrace, RefreshStrict, RefreshSlide)
	case o.Proxies < 0:
		return fmt.Errorf("Proxies is %d: it is the number of proxies in front of this service", o.Proxies)
	case o.AccessTTL < time.Second || o.RefreshTTL < time.Second || o.LinkTTL < time.Second || o.InviteTTL < time.Second:
		return errors.New("AccessTTL, RefreshTTL, LinkTTL and InviteTTL must be at least one second")
	}
	return nil
}

// checkWith checks options that depend on the stored settings.
func (o *Options) checkWith(kept settings) error {
	public, err := origin.Parse(kept.PublicURL)
	if err != nil {
		return err
	}
	switch {
	case o.TestMode && !public.IsLoopback():
		return fmt.Errorf("TestMode lets everyone in: it requires a PublicURL with a loopback address, not %s", kept.PublicURL)
	case o.HostCookie && public.Scheme != "https":
		return fmt.Errorf("HostCookie requires a PublicURL with https, not %s", kept.PublicURL)
	}
	for i, given := range o.Origins {
		if o.Origins[i], err = webOrigin(given); err != nil {
			return fmt.Errorf("Origins: %q is not an origin such as https://app.example.com", given)
		}
	}
	return nil
}

// Changeable are the options that can change while a service runs; see [Options] for what each
// means.
type Changeable struct {
	AppName         string
	BootstrapEmail  string
	TurnstileSecret string
}

// checked returns c with defaults filled in.
func (c Changeable) checked() (Changeable, error) {
	c.AppName = cmp.Or(c.AppName, "Lumenize")
	if c.BootstrapEmail != "" {
		email, ok := NormalEmail(c.BootstrapEmail)
		if !ok {
			return c, fmt.Errorf("BootstrapEmail %q is not a mail address", c.BootstrapEmail)
		}
		c.BootstrapEmail = email
	}
	return c, nil
}

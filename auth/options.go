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

// RefreshMode says what becomes of a refresh token that was used.
type RefreshMode string

const (
	// RefreshGrace replaces it. A repetition gets the same successor until that has
	// been used, because answers get lost, and for 30 seconds in any case, because
	// tabs share a cookie; later use ends the session. The default.
	RefreshGrace RefreshMode = "grace"
	// RefreshStrict replaces it, and any second use ends the session. The
	// original's own tests expect a refusal at once.
	RefreshStrict RefreshMode = "strict"
	// RefreshSlide keeps it and only moves its end: nothing notices a theft.
	RefreshSlide RefreshMode = "slide"
)

// Options configure [Open]. They are copied. [Service.Change] replaces some later.
type Options struct {
	// Dir is the data directory. Required. It is made with mode 0700 if it does
	// not exist; what is in it is readable by its owner only.
	Dir string

	// PublicURL is the origin that links are built from, for example
	// "https://example.com", never taken from a request. An international name is
	// kept as ASCII (https://xn--...). Required the first time; empty means the one
	// that Dir keeps.
	PublicURL string

	// Issuer and Audience are the iss and aud of tokens. Empty means the ones
	// that Dir keeps, at first "https://lumenize.local". A value given here is
	// kept from then on, as is PublicURL, so that [Mint] uses the same.
	Issuer, Audience string

	// AppName is what pages and mails call the application. Default "Lumenize".
	AppName string

	// Prefix is the path under which the service answers. Default "/auth".
	Prefix string

	// Redirect is where a browser goes after sign-in, with "error=CODE" added to
	// its query when that failed. Default "/".
	Redirect string

	// Origins are the other origins, such as "https://app.example.com", whose
	// pages may use the endpoints with the visitor's cookie (CORS). A cookie goes
	// along only from the same site. Default: none.
	Origins []string

	// Proxies is how many reverse proxies stand before the service, each of which
	// adds to X-Forwarded-For or Forwarded. A request with both is believed if they
	// agree. Default 0: these headers are not looked at.
	Proxies int

	// Getenv is asked for JWT_PRIVATE_KEY_BLUE, JWT_PUBLIC_KEY_BLUE, the same for
	// GREEN, and PRIMARY_JWT_KEY (the slot that signs). A slot with a key there is
	// not read from Dir. Nil means os.Getenv.
	Getenv func(string) string

	// Sender delivers mails. Nil means that none can be sent: the answers stay
	// the same and an error is logged. A [*Mailbox] gets its mails at once, others
	// from a queue that survives restarts.
	Sender Sender

	// Templates replace what mails say: for each kind, such as "magic-link", the
	// files magic-link.subject and magic-link.txt (text/template) and
	// magic-link.html (html/template), executed with a [Letter]. A file that is
	// not there leaves that part as it is. Nil: all parts stay.
	Templates fs.FS

	// BootstrapEmail becomes an admin whenever it signs in by link, and only the
	// operator can change that. Empty: nobody.
	BootstrapEmail string

	// AutoApprove approves a subject when its address is verified for the first
	// time, and turns the limits on mails off. For development. A revoked
	// approval is never given back this way.
	AutoApprove bool

	// OneClick lets a GET use a link up and sign in or approve, as in the TypeScript
	// system. Mail scanners and previews then use links up too.
	OneClick bool

	// HostCookie names the cookie "__Host-refresh-token", which other hosts of the
	// domain cannot overwrite. It needs https. Both names are always accepted.
	HostCookie bool

	// NoDeviceFlow turns off the sign-in of terminals by a typed code.
	NoDeviceFlow bool

	// TestMode lets anyone on this machine sign in as anyone: links are returned
	// on request and subjects can be changed. Open refuses it unless PublicURL is
	// a loopback address, and requests from elsewhere or through a proxy do not
	// get it.
	TestMode bool

	// TurnstileSecret has every request for a link from a browser checked by
	// Cloudflare Turnstile; when that cannot be reached, requests are refused. The
	// page that asks shows the widget, by its site key, and sends the token.
	// Terminals cannot show it, so they get links only for BootstrapEmail and for addresses
	// that have signed in before or were invited.
	// Empty: no check.
	TurnstileSecret string

	// Limits bound how often things may be asked for.
	Limits Limits

	// Refresh says what becomes of a used refresh token. Default [RefreshGrace].
	Refresh RefreshMode

	// AccessTTL is the life of an access token, default 15 minutes. RefreshTTL
	// is the life of a session that is not used, default 30 days. SessionTTL ends
	// every session, used or not; default 30 days, negative: never. LinkTTL is the
	// life of a link in a mail, default 30 minutes; the link of a terminal lives
	// for 10 minutes at most. InviteTTL is that of an invitation, default 7 days.
	AccessTTL, RefreshTTL, SessionTTL, LinkTTL, InviteTTL time.Duration

	// Log gets what happened: every audit event, with addresses but without
	// tokens, and failures. Nil: nothing, but the audit events are kept in the
	// database all the same.
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
		return fmt.Errorf("Refresh %q is none of %s, %s and %s", o.Refresh, RefreshGrace, RefreshStrict, RefreshSlide)
	case o.Proxies < 0:
		return fmt.Errorf("Proxies is %d: it counts the proxies before this service", o.Proxies)
	case o.AccessTTL < time.Second || o.RefreshTTL < time.Second || o.LinkTTL < time.Second || o.InviteTTL < time.Second:
		return errors.New("AccessTTL, RefreshTTL, LinkTTL and InviteTTL must be at least one second")
	}
	return nil
}

// checkWith checks what depends on what the data directory keeps.
func (o *Options) checkWith(kept settings) error {
	public, err := origin.Parse(kept.PublicURL)
	if err != nil {
		return err
	}
	switch {
	case o.TestMode && !public.IsLoopback():
		return fmt.Errorf("TestMode lets everyone in: it needs a PublicURL on a loopback address, not %s", kept.PublicURL)
	case o.HostCookie && public.Scheme != "https":
		return fmt.Errorf("HostCookie needs a PublicURL with https, not %s", kept.PublicURL)
	}
	for i, given := range o.Origins {
		if o.Origins[i], err = webOrigin(given); err != nil {
			return fmt.Errorf("Origins: %q is not an origin such as https://app.example.com", given)
		}
	}
	return nil
}

// Changeable are the options that a service takes anew while it runs; see [Options] for
// what each means.
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

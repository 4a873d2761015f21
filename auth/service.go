package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Limits that are not options.
const (
	bodyLimit  = 16 << 10         // bytes of a request body
	sweepEvery = time.Hour        // between deletions of what has expired
	mailLimit  = 3                // mails to one address ...
	mailWindow = 15 * time.Minute // ... in this time
)

// Options configure [Open]. They are copied.
type Options struct {
	// Dir is the data directory. Required. It is made with mode 0700 if it does
	// not exist; what is in it is readable by its owner only.
	Dir string

	// PublicURL is the origin that links are built from, for example
	// "https://example.com", never taken from a request. Required the first
	// time; empty means the one that Dir keeps.
	PublicURL string

	// Issuer and Audience are the iss and aud of tokens. Empty means the ones
	// that Dir keeps, at first "https://lumenize.local". A value given here is
	// kept from then on, as is PublicURL, so that [Mint] uses the same.
	Issuer, Audience string

	// Prefix is the path under which the service answers. Default "/auth".
	Prefix string

	// Redirect is where a browser goes after sign-in, with "error=CODE" added to
	// its query when that failed. Default "/".
	Redirect string

	// Getenv is asked for JWT_PRIVATE_KEY_BLUE, JWT_PUBLIC_KEY_BLUE, the same for
	// GREEN, and PRIMARY_JWT_KEY (the slot that signs, default BLUE). A slot with
	// a key there is not read from Dir. Nil means os.Getenv.
	Getenv func(string) string

	// Sender delivers mails. Nil means that none can be sent: the answers stay
	// the same and an error is logged.
	Sender Sender

	// BootstrapEmail becomes an admin whenever it signs in by link. Empty: nobody.
	BootstrapEmail string

	// AutoApprove approves a subject when its address is verified for the first
	// time, and turns the limit on mails off. For development. A revoked
	// approval is never given back this way.
	AutoApprove bool

	// TestMode lets anyone who reaches the service sign in as anyone: links are
	// returned on request and subjects can be changed. Only for a service that
	// listens on a loopback address.
	TestMode bool

	// AccessTTL is the life of an access token, default 15 minutes. RefreshTTL
	// is the life of a session that is not used, default 30 days. LinkTTL is the
	// life of a link in a mail, default 30 minutes; the link of a terminal lives
	// for 10 minutes at most.
	AccessTTL, RefreshTTL, LinkTTL time.Duration

	// Log gets what happened, with addresses but without tokens. Nil: nothing.
	Log *slog.Logger
}

// Service signs people in. Make one with [Open]. Its methods may be called from
// any goroutine.
type Service struct {
	opts   Options // with defaults filled in
	kept   settings
	keys   *keyring
	store  *store
	parser *jwt.Parser
	csrf   *http.CrossOriginProtection
	log    *slog.Logger
	now    func() time.Time // replaced by tests

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Open opens the data directory, makes a signing key if there is none, and
// deletes what has expired; it goes on doing so every hour until Close.
//
// One service at a time may use a directory; keeping a second one away is the
// caller's job. [Mint] may be used meanwhile.
func Open(o Options) (*Service, error) {
	if o.Dir == "" {
		return nil, errors.New("auth: Dir is required")
	}
	o.setDefaults()
	s := &Service{opts: o, log: o.Log, now: time.Now, csrf: http.NewCrossOriginProtection()}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.tasks.Go(func() { s.sweep(ctx) })
	return s, nil
}

func (o *Options) setDefaults() {
	o.Prefix = "/" + strings.Trim(cmp.Or(o.Prefix, "/auth"), "/")
	o.Redirect = cmp.Or(o.Redirect, "/")
	o.AccessTTL = cmp.Or(o.AccessTTL, 15*time.Minute)
	o.RefreshTTL = cmp.Or(o.RefreshTTL, 30*24*time.Hour)
	o.LinkTTL = cmp.Or(o.LinkTTL, 30*time.Minute)
	o.BootstrapEmail = strings.ToLower(strings.TrimSpace(o.BootstrapEmail))
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
}

func (s *Service) open() (err error) {
	if err := os.MkdirAll(s.opts.Dir, 0o700); err != nil {
		return err
	}
	given := settings{Issuer: s.opts.Issuer, Audience: s.opts.Audience, PublicURL: s.opts.PublicURL}
	if s.kept, err = keepSettings(s.opts.Dir, given); err != nil {
		return err
	}
	if err := s.csrf.AddTrustedOrigin(s.kept.PublicURL); err != nil {
		return err
	}
	if s.keys, err = loadKeys(filepath.Join(s.opts.Dir, "keys"), s.opts.Getenv, true); err != nil {
		return err
	}
	if s.store, err = openStore(filepath.Join(s.opts.Dir, "auth.db")); err != nil {
		return err
	}
	s.parser = newParser(func() time.Time { return s.now() })
	err = s.store.tx(context.Background(), func(d db) error { return d.sweep(s.now()) })
	if err != nil {
		return errors.Join(err, s.store.close())
	}
	return nil
}

// Close waits for the request that uses the database, then closes it. Requests
// that come later are answered with status 500.
func (s *Service) Close() error {
	s.stop()
	s.tasks.Wait()
	return s.store.close()
}

func (s *Service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.store.tx(ctx, func(d db) error { return d.sweep(s.now()) })
		if err != nil && ctx.Err() == nil {
			s.log.Error("expired sign-in data could not be deleted", "error", err)
		}
	}
}

// ServeHTTP answers everything under the prefix. A path or method that it does
// not know is 404, as in the original, never 405.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	handle := s.route(r)
	if handle == nil {
		notFound(w)
		return
	}
	// Applies to every POST: a foreign page must neither use the cookie nor sign
	// a visitor in with a link of its own.
	if err := s.csrf.Check(r); err != nil {
		writeError(w, errCrossOrigin)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	err := handle(w, r)
	if err == nil {
		return
	}
	if refusal, ok := errors.AsType[*Error](err); ok {
		writeError(w, refusal)
		return
	}
	s.log.Error("sign-in request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	writeError(w, errServer)
}

func (s *Service) route(r *http.Request) func(http.ResponseWriter, *http.Request) error {
	endpoint, found := strings.CutPrefix(r.URL.Path, s.path(""))
	if !found {
		return nil
	}
	switch r.Method + " " + endpoint {
	case "POST email-magic-link":
		return s.askLink
	case "GET magic-link":
		return s.showLink
	case "POST magic-link":
		return s.useLink
	case "POST refresh-token":
		return s.refresh
	case "POST logout":
		return s.logout
	case "POST cli/start":
		return s.startCLI
	case "POST cli/token":
		return s.redeemCode
	case "POST test/set-subject-data":
		return s.setSubjectData
	}
	return nil
}

// path returns the path of an endpoint.
func (s *Service) path(endpoint string) string {
	return strings.TrimSuffix(s.opts.Prefix, "/") + "/" + endpoint
}

func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
	w.Write([]byte("Not Found"))
}

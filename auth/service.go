package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/httphead"
)

// Limits that are not options.
const (
	bodyLimit  = 16 << 10  // bytes of a request body
	sweepEvery = time.Hour // between deletions of what has expired
)

// Service signs people in. Make one with [Open]. Its methods may be called from
// any goroutine.
type Service struct {
	changeable atomic.Pointer[Changeable] // in place of these options

	opts     Options // with defaults filled in
	kept     settings
	keys     *keys.Dir
	store    *store.Store
	tokens   *token.Verifier
	csrf     *http.CrossOriginProtection
	limits   *limit.Limiter
	outbox   *outbox
	refusals *refusals
	mails    templates
	log      *slog.Logger

	now       func() time.Time
	turnstile string // replaced by tests

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Open opens the data directory, makes a signing key if there is none, sends what
// mail waits, and deletes what has expired; it goes on doing so until Close.
//
// One service at a time may use a directory; keeping a second one away is the
// caller's job. [Mint], [NewKey] and [RotateKeys] may be used meanwhile.
func Open(o Options) (*Service, error) {
	o.Origins = slices.Clone(o.Origins)
	if err := o.setDefaults(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	changeable, err := Changeable{AppName: o.AppName, BootstrapEmail: o.BootstrapEmail, TurnstileSecret: o.TurnstileSecret}.checked()
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	log := o.Log.With("namespace", "lmz.auth") // see package debug
	s := &Service{opts: o, log: log, now: o.now, turnstile: turnstileURL, csrf: http.NewCrossOriginProtection()}
	s.changeable.Store(&changeable)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.tasks.Go(func() { s.sweep(ctx) })
	s.tasks.Go(func() { s.outbox.run(ctx) })
	return s, nil
}

func (s *Service) open() (err error) {
	if err := os.MkdirAll(s.opts.Dir, 0o700); err != nil {
		return err
	}
	given := settings{Issuer: s.opts.Issuer, Audience: s.opts.Audience, PublicURL: s.opts.PublicURL}
	if s.kept, err = keepSettings(s.opts.Dir, given, s.opts.checkWith); err != nil {
		return err
	}
	for _, origin := range append(s.opts.Origins, s.kept.PublicURL) {
		if err := s.csrf.AddTrustedOrigin(origin); err != nil {
			return err
		}
	}
	if s.mails, err = loadTemplates(s.opts.Templates); err != nil {
		return err
	}
	if s.keys, err = keys.Open(keyDir(s.opts.Dir), s.opts.Getenv); err != nil {
		return err
	}
	if s.store, err = store.Open(filepath.Join(s.opts.Dir, "auth.db")); err != nil {
		return err
	}
	s.tokens = token.NewVerifier(s.kept.names(), s.now)
	s.limits = limit.New(s.now)
	s.refusals = &refusals{now: s.now, to: make(map[string]time.Time)}
	s.outbox = s.newOutbox()
	err = s.store.Update(context.Background(), func(tx store.Tx) error { return tx.Sweep(s.now()) })
	if err != nil {
		return errors.Join(err, s.store.Close())
	}
	return nil
}

// Close waits for the request that uses the database and the mail that is being
// sent, then closes the database. Requests that come later are answered with
// status 500.
func (s *Service) Close() error {
	s.stop()
	s.tasks.Wait()
	return s.store.Close()
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
		err := s.store.Update(ctx, func(tx store.Tx) error { return tx.Sweep(s.now()) })
		if err != nil && ctx.Err() == nil {
			s.log.Error("expired sign-in data could not be deleted", "error", err)
		}
	}
}

// ServeHTTP answers everything under the prefix. A path or method that it does
// not know is 404, as in the original, never 405.
func (s *Service) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := s.newRequest(hr)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	httphead.Protect(h)
	h.Set("X-Request-Id", r.id)
	if s.cors(w, r) {
		return
	}
	route, vars := s.find(r.Method, r.URL.Path)
	if route == nil {
		notFound(w)
		return
	}
	r.vars = vars
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	if err := s.answer(route, w, r); err != nil {
		s.refuse(route, w, r, err)
	}
	s.logEvents(r)
}

func (s *Service) answer(route *route, w http.ResponseWriter, r *request) error {
	// Applies to every method that changes something: a foreign page must neither
	// use the cookie nor sign a visitor in with a link of its own.
	if s.forged(r.Request) {
		return errCrossOrigin
	}
	if err := s.failuresLeft(r); err != nil {
		return err
	}
	return route.handle(s, w, r)
}

// refuse answers a request that was not granted, and counts and records it.
func (s *Service) refuse(route *route, w http.ResponseWriter, r *request, err error) {
	refusal, known := errors.AsType[*Error](err)
	if !known {
		s.log.Error("sign-in request failed", "method", r.Method, "endpoint", route.path, "request", r.id, "error", err)
		refusal = errServer
	}
	s.recordRefusal(route, r, refusal)
	if refusal.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(refusal.RetryAfter))
	}
	if route.page && strings.Contains(r.Header.Get("Accept"), "text/html") {
		writePage(w, refusal.Status, s.errorPage(refusal))
		return
	}
	writeError(w, refusal)
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

// Package server runs everything that lmz dev and lmz gateway serve: a gateway with sign-in,
// the editor example and its page.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/httpserver"
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/descriptors"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/web"
)

// Server is a gateway with sign-in, the editor example and its page, made of the public
// parts that examples/hello shows.
type Server struct {
	url      string
	gateway  *gateway.Gateway
	auth     *auth.Service
	listener net.Listener
	http     *http.Server
	page     atomic.Pointer[http.Handler]
	health   httpserver.Health
}

// Plan is how lmz dev and lmz gateway differ.
type Plan struct {
	Addr, Data string
	PublicURL  string              // "" means the address it listens on
	TLS        *tls.Config         // nil: none
	Getenv     func(string) string // for keys, issuer and audience of tokens
	CallLimit  time.Duration
	Budget     gateway.Budget // what each user may use
	Log        *slog.Logger
	Auth       auth.Options // except for what the rest of the plan says
	Page       web.Options

	Routes  map[string]http.Handler // additional routes, by pattern
	Answers func(host string) bool  // which Host headers are answered
	Refusal string                  // the answer to other hosts
}

// shutdownTimeout bounds the requests under way when the server stops.
const shutdownTimeout = 3 * time.Second

// URL returns the URL of the server for its users.
func (s *Server) URL() string { return s.url }

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// ChangeAuth changes what can change of the sign-in service while it runs.
func (s *Server) ChangeAuth(c auth.Changeable) error { return s.auth.Change(c) }

// Open opens everything and listens, but does not serve yet. The gateway comes first, because
// it locks the data directory, which nothing else may touch while it is in use.
func Open(p Plan) (*Server, error) {
	s := new(Server)
	if err := s.open(p); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Server) open(p Plan) (err error) {
	if n := descriptors.Process.Limit(); n < descriptors.Least {
		return exit.Errorf(exit.Failed, "ulimit -n 1024", "this process may open only %d files and connections, and needs at least %d", n, descriptors.Least)
	}
	o := gateway.Options{
		Dir: p.Data, CallLimit: p.CallLimit, Log: p.Log, Budget: p.Budget,
		Verify:      func(ctx context.Context, token string) (*lmz.Auth, error) { return s.auth.Authenticate(ctx, token) },
		Revocations: func() uint64 { return s.auth.Revocations() }, // not called before the first client was admitted
	}
	if s.gateway, err = gateway.New(o); err != nil {
		return err
	}
	s.gateway.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	s.gateway.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	s.gateway.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
	s.gateway.Start()

	if s.listener, err = net.Listen("tcp", p.Addr); err != nil {
		return err
	}
	s.url = cmp.Or(p.PublicURL, "http://"+s.listener.Addr().String())
	p.Auth.Dir, p.Auth.PublicURL, p.Auth.Log, p.Auth.Getenv = p.Data, s.url, p.Log, p.Getenv
	p.Auth.Issuer, p.Auth.Audience = p.Getenv("LUMENIZE_AUTH_ISSUER"), p.Getenv("LUMENIZE_AUTH_AUDIENCE")
	if s.auth, err = auth.Open(p.Auth); err != nil {
		return err
	}
	s.auth.OnRevoke(s.gateway.Revoke)
	mux := http.NewServeMux()
	mux.Handle("/gateway/", s.gateway)
	mux.Handle("/auth/", s.auth)
	s.ShowPage(p.Page)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { (*s.page.Load()).ServeHTTP(w, r) })
	for pattern, handler := range p.Routes {
		mux.Handle(pattern, handler)
	}
	log := p.Log.With(debug.Namespace, "lmz.http")
	s.health.Dir = p.Data
	s.http = httpserver.New(httpserver.OneMeaning(s.health.Beside(httpserver.OnlyHosts(p.Answers, p.Refusal, mux))))
	s.http.TLSConfig, s.http.ErrorLog = p.TLS, slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	s.listener = descriptors.Process.Listen(s.listener, s.http, new(fullAlert).tell(log))
	return nil
}

// ShowPage changes the options of the page.
func (s *Server) ShowPage(o web.Options) {
	page := web.Handler(o)
	s.page.Store(&page)
}

// fullAlert warns about too many connections, at most once a minute.
type fullAlert struct {
	mu   sync.Mutex // guards the following field
	last time.Time
}

func (a *fullAlert) tell(log *slog.Logger) func() {
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if now := time.Now(); now.Sub(a.last) >= time.Minute || a.last.IsZero() {
			a.last = now
			log.Warn("connections were closed: the process has reached its limit of open files (ulimit -n)",
				"connections", descriptors.Process.Sockets())
		}
	}
}

// Serve serves until ctx ends, then closes everything.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() {
		if s.http.TLSConfig == nil {
			failed <- s.http.Serve(s.listener)
		} else {
			failed <- s.http.ServeTLS(s.listener, "", "") // the certificate is in the configuration
		}
	}()
	select {
	case err := <-failed:
		return errors.Join(err, s.close())
	case <-ctx.Done():
	}
	s.health.Stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close() // requests that do not end
	}
	<-failed
	return s.close()
}

// close closes what is open.
func (s *Server) close() error {
	var errs []error
	if s.listener != nil {
		s.listener.Close()
	}
	if s.gateway != nil {
		errs = append(errs, s.gateway.Close())
	}
	if s.auth != nil {
		errs = append(errs, s.auth.Close())
	}
	return errors.Join(errs...)
}

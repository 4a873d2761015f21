package cli

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
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/descriptors"
	"github.com/lumenize/lmz/internal/httphead"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/web"
)

// server is a gateway with sign-in, the editor example and its page: everything that
// lmz dev and lmz gateway run, made of the public parts that examples/hello shows.
type server struct {
	url      string
	gateway  *gateway.Gateway
	auth     *auth.Service
	listener net.Listener
	http     *http.Server
	page     atomic.Pointer[http.Handler]
	health   health
}

// serverPlan says in what lmz dev and lmz gateway differ.
type serverPlan struct {
	addr, data string
	publicURL  string      // "" is the address that it listens on
	tls        *tls.Config // nil: none
	callLimit  time.Duration
	budget     gateway.Budget // what each user may use
	log        *slog.Logger
	auth       auth.Options // without what the rest of the plan says
	page       web.Options

	routes  map[string]http.Handler // more of them, by pattern
	answers func(host string) bool  // which Host headers are answered
	refusal string                  // what the others are told
}

// Timeouts of the HTTP server. Connections of clients are hijacked and have their own.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 3 * time.Second
)

// openServer opens everything and listens, but does not serve yet. The gateway comes
// first: it locks the data directory, and nothing else may touch one in use.
func (a *app) openServer(p serverPlan) (*server, error) {
	s := new(server)
	if err := a.openParts(s, p); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (a *app) openParts(s *server, p serverPlan) (err error) {
	if n := descriptors.Process.Limit(); n < descriptors.Least {
		return failf(exitFailed, "ulimit -n 1024", "this process may have only %d files and connections open, and needs at least %d", n, descriptors.Least)
	}
	o := gateway.Options{
		Dir: p.data, CallLimit: p.callLimit, Log: p.log, Budget: p.budget,
		Verify:      func(ctx context.Context, token string) (*lmz.Auth, error) { return s.auth.Authenticate(ctx, token) },
		Revocations: func() uint64 { return s.auth.Revocations() }, // not asked before somebody was let in
	}
	if s.gateway, err = gateway.New(o); err != nil {
		return err
	}
	s.gateway.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	s.gateway.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	s.gateway.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
	s.gateway.Start()

	if s.listener, err = net.Listen("tcp", p.addr); err != nil {
		return err
	}
	s.url = cmp.Or(p.publicURL, "http://"+s.listener.Addr().String())
	p.auth.Dir, p.auth.PublicURL, p.auth.Log, p.auth.Getenv = p.data, s.url, p.log, a.Getenv
	p.auth.Issuer, p.auth.Audience = a.Getenv("LUMENIZE_AUTH_ISSUER"), a.Getenv("LUMENIZE_AUTH_AUDIENCE")
	if s.auth, err = auth.Open(p.auth); err != nil {
		return err
	}
	s.auth.OnRevoke(s.gateway.Revoke)
	mux := http.NewServeMux()
	mux.Handle("/gateway/", s.gateway)
	mux.Handle("/auth/", s.auth)
	s.showPage(p.page)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { (*s.page.Load()).ServeHTTP(w, r) })
	for pattern, handler := range p.routes {
		mux.Handle(pattern, handler)
	}
	log := p.log.With(debug.Namespace, "lmz.http")
	s.health.dir = p.data
	s.http = httpServer(oneMeaning(s.health.beside(onlyHosts(p.answers, p.refusal, mux))))
	s.http.TLSConfig, s.http.ErrorLog = p.tls, slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	s.listener = descriptors.Process.Listen(s.listener, s.http, new(fullAlert).tell(log))
	return nil
}

// showPage serves the page with these options from now on.
func (s *server) showPage(o web.Options) {
	page := web.Handler(o)
	s.page.Store(&page)
}

// httpServer is a server for all connections. Nothing limits the time of a whole request, see
// withProgress.
func httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           withProgress(httphead.Handler(h)),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{SendPingTimeout: idleTimeout, WriteByteTimeout: writePatience},
	}
}

// maxHeader is how large the head of a request may be: tokens and cookies have some kilobytes.
const maxHeader = 64 << 10

// fullAlert says, at most once a minute, that there are too many connections.
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
			log.Warn("connections were closed: the process may not have more of them; raise its limit of open files (ulimit -n)",
				"connections", descriptors.Process.Sockets())
		}
	}
}

// serve serves until ctx ends, then closes everything.
func (s *server) serve(ctx context.Context) error {
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
	s.health.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close() // requests that do not end
	}
	<-failed
	return s.close()
}

// close closes what is open.
func (s *server) close() error {
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

// oneMeaning ends the connection after a request whose end a proxy in front could see
// elsewhere: what comes behind it is never taken for a request. In HTTP/1 a chunked body
// may have had a Content-Length beside it, and net/http has dropped that; to HTTP/1.0 a
// Transfer-Encoding means nothing.
func oneMeaning(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// onlyHosts answers 421 to every other Host, but for the paths of health. A page elsewhere could have its own name
// lead here (DNS rebinding), and then reads what it likes.
func onlyHosts(answers func(host string) bool, refusal string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answers(r.Host) {
			http.Error(w, refusal, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/web"
)

// devServer is a development gateway: everything that lmz dev runs, made of the
// public parts that examples/hello shows.
type devServer struct {
	url      string
	gateway  *gateway.Gateway
	auth     *auth.Service
	listener net.Listener
	http     *http.Server
}

// Timeouts of the HTTP server. Connections of clients are hijacked and have their own.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 3 * time.Second
)

// openDev opens everything and listens, but does not serve yet. The gateway comes
// first: it locks the data directory, and nothing else may touch one in use.
func (a *app) openDev(addr string, o devOptions, onMail func(auth.Mail)) (*devServer, error) {
	s := new(devServer)
	if err := a.openParts(s, addr, o, onMail); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (a *app) openParts(s *devServer, addr string, o devOptions, onMail func(auth.Mail)) (err error) {
	log := a.log(serverLog)
	s.gateway, err = gateway.New(gateway.Options{
		Dir: o.data, CallLimit: o.callLimit, Log: log,
		Verify: func(ctx context.Context, token string) (*lmz.Auth, error) { return s.auth.Authenticate(ctx, token) },
	})
	if err != nil {
		return err
	}
	s.gateway.Object(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	s.gateway.Object(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	s.gateway.Worker(editor.SpellCheckBinding, editor.NewSpellCheck)

	if s.listener, err = net.Listen("tcp", addr); err != nil {
		return err
	}
	s.url = "http://" + s.listener.Addr().String()
	mailbox := &auth.Mailbox{OnMail: onMail}
	s.auth, err = auth.Open(auth.Options{
		Dir: o.data, PublicURL: s.url, Sender: mailbox, Log: log, Getenv: a.Getenv,
		Issuer: a.Getenv("LUMENIZE_AUTH_ISSUER"), Audience: a.Getenv("LUMENIZE_AUTH_AUDIENCE"),
		BootstrapEmail: o.bootstrapEmail, AutoApprove: true, TestMode: o.testMode,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/gateway/", s.gateway)
	mux.Handle("/auth/", s.auth)
	mux.Handle("/dev/mail", mailbox)
	mux.Handle("/dev/", http.NotFoundHandler())
	mux.Handle("/", web.Handler())
	s.http = &http.Server{
		Handler:           onlyLoopbackHosts(mux),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.With(debug.Namespace, "lmz.http").Handler(), slog.LevelWarn),
	}
	return nil
}

// serve serves until ctx ends, then closes everything.
func (s *devServer) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, s.close())
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close() // requests that do not end
	}
	<-failed
	return s.close()
}

// close closes what is open.
func (s *devServer) close() error {
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

// onlyLoopbackHosts answers 421 to every other Host. A page elsewhere could have its
// own name lead to this machine (DNS rebinding), and then reads what it likes.
func onlyLoopbackHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopbackHost(r.Host) {
			http.Error(w, "lmz dev answers to localhost and loopback addresses only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLoopbackHost(host string) bool {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == ""
}

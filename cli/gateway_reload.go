package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/server"
	"github.com/lumenize/lmz/web"
)

// reloadedSender is a sender that can be replaced while in use.
type reloadedSender struct{ now atomic.Pointer[auth.Sender] }

// Send implements [auth.Sender].
func (s *reloadedSender) Send(ctx context.Context, m auth.Mail) error {
	return (*s.now.Load()).Send(ctx, m)
}

// reloader reloads those settings of a running gateway that can change.
type reloader struct {
	con      *console.Console
	settings func() (gatewayOptions, *pflag.FlagSet, error)
	started  *pflag.FlagSet      // the settings of the start
	inUse    *pflag.FlagSet      // the settings applied last
	cert     *server.Certificate // nil: none
	mails    *reloadedSender
	server   *server.Server
	log      *slog.Logger
}

// reloadedSettings are those that a running gateway can reload. If it has a certificate,
// tls-cert and tls-key are too.
var reloadedSettings = []string{"app-name", "bootstrap-email", "mail-from", "smtp", "smtp-helo", "smtp-password-file", "resend-key-file",
	"turnstile-secret-file", "turnstile-site-key"}

// reload reads the settings and all files that they name. An invalid certificate leaves the
// previous one in use, and any other invalid setting leaves all previous ones in use. It
// returns the settings that have changed, and those that need a restart.
func (r *reloader) reload() (changed, later []string, err error) {
	o, flags, err := r.settings()
	if err != nil {
		return nil, nil, err
	}
	canReload := reloadedSettings
	var wrongCert error
	if r.cert != nil && o.tlsCert != "" {
		canReload = append(slices.Clip(canReload), "tls-cert", "tls-key")
		wrongCert = r.cert.Use(o.tlsCert, o.tlsKey)
	}
	checked, missing := o.check(r.con.Getenv)
	if len(missing) > 0 {
		return nil, nil, errors.Join(wrongCert, errors.New(strings.Join(missing, "; ")))
	}
	if err := r.server.ChangeAuth(checked.changeable); err != nil {
		return nil, nil, errors.Join(wrongCert, err)
	}
	r.mails.now.Store(&checked.sender)
	r.server.ShowPage(web.Options{TurnstileSiteKey: o.turnstileSiteKey})
	flags.VisitAll(func(f *pflag.Flag) {
		differs := func(from *pflag.FlagSet) bool { return f.Value.String() != from.Lookup(f.Name).Value.String() }
		if !slices.Contains(canReload, f.Name) {
			if differs(r.started) {
				later = append(later, f.Name)
			}
		} else if differs(r.inUse) {
			changed = append(changed, f.Name)
		}
	})
	if wrongCert == nil {
		r.inUse = flags
	}
	return changed, later, wrongCert
}

// reloadAt reloads at each SIGHUP until ctx ends.
func (r *reloader) reloadAt(ctx context.Context, hangups <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		changed, later, err := r.reload()
		if len(later) > 0 {
			r.log.Warn("changed settings will take effect after a restart", "settings", strings.Join(later, ", "))
		}
		if err != nil {
			r.log.Warn("reload failed in part; the previous settings remain in use", "error", err)
			continue
		}
		said := "lmz gateway has reloaded its settings, certificate, and secrets."
		if len(changed) > 0 {
			said += " Changed: " + strings.Join(changed, ", ") + "."
		}
		fmt.Fprintln(r.con.Err, said)
	}
}

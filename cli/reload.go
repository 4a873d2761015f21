package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/internal/origin"
)

// reloadedSender is a sender that can be exchanged while it is in use.
type reloadedSender struct{ now atomic.Pointer[auth.Sender] }

// Send implements [auth.Sender].
func (s *reloadedSender) Send(ctx context.Context, m auth.Mail) error {
	return (*s.now.Load()).Send(ctx, m)
}

// reload reads again the files that settings name. What cannot be used replaces nothing.
func (o *gatewayOptions) reload(getenv func(string) string, public *origin.Origin, c *certificate, s *reloadedSender) error {
	var errs []error
	if c != nil {
		errs = append(errs, c.reload())
	}
	sender, err := o.mail.sender(getenv, public)
	if err == nil {
		s.now.Store(&sender)
	}
	return errors.Join(append(errs, err)...)
}

// reloadAt reloads at each hangup until ctx ends.
func (a *app) reloadAt(ctx context.Context, hangups <-chan struct{}, log *slog.Logger, reload func() error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		if err := reload(); err != nil {
			log.With(debug.Namespace, "lmz.gateway").Warn("not everything was reloaded; what was there before remains in use", "error", err)
			continue
		}
		fmt.Fprintln(a.Err, "lmz gateway has reloaded its certificate and secrets.")
	}
}

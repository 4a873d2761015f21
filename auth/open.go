package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/auth/internal/turnstile"
)

const sweepEvery = time.Hour // between deletions of what has expired

// Open opens the data directory, creates a signing key if there is none, sends queued mails and
// deletes expired data, and continues to do so until Close.
//
// Only one service at a time may use a directory, which the caller has to ensure. [Mint],
// [NewKey] and [RotateKeys] may be used meanwhile.
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
	s := &Service{opts: o, log: log, now: o.now, turnstile: turnstile.URL, csrf: http.NewCrossOriginProtection()}
	s.changeable.Store(&changeable)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.tasks.Go(func() { s.sweep(ctx) })
	s.tasks.Go(func() { s.outbox.Run(ctx) })
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
	if s.mails, err = mail.Load(s.opts.Templates); err != nil {
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
	s.refusals = outbox.NewRefusals(s.now)
	s.outbox = outbox.New(s.outboxOptions())
	err = s.store.Update(context.Background(), func(tx store.Tx) error { return tx.Sweep(s.now()) })
	if err != nil {
		return errors.Join(err, s.store.Close())
	}
	return nil
}

// Close waits for the request that uses the database and for the mail being sent, then closes the
// database. Later requests get status 500.
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

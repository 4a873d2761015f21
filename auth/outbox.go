package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/store"
)

const (
	mailTimeout  = time.Minute     // for one delivery
	mailRetry    = 5 * time.Second // before the second try; it doubles
	mailRetryMax = 15 * time.Minute
	mailKept     = 24 * time.Hour  // tries end after this, unless the link says when
	mailIdle     = time.Hour       // longest sleep while nothing waits
	mailLook     = 5 * time.Second // longest sleep while something waits: timers do not count the time that the machine sleeps
)

// outbox sends what is queued, one mail at a time. The queue is in the database,
// encrypted, because mails hold links: a crash or a mail server that is down
// loses none.
type outbox struct {
	store  *store.Store
	sender Sender
	keys   *keys.Dir
	now    func() time.Time
	log    *slog.Logger
	told   func(context.Context, Mail, error) // what the sender said
	wake   chan struct{}                      // one slot: something was queued
	busy   chan struct{}                      // one slot: whoever fills it sends
}

func (s *Service) newOutbox() *outbox {
	return &outbox{store: s.store, sender: s.opts.Sender, keys: s.keys, now: s.now, log: s.log, told: s.mailAnswered, wake: make(chan struct{}, 1), busy: make(chan struct{}, 1)}
}

// sealed is a letter as it is stored.
func (s *Service) sealed(l Letter) ([]byte, error) {
	l.App = s.changeable.Load().AppName
	if l.life > 0 {
		l.ValidFor = inWords(l.life)
	}
	m, err := s.mails.mail(l)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return s.keys.Seal(plain)
}

// queue stores a mail with the change that it tells of. After the commit, deliver
// has it sent.
func (s *Service) queue(tx store.Tx, l Letter) error {
	sealed, err := s.sealed(l)
	if err != nil {
		return err
	}
	now := s.now()
	return tx.QueueMail(store.Mail{Sealed: sealed, Rank: l.rank, Token: l.token, Event: l.event,
		DueAt: now.UnixMilli(), ExpiresAt: now.Add(cmp.Or(l.life, mailKept)).UnixMilli()})
}

// deliver has the queue sent. Only what takes no time is waited for: a [*Mailbox],
// or nothing at all.
func (s *Service) deliver() {
	switch s.outbox.sender.(type) {
	case nil, *Mailbox:
		s.outbox.flush(context.Background())
		return
	}
	select {
	case s.outbox.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends.
func (o *outbox) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := o.flush(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-o.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// flush sends what is due and returns when to look again.
func (o *outbox) flush(ctx context.Context) (wait time.Duration) {
	select {
	case o.busy <- struct{}{}:
		defer func() { <-o.busy }()
	case <-ctx.Done():
		return 0
	}
	for ctx.Err() == nil {
		q, found, err := o.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				o.log.Error("the mail queue could not be read", "error", err)
			}
			return mailRetryMax
		}
		if !found {
			return mailIdle
		}
		if wait := time.UnixMilli(q.DueAt).Sub(o.now()); wait > 0 {
			return min(wait, mailLook)
		}
		if err := o.send(ctx, q); err != nil && ctx.Err() == nil {
			o.log.Error("the mail queue could not be changed", "error", err)
			return mailRetryMax
		}
	}
	return 0
}

// next takes the mail that is due first off the hands of others, for as long as a delivery may
// take.
func (o *outbox) next(ctx context.Context) (q store.Mail, found bool, err error) {
	err = o.store.Update(ctx, func(tx store.Tx) error {
		now := o.now()
		q, found, err = tx.NextMail(now)
		if err != nil || !found || q.DueAt > now.UnixMilli() {
			return err
		}
		return tx.CountAttempt(q.ID, now.Add(retryAfter(q.Attempts)))
	})
	return q, found, err
}

// retryAfter is how long after its n-th try, counted from 0, a mail is tried again.
func retryAfter(n int64) time.Duration {
	wait := mailRetry
	for ; n > 0 && wait < mailRetryMax; n-- {
		wait *= 2
	}
	return min(wait, mailRetryMax)
}

// send tries one mail, and takes it off the queue when it is delivered or never
// will be.
func (o *outbox) send(ctx context.Context, q store.Mail) error {
	var m Mail
	plain, err := o.keys.Unseal(q.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil {
		o.log.Error("a mail in the queue cannot be read and is dropped: was keys/refresh.key replaced?", "error", err)
		return o.drop(ctx, q)
	}
	err = errLate // unless it is not: the machine may have slept
	if o.now().UnixMilli() <= q.ExpiresAt {
		err = o.deliver(ctx, m)
	}
	switch {
	case err == nil:
		o.log.Info("mail sent", "kind", m.Kind, "to", m.To, "mail", m.ID, "try", q.Attempts+1)
	case ctx.Err() != nil:
		return ctx.Err() // it is tried again at the next start
	case errors.Is(err, ErrUndeliverable) || o.now().Add(retryAfter(q.Attempts)).UnixMilli() > q.ExpiresAt:
		o.log.Error("mail not sent, given up", "kind", m.Kind, "to", m.To, "mail", m.ID, "try", q.Attempts+1, "error", err)
	default:
		o.log.Warn("mail not sent, will try again", "kind", m.Kind, "to", m.To, "mail", m.ID, "try", q.Attempts+1,
			"after", retryAfter(q.Attempts), "error", err)
		return nil
	}
	return o.drop(ctx, q)
}

var (
	errNoSender = errors.New("no Sender is configured")
	errLate     = fmt.Errorf("its link has expired: %w", ErrUndeliverable)
)

func (o *outbox) deliver(ctx context.Context, m Mail) error {
	if o.sender == nil {
		return errors.Join(errNoSender, ErrUndeliverable)
	}
	limited, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	err := o.sender.Send(limited, m)
	o.told(ctx, m, err)
	return err
}

func (o *outbox) drop(ctx context.Context, q store.Mail) error {
	return o.store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		return tx.DeleteMail(q.ID)
	})
}

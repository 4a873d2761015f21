// Package outbox sends the mails of sign-in. A mail is queued in the transaction of the change
// that it reports, encrypted because it contains a link, and sent after the commit, one at a
// time: neither a crash nor an unavailable mail server loses one, and no request waits for a mail
// server. [Refusals] remembers the permanent refusals of mail servers.
package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/store"
)

const (
	sendTimeout = time.Minute     // for one attempt
	firstRetry  = 5 * time.Second // before the second attempt; it doubles
	maxRetry    = 15 * time.Minute
	keptFor     = 24 * time.Hour  // attempts end after this, or after the lifetime of the link
	idleSleep   = time.Hour       // longest sleep while the queue is empty
	maxSleep    = 5 * time.Second // longest sleep while it is not: timers stop while the machine sleeps
)

// Sender delivers mails.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Options configure an outbox. All but Sender are required.
type Options struct {
	Store *store.Store
	Keys  *keys.Dir
	// Sender delivers mails. Nil means that none can be sent.
	Sender Sender
	// Immediate sends on the goroutine of Deliver, for a sender that takes no time.
	Immediate bool
	Now       func() time.Time
	Log       *slog.Logger
	// Answered is called after each attempt, with what the sender returned.
	Answered func(ctx context.Context, m mail.Message, err error)
}

// Outbox sends queued mails. Its methods may be called from any goroutine.
type Outbox struct {
	o    Options
	wake chan struct{} // one slot: something was queued
	busy chan struct{} // one slot, filled while sending
}

// New returns an outbox. [Outbox.Run] makes it send.
func New(o Options) *Outbox {
	return &Outbox{o: o, wake: make(chan struct{}, 1), busy: make(chan struct{}, 1)}
}

// Delivery describes how a mail is sent.
type Delivery struct {
	// Lifetime is how long its link is valid and delivery is attempted. Zero means a day.
	Lifetime time.Duration
	// Rank decides which mail goes first: store.RankAccount, RankStranger or RankWithheld.
	Rank int
	// Token is the hash of the token of its link, if the link was requested, and Event the audit
	// event about the request: both are deleted with a withheld mail.
	Token string
	Event int64
}

// Queue stores a mail in the transaction of the change that it reports. Call [Outbox.Deliver]
// after the commit.
func (b *Outbox) Queue(tx store.Tx, m mail.Message, d Delivery) error {
	plain, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sealed, err := b.o.Keys.Seal(plain)
	if err != nil {
		return err
	}
	now := b.o.Now()
	return tx.QueueMail(store.Mail{Sealed: sealed, Rank: d.Rank, Token: d.Token, Event: d.Event,
		DueAt: now.UnixMilli(), ExpiresAt: now.Add(cmp.Or(d.Lifetime, keptFor)).UnixMilli()})
}

// Deliver makes the outbox send the queued mails. It waits only if the outbox is immediate or has
// no sender.
func (b *Outbox) Deliver() {
	if b.o.Immediate || b.o.Sender == nil {
		b.Flush(context.Background())
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends.
func (b *Outbox) Run(ctx context.Context) {
	for ctx.Err() == nil {
		timer := time.NewTimer(b.Flush(ctx))
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Flush sends what is due and returns when to look again. It waits for a Flush in progress.
func (b *Outbox) Flush(ctx context.Context) (wait time.Duration) {
	select {
	case b.busy <- struct{}{}:
		defer func() { <-b.busy }()
	case <-ctx.Done():
		return 0
	}
	for ctx.Err() == nil {
		q, found, err := b.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				b.o.Log.Error("the mail queue could not be read", "error", err)
			}
			return maxRetry
		}
		if !found {
			return idleSleep
		}
		if wait := time.UnixMilli(q.DueAt).Sub(b.o.Now()); wait > 0 {
			return min(wait, maxSleep)
		}
		if err := b.send(ctx, q); err != nil && ctx.Err() == nil {
			b.o.Log.Error("the mail queue could not be changed", "error", err)
			return maxRetry
		}
	}
	return 0
}

// next returns the mail that is due first, and reserves it for the maximum duration of an
// attempt.
func (b *Outbox) next(ctx context.Context) (q store.Mail, found bool, err error) {
	err = b.o.Store.Update(ctx, func(tx store.Tx) error {
		now := b.o.Now()
		q, found, err = tx.NextMail(now)
		if err != nil || !found || q.DueAt > now.UnixMilli() {
			return err
		}
		return tx.CountAttempt(q.ID, now.Add(retryAfter(q.Attempts)))
	})
	return q, found, err
}

// retryAfter returns the delay after the n-th attempt at a mail, counted from 0.
func retryAfter(n int64) time.Duration {
	wait := firstRetry
	for ; n > 0 && wait < maxRetry; n-- {
		wait *= 2
	}
	return min(wait, maxRetry)
}

// send attempts to send one mail, and removes it from the queue on success or permanent failure.
func (b *Outbox) send(ctx context.Context, q store.Mail) error {
	var m mail.Message
	plain, err := b.o.Keys.Unseal(q.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil {
		b.o.Log.Error("a queued mail cannot be decrypted and is dropped: was keys/refresh.key replaced?", "error", err)
		return b.drop(ctx, q)
	}
	err = errLate // the machine may have slept
	if b.o.Now().UnixMilli() <= q.ExpiresAt {
		err = b.attempt(ctx, m)
	}
	attempt := []any{"kind", m.Kind, "to", m.To, "mail", m.ID, "try", q.Attempts + 1}
	switch {
	case err == nil:
		b.o.Log.Info("mail sent", attempt...)
	case ctx.Err() != nil:
		return ctx.Err() // the next start tries it again
	case errors.Is(err, mail.ErrUndeliverable) || b.o.Now().Add(retryAfter(q.Attempts)).UnixMilli() > q.ExpiresAt:
		b.o.Log.Error("mail not sent, given up", append(attempt, "error", err)...)
	default:
		b.o.Log.Warn("mail not sent, will try again", append(attempt, "after", retryAfter(q.Attempts), "error", err)...)
		return nil
	}
	return b.drop(ctx, q)
}

var (
	errNoSender = errors.New("no Sender is configured")
	errLate     = fmt.Errorf("its link has expired: %w", mail.ErrUndeliverable)
)

func (b *Outbox) attempt(ctx context.Context, m mail.Message) error {
	if b.o.Sender == nil {
		return errors.Join(errNoSender, mail.ErrUndeliverable)
	}
	limited, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := b.o.Sender.Send(limited, m)
	b.o.Answered(ctx, m, err)
	return err
}

func (b *Outbox) drop(ctx context.Context, q store.Mail) error {
	return b.o.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error { return tx.DeleteMail(q.ID) })
}

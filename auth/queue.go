package auth

import (
	"github.com/lumenize/lmz/auth/internal/duration"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/store"
)

// outboxOptions returns how mails are sent: immediately for a [Mailbox].
func (s *Service) outboxOptions() outbox.Options {
	o := outbox.Options{Store: s.store, Keys: s.keys, Now: s.now, Log: s.log, Answered: s.mailAnswered}
	if s.opts.Sender != nil {
		o.Sender = adapter{s.opts.Sender}
		_, o.Immediate = s.opts.Sender.(*Mailbox)
	}
	return o
}

// queue stores a mail with the change that it reports. After the commit, call s.outbox.Deliver.
func (s *Service) queue(tx store.Tx, l mail.Letter, d outbox.Delivery) error {
	l.App = s.changeable.Load().AppName
	if d.Lifetime > 0 {
		l.ValidFor = duration.Words(d.Lifetime)
	}
	m, err := s.mails.Message(l)
	if err != nil {
		return err
	}
	return s.outbox.Queue(tx, m, d)
}

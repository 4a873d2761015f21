package auth

import (
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// alertTTL is the lifetime of the link that undoes a sign-in.
const alertTTL = 7 * 24 * time.Hour

// tellOfNewPlace mails a subject who has signed in before when a session begins on a terminal, or
// in a new browser, with a link that ends it. Anyone who can read a mailbox can sign in, so its
// owner should know.
func (s *Service) tellOfNewPlace(tx store.Tx, r *request, subj store.Subject, id string, n newSession) error {
	if s.opts.AutoApprove {
		return nil
	}
	known, same, err := tx.CountOtherSessions(subj.Sub, id, r.agent)
	if err != nil || n.kind == store.Browser && (known == 0 && subj.LastLoginAt == 0 || same > 0) {
		return err
	}
	token, now := secret.New(), s.now()
	err = tx.InsertLink(token, store.Link{Email: subj.Email, CreatedAt: now, ExpiresAt: now.Add(alertTTL), IP: r.ip, EndsSession: id})
	if err != nil {
		return err
	}
	return s.queue(tx, mail.Letter{Kind: mail.NewSignIn, To: subj.Email, Link: s.linkURL(token), Where: n.label, Agent: r.agent, IP: r.ip,
		When: now.UTC().Format("2 January 2006, 15:04 UTC")}, outbox.Delivery{Lifetime: alertTTL})
}

// useEndLink undoes a sign-in. Anyone who can read the mailbox owns the account, so no further
// proof is required.
func (s *Service) useEndLink(tx store.Tx, r *request, l store.Link, token string) (used, error) {
	u := used{link: l, status: http.StatusOK}
	if err := tx.DropLink(token); err != nil {
		return u, err
	}
	if err := tx.EndSession(l.EndsSession, store.EndedElsewhere); err != nil {
		return u, err
	}
	done := page.Message("That session has ended", "It is signed out.",
		"If it was not yours, somebody else can read your mail: change the password of your mailbox.")
	u.page = &done
	return u, s.record(tx, r, event{name: "token.revoked", actor: bySystem, email: l.Email,
		details: map[string]any{"method": "mail", "session": l.EndsSession}})
}

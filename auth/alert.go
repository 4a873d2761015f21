package auth

import (
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// alertTTL is the life of the link by which a sign-in is undone.
const alertTTL = 7 * 24 * time.Hour

// tellOfNewPlace mails a subject who has signed in before when a session begins
// at a terminal, or in a browser that was not seen before, with a link that ends
// it. Reading a mailbox is all it takes to sign in, so its owner should know.
func (s *Service) tellOfNewPlace(d db, r *request, subj subject, id string, n newSession) error {
	if s.opts.AutoApprove {
		return nil
	}
	known, err := d.number("SELECT count(*) FROM Sessions WHERE subjectId = :sub AND id <> :id", args{":sub": subj.sub, ":id": id})
	if err != nil {
		return err
	}
	same, err := d.number("SELECT count(*) FROM Sessions WHERE subjectId = :sub AND id <> :id AND kind = :kind AND agent = :agent",
		args{":sub": subj.sub, ":id": id, ":kind": kindBrowser, ":agent": r.agent})
	if err != nil || n.kind == kindBrowser && (known == 0 && subj.lastLoginAt == 0 || same > 0) {
		return err
	}
	token, now := secret.New(), s.now()
	err = d.insertLink(token, link{email: subj.email, createdAt: now, expiresAt: now.Add(alertTTL), ip: r.ip, endsSession: id})
	if err != nil {
		return err
	}
	return s.queue(d, Letter{Kind: KindNewSignIn, To: subj.email, Link: s.linkURL(token), life: alertTTL, Where: n.label, Agent: r.agent, IP: r.ip,
		When: now.UTC().Format("2 January 2006, 15:04 UTC")})
}

// useEndLink undoes a sign-in: the mailbox belongs to whoever reads it, so no
// more than that is asked.
func (s *Service) useEndLink(d db, r *request, l link, token string) (used, error) {
	u := used{link: l, status: http.StatusOK}
	if err := d.dropLink(token); err != nil {
		return u, err
	}
	if err := d.endSession(l.endsSession, endedElsewhere); err != nil {
		return u, err
	}
	done := s.messagePage("That session has ended", "Whoever used it is signed out.",
		"If it was not you, somebody can read your mail: change the password of your mailbox.")
	u.page = &done
	return u, s.record(d, r, event{name: "token.revoked", actor: bySystem, email: l.email,
		details: map[string]any{"method": "mail", "session": l.endsSession}})
}

package auth

import (
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// newSession is a session to begin.
type newSession struct {
	sub   string
	kind  string
	label string // of a terminal: its program and computer
	code  string // redeemed by a terminal, or ""
}

// beginSession begins a session and returns its id and its first refresh token.
func (s *Service) beginSession(tx store.Tx, r *request, n newSession) (id, token string, err error) {
	id, token = secret.UUID(), secret.New()
	now := s.now()
	expires := s.endOf(now, now)
	err = tx.InsertSession(store.Session{ID: id, Subject: n.sub, Kind: n.kind, Label: n.label, Origin: r.origin(),
		CreatedAt: now.UnixMilli(), LastUsedAt: now.UnixMilli(), ExpiresAt: expires.UnixMilli()})
	if err != nil {
		return "", "", err
	}
	return id, token, tx.InsertRefresh(token, "", id, n.sub, now, expires)
}

// endOf returns when a session ends that began at began and is used now for the last time.
func (s *Service) endOf(began, now time.Time) time.Time {
	end := now.Add(s.opts.RefreshTTL)
	if last := began.Add(s.opts.SessionTTL); s.opts.SessionTTL > 0 && last.Before(end) {
		return last
	}
	return end
}

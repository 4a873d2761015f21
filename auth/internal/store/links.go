package store

import (
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// Link is a mailed link. It signs in a browser, unless Listener, Device or EndsSession is set.
type Link struct {
	Email                string
	CreatedAt, ExpiresAt time.Time
	IP                   string // of the requester
	Listener             *Listener
	Device               string // hash of the device code of a terminal that polls
	EndsSession          string // the session that it ends
}

// Listener is a terminal that waits for a code on a loopback address (RFC 8252 with RFC 7636).
type Listener struct {
	Challenge   string // base64url SHA-256 of the verifier that the terminal keeps
	RedirectURI string
	State       string
	Client      string // its program, for people
	Hostname    string // for people
}

// InsertLink stores a link under its token.
func (tx Tx) InsertLink(token string, l Link) error {
	named := args{":hash": secret.Hash(token), ":email": l.Email, ":created": l.CreatedAt.UnixMilli(), ":expires": l.ExpiresAt.UnixMilli(),
		":ip": l.IP, ":device": l.Device, ":ends": l.EndsSession,
		":challenge": nil, ":redirect": nil, ":state": nil, ":client": nil, ":hostname": nil}
	if c := l.Listener; c != nil {
		named[":challenge"], named[":redirect"], named[":state"] = c.Challenge, c.RedirectURI, c.State
		named[":client"], named[":hostname"] = c.Client, c.Hostname
	}
	return tx.exec(`INSERT INTO MagicLinks (tokenHash, email, createdAt, expiresAt, ip, deviceHash, endsSession,
		codeChallenge, redirectUri, state, clientName, hostname)
		VALUES (:hash, :email, :created, :expires, :ip, nullif(:device, ''), nullif(:ends, ''),
		:challenge, :redirect, :state, :client, :hostname)`, named, nil)
}

// Link returns a valid link, or [ErrNotFound] or [ErrExpired]. An expired link stays until the
// sweep, so that it is still reported as expired.
func (tx Tx) Link(token string, now time.Time) (l Link, err error) {
	found, err := tx.one("SELECT * FROM MagicLinks WHERE tokenHash = :hash",
		args{":hash": secret.Hash(token)}, func(stmt *sqlite.Stmt) { l = scanLink(stmt) })
	switch {
	case err != nil:
		return l, err
	case !found:
		return l, ErrNotFound
	case now.UnixMilli() > l.ExpiresAt.UnixMilli():
		return l, ErrExpired
	}
	return l, nil
}

func scanLink(stmt *sqlite.Stmt) Link {
	l := Link{
		Email:       stmt.GetText("email"),
		CreatedAt:   time.UnixMilli(stmt.GetInt64("createdAt")),
		ExpiresAt:   time.UnixMilli(stmt.GetInt64("expiresAt")),
		IP:          stmt.GetText("ip"),
		Device:      stmt.GetText("deviceHash"),
		EndsSession: stmt.GetText("endsSession"),
	}
	if !stmt.IsNull("codeChallenge") {
		l.Listener = &Listener{
			Challenge:   stmt.GetText("codeChallenge"),
			RedirectURI: stmt.GetText("redirectUri"),
			State:       stmt.GetText("state"),
			Client:      stmt.GetText("clientName"),
			Hostname:    stmt.GetText("hostname"),
		}
	}
	return l
}

// DropLink deletes a link. Writing transactions run one after another, so of several that found a
// link only one drops it.
func (tx Tx) DropLink(token string) error {
	return tx.exec("DELETE FROM MagicLinks WHERE tokenHash = :hash", args{":hash": secret.Hash(token)}, nil)
}

// DropBrowserLinks deletes the links with which a browser could sign in to an address.
func (tx Tx) DropBrowserLinks(email string) error {
	return tx.exec("DELETE FROM MagicLinks WHERE email = :email AND codeChallenge IS NULL AND deviceHash IS NULL AND endsSession IS NULL",
		args{":email": email}, nil)
}

// Invite returns the address of a valid invitation, or [ErrNotFound] or [ErrExpired].
func (tx Tx) Invite(token string, now time.Time) (email string, err error) {
	var expires int64
	found, err := tx.one("SELECT email, expiresAt FROM InviteTokens WHERE tokenHash = :hash", args{":hash": secret.Hash(token)},
		func(stmt *sqlite.Stmt) { email, expires = stmt.GetText("email"), stmt.GetInt64("expiresAt") })
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", ErrNotFound
	case now.UnixMilli() > expires:
		return "", ErrExpired
	}
	return email, nil
}

// ReplaceInvite stores an invitation and deletes older ones to its address.
func (tx Tx) ReplaceInvite(token, email string, now time.Time, ttl time.Duration) error {
	return errors.Join(
		tx.DropInvites(email),
		tx.exec("INSERT INTO InviteTokens (tokenHash, email, createdAt, expiresAt) VALUES (:hash, :email, :now, :expires)",
			args{":hash": secret.Hash(token), ":email": email, ":now": now.UnixMilli(), ":expires": now.Add(ttl).UnixMilli()}, nil))
}

// DropInvites deletes the invitations to an address.
func (tx Tx) DropInvites(email string) error {
	return tx.exec("DELETE FROM InviteTokens WHERE email = :email", args{":email": email}, nil)
}

package auth

import (
	"errors"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"zombiezen.com/go/sqlite"
)

var (
	errNoSubject = errors.New("no such subject")
	errRevoked   = errors.New("the approval of this address was revoked: only an admin can give it back")
)

// subject is a person, known by an address.
type subject struct {
	sub             string
	email           string
	emailVerified   bool
	adminApproved   bool
	isAdmin         bool
	approvalRevoked bool
	createdAt       int64
	lastLoginAt     int64 // 0: never
	notifiedAt      int64 // when the admins were last told; 0: never

	revoking bool // the approval is being taken away, perhaps not for the first time
}

const subjectColumns = "sub, email, emailVerified, adminApproved, isAdmin, approvalRevokedAt, createdAt, lastLoginAt, notifiedAt"

func scanSubject(stmt *sqlite.Stmt) subject {
	return subject{
		sub:             stmt.GetText("sub"),
		email:           stmt.GetText("email"),
		emailVerified:   stmt.GetBool("emailVerified"),
		adminApproved:   stmt.GetBool("adminApproved"),
		isAdmin:         stmt.GetBool("isAdmin"),
		approvalRevoked: !stmt.IsNull("approvalRevokedAt"),
		createdAt:       stmt.GetInt64("createdAt"),
		lastLoginAt:     stmt.GetInt64("lastLoginAt"),
		notifiedAt:      stmt.GetInt64("notifiedAt"),
	}
}

func (d db) subjectBy(column, value string) (subject, error) {
	var found []subject
	err := d.exec("SELECT "+subjectColumns+" FROM Subjects WHERE "+column+" = :value",
		args{":value": value}, func(stmt *sqlite.Stmt) { found = append(found, scanSubject(stmt)) })
	if err != nil {
		return subject{}, err
	}
	if len(found) == 0 {
		return subject{}, errNoSubject
	}
	return found[0], nil
}

// ensureSubject finds the subject of an address or makes one without rights.
func (d db) ensureSubject(email string, now time.Time) (subj subject, made bool, err error) {
	made, err = d.one(`INSERT INTO Subjects (sub, email, createdAt) VALUES (:sub, :email, :now)
		ON CONFLICT (email) DO NOTHING RETURNING sub`,
		args{":sub": secret.UUID(), ":email": email, ":now": now.UnixMilli()}, nil)
	if err != nil {
		return subject{}, false, err
	}
	subj, err = d.subjectBy("email", email)
	return subj, made, err
}

// saveFlags writes the flags of s.
func (d db) saveFlags(s subject, now time.Time) error {
	return d.exec(`UPDATE Subjects SET emailVerified = :verified, adminApproved = :approved, isAdmin = :admin,
		approvalRevokedAt = CASE WHEN :revoked THEN coalesce(approvalRevokedAt, :now) END WHERE sub = :sub`,
		args{":verified": s.emailVerified, ":approved": s.adminApproved, ":admin": s.isAdmin,
			":revoked": s.approvalRevoked, ":now": now.UnixMilli(), ":sub": s.sub}, nil)
}

// change applies new flags to a subject and records what changed. Taking an
// approval away is remembered, so that nothing automatic gives it back, and ends
// everything by which the subject could come in again.
func (s *Service) change(d db, r *request, actor string, from, to subject) error {
	if err := d.saveFlags(to, s.now()); err != nil {
		return err
	}
	for _, f := range []struct {
		name     string
		from, to bool
	}{
		{"emailVerified", from.emailVerified, to.emailVerified},
		{"isAdmin", from.isAdmin, to.isAdmin},
		{"adminApproved", from.adminApproved, to.adminApproved},
	} {
		if f.from == f.to {
			continue
		}
		err := s.record(d, r, event{name: "subject.updated", actor: actor, target: to.sub, email: to.email,
			details: map[string]any{"field": f.name, "from": f.from, "to": f.to}})
		if err != nil {
			return err
		}
	}
	if !to.revoking {
		return nil
	}
	n, err := d.endSessionsOf(to.sub, endedUnapproved)
	if err == nil {
		err = d.dropInvitations(to)
	}
	if err != nil {
		return err
	}
	return s.record(d, r, event{name: "token.revoked", actor: actor, target: to.sub, email: to.email,
		details: map[string]any{"method": "approval_revoked", "sessions": n}})
}

// dropInvitations deletes every link and token with a name of a subject.
func (d db) dropInvitations(subj subject) error {
	return errors.Join(
		d.exec("DELETE FROM MagicLinks WHERE email = :email", args{":email": subj.email}, nil),
		d.exec("DELETE FROM InviteTokens WHERE email = :email", args{":email": subj.email}, nil),
		d.exec("DELETE FROM NamedTokens WHERE subjectId = :sub", args{":sub": subj.sub}, nil),
	)
}

// verified is called in the transaction that uses a link up: whoever holds the
// link reads the mailbox of email.
func (s *Service) verified(d db, r *request, email string) (subject, error) {
	now := s.now()
	from, made, err := d.ensureSubject(email, now)
	if err != nil {
		return from, err
	}
	if made {
		err := s.record(d, r, event{name: "subject.created", actor: bySystem, target: from.sub, email: email, details: map[string]any{"via": "link"}})
		if err != nil {
			return from, err
		}
	}
	to := from
	to.emailVerified = true
	if s.opts.AutoApprove && !from.emailVerified && !from.approvalRevoked {
		to.adminApproved = true
	}
	if email == s.changeable.Load().BootstrapEmail {
		// Named by the operator, so this outranks an earlier revocation.
		to.isAdmin, to.adminApproved, to.approvalRevoked = true, true, false
	}
	if err := s.change(d, r, bySystem, from, to); err != nil {
		return to, err
	}
	err = d.exec("UPDATE Subjects SET lastLoginAt = :now WHERE sub = :sub", args{":now": now.UnixMilli(), ":sub": to.sub}, nil)
	return to, err
}

// with applies the rules of changing a subject: an admin is approved, and taking
// the approval away takes admin rights with it. (The original leaves them, and
// with them full access.)
func (s subject) with(approved, admin jsonBool) subject {
	if admin.set {
		s.isAdmin = admin.value
	}
	if approved.set {
		s.adminApproved = approved.value
	}
	if s.isAdmin && admin.set {
		s.adminApproved = true
	}
	if approved.set && !approved.value {
		s.isAdmin = false
		s.approvalRevoked, s.revoking = true, true
	} else if s.adminApproved {
		s.approvalRevoked = false
	}
	return s
}

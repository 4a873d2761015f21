package auth

import (
	"errors"
	"regexp"
	"strings"
	"time"

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
}

const subjectColumns = "sub, email, emailVerified, adminApproved, isAdmin, approvalRevokedAt"

func scanSubject(stmt *sqlite.Stmt) subject {
	return subject{
		sub:             stmt.GetText("sub"),
		email:           stmt.GetText("email"),
		emailVerified:   stmt.GetBool("emailVerified"),
		adminApproved:   stmt.GetBool("adminApproved"),
		isAdmin:         stmt.GetBool("isAdmin"),
		approvalRevoked: !stmt.IsNull("approvalRevokedAt"),
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
func (d db) ensureSubject(email string, now time.Time) (subject, error) {
	err := d.exec("INSERT INTO Subjects (sub, email, createdAt) VALUES (:sub, :email, :now) ON CONFLICT (email) DO NOTHING",
		args{":sub": newUUID(), ":email": email, ":now": now.UnixMilli()}, nil)
	if err != nil {
		return subject{}, err
	}
	return d.subjectBy("email", email)
}

// saveSubject writes the flags of s. Taking an approval away is remembered, so
// that nothing automatic gives it back, and ends all sessions.
func (d db) saveSubject(s subject, now time.Time) error {
	err := d.exec(`UPDATE Subjects SET emailVerified = :verified, adminApproved = :approved, isAdmin = :admin,
		approvalRevokedAt = CASE WHEN :revoked THEN coalesce(approvalRevokedAt, :now) END WHERE sub = :sub`,
		args{":verified": s.emailVerified, ":approved": s.adminApproved, ":admin": s.isAdmin,
			":revoked": s.approvalRevoked, ":now": now.UnixMilli(), ":sub": s.sub}, nil)
	if err != nil || !s.approvalRevoked {
		return err
	}
	return errors.Join(
		d.exec("UPDATE RefreshTokens SET revoked = 1 WHERE subjectId = :sub", args{":sub": s.sub}, nil),
		d.exec("DELETE FROM CliCodes WHERE subjectId = :sub", args{":sub": s.sub}, nil),
	)
}

// verified is called in the transaction that uses a link up: whoever holds the
// link reads the mailbox of email.
func (s *Service) verified(d db, email string, now time.Time) (subject, error) {
	subj, err := d.ensureSubject(email, now)
	if err != nil {
		return subj, err
	}
	firstTime := !subj.emailVerified
	subj.emailVerified = true
	if s.opts.AutoApprove && firstTime && !subj.approvalRevoked {
		subj.adminApproved = true
	}
	if email == s.opts.BootstrapEmail {
		// Named by the operator, so this outranks an earlier revocation.
		subj.isAdmin, subj.adminApproved, subj.approvalRevoked = true, true, false
	}
	if err := d.saveSubject(subj, now); err != nil {
		return subj, err
	}
	return subj, d.exec("UPDATE Subjects SET lastLoginAt = :now WHERE sub = :sub",
		args{":now": now.UnixMilli(), ":sub": subj.sub}, nil)
}

// emailSyntax is narrower than RFC 5322: no quotes, comments or brackets, by
// which one mailbox gets many names or a mail carries markup, and a domain with
// at least one dot.
var emailSyntax = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" +
	"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")

// normalEmail returns the form in which an address is compared and stored.
func normalEmail(raw string) (string, bool) {
	email := strings.ToLower(strings.TrimSpace(raw))
	return email, len(email) <= 254 && emailSyntax.MatchString(email)
}

package store

import (
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// Subject is a user, identified by a mail address. Times are milliseconds since 1970.
type Subject struct {
	Sub             string
	Email           string
	EmailVerified   bool
	AdminApproved   bool
	IsAdmin         bool
	ApprovalRevoked bool
	CreatedAt       int64
	LastLoginAt     int64 // 0: never
	NotifiedAt      int64 // when the admins were last notified; 0: never
}

const subjectColumns = "sub, email, emailVerified, adminApproved, isAdmin, approvalRevokedAt, createdAt, lastLoginAt, notifiedAt"

func scanSubject(stmt *sqlite.Stmt) Subject {
	return Subject{
		Sub:             stmt.GetText("sub"),
		Email:           stmt.GetText("email"),
		EmailVerified:   stmt.GetBool("emailVerified"),
		AdminApproved:   stmt.GetBool("adminApproved"),
		IsAdmin:         stmt.GetBool("isAdmin"),
		ApprovalRevoked: !stmt.IsNull("approvalRevokedAt"),
		CreatedAt:       stmt.GetInt64("createdAt"),
		LastLoginAt:     stmt.GetInt64("lastLoginAt"),
		NotifiedAt:      stmt.GetInt64("notifiedAt"),
	}
}

// Subject returns the subject with an id, or [ErrNotFound].
func (tx Tx) Subject(sub string) (Subject, error) { return tx.subjectBy("sub", sub) }

// SubjectByEmail returns the subject with a normal mail address, or [ErrNotFound].
func (tx Tx) SubjectByEmail(email string) (Subject, error) { return tx.subjectBy("email", email) }

func (tx Tx) subjectBy(column, value string) (subj Subject, err error) {
	found, err := tx.one("SELECT "+subjectColumns+" FROM Subjects WHERE "+column+" = :value",
		args{":value": value}, func(stmt *sqlite.Stmt) { subj = scanSubject(stmt) })
	if err == nil && !found {
		err = ErrNotFound
	}
	return subj, err
}

// EnsureSubject finds the subject of an address or creates one without rights.
func (tx Tx) EnsureSubject(email string, now time.Time) (subj Subject, made bool, err error) {
	made, err = tx.one(`INSERT INTO Subjects (sub, email, createdAt) VALUES (:sub, :email, :now)
		ON CONFLICT (email) DO NOTHING RETURNING sub`,
		args{":sub": secret.UUID(), ":email": email, ":now": now.UnixMilli()}, nil)
	if err != nil {
		return Subject{}, false, err
	}
	subj, err = tx.SubjectByEmail(email)
	return subj, made, err
}

// SaveFlags writes the flags of s.
func (tx Tx) SaveFlags(s Subject, now time.Time) error {
	return tx.exec(`UPDATE Subjects SET emailVerified = :verified, adminApproved = :approved, isAdmin = :admin,
		approvalRevokedAt = CASE WHEN :revoked THEN coalesce(approvalRevokedAt, :now) END WHERE sub = :sub`,
		args{":verified": s.EmailVerified, ":approved": s.AdminApproved, ":admin": s.IsAdmin,
			":revoked": s.ApprovalRevoked, ":now": now.UnixMilli(), ":sub": s.Sub}, nil)
}

// NoteLogin sets LastLoginAt.
func (tx Tx) NoteLogin(sub string, now time.Time) error {
	return tx.exec("UPDATE Subjects SET lastLoginAt = :now WHERE sub = :sub", args{":now": now.UnixMilli(), ":sub": sub}, nil)
}

// NoteNotified sets NotifiedAt.
func (tx Tx) NoteNotified(sub string, now time.Time) error {
	return tx.exec("UPDATE Subjects SET notifiedAt = :now WHERE sub = :sub", args{":now": now.UnixMilli(), ":sub": sub}, nil)
}

// DeleteSubject deletes a subject, and with it sessions, tokens and places in lists of actors.
func (tx Tx) DeleteSubject(sub string) error {
	return tx.exec("DELETE FROM Subjects WHERE sub = :sub", args{":sub": sub}, nil)
}

// DropInvitations deletes every link, invitation and named token of a subject.
func (tx Tx) DropInvitations(s Subject) error {
	return errors.Join(
		tx.exec("DELETE FROM MagicLinks WHERE email = :email", args{":email": s.Email}, nil),
		tx.DropInvites(s.Email),
		tx.exec("DELETE FROM NamedTokens WHERE subjectId = :sub", args{":sub": s.Sub}, nil),
	)
}

// Admins returns the addresses of all admins.
func (tx Tx) Admins() (emails []string, err error) {
	err = tx.exec("SELECT email FROM Subjects WHERE isAdmin = 1 ORDER BY email", nil,
		func(stmt *sqlite.Stmt) { emails = append(emails, stmt.ColumnText(0)) })
	return emails, err
}

// SubjectQuery selects subjects.
type SubjectQuery struct {
	Role          string // "admin" or "none"; anything else means both
	Email         string // "" means any
	After         Place
	Limit, Offset int64
}

// Subjects returns at most Limit subjects, newest first.
func (tx Tx) Subjects(q SubjectQuery) (found []Subject, err error) {
	err = tx.exec("SELECT "+subjectColumns+` FROM Subjects
		WHERE (:role NOT IN ('admin', 'none') OR isAdmin = (:role = 'admin')) AND (:email = '' OR email = :email)
		AND (createdAt < :at OR createdAt = :at AND sub > :id)
		ORDER BY createdAt DESC, sub LIMIT :limit OFFSET :offset`,
		args{":role": q.Role, ":email": q.Email, ":at": q.After.At, ":id": q.After.ID, ":limit": q.Limit, ":offset": q.Offset},
		func(stmt *sqlite.Stmt) { found = append(found, scanSubject(stmt)) })
	return found, err
}

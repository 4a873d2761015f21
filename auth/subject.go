package auth

import (
	"errors"

	"github.com/lumenize/lmz/auth/internal/store"
)

var errRevoked = errors.New("the approval of this address was revoked: only an admin can give it back")

// change saves new flags of a subject and records the differences. A revocation of the approval
// is remembered, so that nothing automatic restores it, and ends everything with which the
// subject could sign in again.
func (s *Service) change(tx store.Tx, r *request, actor string, from, to store.Subject, revoking bool) error {
	if err := tx.SaveFlags(to, s.now()); err != nil {
		return err
	}
	for _, f := range []struct {
		name     string
		from, to bool
	}{
		{"emailVerified", from.EmailVerified, to.EmailVerified},
		{"isAdmin", from.IsAdmin, to.IsAdmin},
		{"adminApproved", from.AdminApproved, to.AdminApproved},
	} {
		if f.from == f.to {
			continue
		}
		err := s.record(tx, r, event{name: "subject.updated", actor: actor, target: to.Sub, email: to.Email,
			details: map[string]any{"field": f.name, "from": f.from, "to": f.to}})
		if err != nil {
			return err
		}
	}
	if !revoking {
		return nil
	}
	n, err := tx.EndSessions(to.Sub, store.EndedUnapproved)
	if err == nil {
		err = tx.DropInvitations(to)
	}
	if err != nil {
		return err
	}
	return s.record(tx, r, event{name: "token.revoked", actor: actor, target: to.Sub, email: to.Email,
		details: map[string]any{"method": "approval_revoked", "sessions": n}})
}

// verified marks an address as verified, in the transaction that uses a link up: the user of the
// link can read the mailbox.
func (s *Service) verified(tx store.Tx, r *request, email string) (store.Subject, error) {
	now := s.now()
	from, made, err := tx.EnsureSubject(email, now)
	if err != nil {
		return from, err
	}
	if made {
		err := s.record(tx, r, event{name: "subject.created", actor: bySystem, target: from.Sub, email: email, details: map[string]any{"via": "link"}})
		if err != nil {
			return from, err
		}
	}
	to := from
	to.EmailVerified = true
	if s.opts.AutoApprove && !from.EmailVerified && !from.ApprovalRevoked {
		to.AdminApproved = true
	}
	if email == s.changeable.Load().BootstrapEmail {
		// The operator named it, so this outranks an earlier revocation.
		to.IsAdmin, to.AdminApproved, to.ApprovalRevoked = true, true, false
	}
	if err := s.change(tx, r, bySystem, from, to, false); err != nil {
		return to, err
	}
	err = tx.NoteLogin(to.Sub, now)
	return to, err
}

// with applies the rules for changing a subject: an admin is approved, and revoking the approval
// also revokes admin rights. (The original keeps these, and with them full access.)
func with(s store.Subject, approved, admin jsonBool) (to store.Subject, revoking bool) {
	if admin.set {
		s.IsAdmin = admin.value
	}
	if approved.set {
		s.AdminApproved = approved.value
	}
	if s.IsAdmin && admin.set {
		s.AdminApproved = true
	}
	if approved.set && !approved.value {
		s.IsAdmin = false
		s.ApprovalRevoked, revoking = true, true
	} else if s.AdminApproved {
		s.ApprovalRevoked = false
	}
	return s, revoking
}

package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/store"
)

var (
	errUnapprovedAdmin = badRequest("invalid_request", "An admin cannot be unapproved")
	errSelf            = forbidden("Cannot modify own admin status")
	errSelfDelete      = forbidden("Cannot delete yourself")
	errBootstrap       = forbidden("Cannot modify bootstrap admin")
)

// shownSubject is a subject in an answer.
type shownSubject struct {
	Sub           string   `json:"sub"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"emailVerified"`
	AdminApproved bool     `json:"adminApproved"`
	IsAdmin       bool     `json:"isAdmin"`
	CreatedAt     int64    `json:"createdAt"`
	LastLoginAt   *int64   `json:"lastLoginAt"`
	Actors        []string `json:"authorizedActors"`
}

// show returns a subject with its actors.
func show(tx store.Tx, s store.Subject) (shownSubject, error) {
	shown := shownSubject{Sub: s.Sub, Email: s.Email, EmailVerified: s.EmailVerified, AdminApproved: s.AdminApproved,
		IsAdmin: s.IsAdmin, CreatedAt: s.CreatedAt}
	if s.LastLoginAt != 0 {
		shown.LastLoginAt = &s.LastLoginAt
	}
	var err error
	shown.Actors, err = tx.Actors(s.Sub)
	return shown, err
}

// target returns the subject that a path names.
func target(tx store.Tx, r *request) (store.Subject, error) {
	subj, err := tx.Subject(r.vars[0])
	if err == store.ErrNotFound {
		return subj, errUnknown
	}
	return subj, err
}

// onSubject runs f as an admin on the subject that the path names, and answers with the subject
// afterwards.
func (s *Service) onSubject(w http.ResponseWriter, r *request, f func(tx store.Tx, who caller, subj store.Subject) error) error {
	var shown shownSubject
	err := s.asAdmin(r, func(tx store.Tx, who caller) error {
		subj, err := target(tx, r)
		if err != nil {
			return err
		}
		if err := f(tx, who, subj); err != nil {
			return err
		}
		if subj, err = target(tx, r); err != nil {
			return err
		}
		shown, err = show(tx, subj)
		return err
	})
	if err == nil {
		writeSubject(w, shown)
	}
	return err
}

func writeSubject(w http.ResponseWriter, shown shownSubject) {
	writeJSON(w, http.StatusOK, struct {
		Subject shownSubject `json:"subject"`
	}{shown})
}

// subjectList is a page of subjects. Next is the after of the next page, if there is one.
type subjectList struct {
	Subjects []shownSubject `json:"subjects"`
	Next     string         `json:"next,omitempty"`
	Notice   string         `json:"notice,omitempty"` // on the first page
}

// listSubjects lists subjects, newest first. Query: limit, after (a cursor), offset, role ("admin"
// or "none"), email.
func (s *Service) listSubjects(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	limit, err := wholeNumber(q.Get("limit"), 50, 1, 200)
	if err != nil {
		return err
	}
	offset, err := wholeNumber(q.Get("offset"), 0, 0, 1<<53)
	if err != nil {
		return err
	}
	after, err := parseCursor(q.Get("after"))
	if err != nil {
		return err
	}
	email, _ := NormalEmail(q.Get("email"))
	list := newListPage[shownSubject](limit)
	err = s.asAdmin(r, func(tx store.Tx, _ caller) error {
		found, err := tx.Subjects(store.SubjectQuery{Role: q.Get("role"), Email: email, After: store.Place(after), Limit: limit + 1, Offset: offset})
		if err != nil {
			return err
		}
		for _, subj := range found {
			shown, err := show(tx, subj)
			if err != nil {
				return err
			}
			if !list.add(shown) {
				break
			}
			after = cursor{subj.CreatedAt, subj.Sub}
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := subjectList{Subjects: list.entries}
	if q.Get("after") == "" {
		out.Notice = s.refusals.Why()
	}
	if list.more {
		out.Next = after.String()
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *Service) getSubject(w http.ResponseWriter, r *request) error {
	return s.onSubject(w, r, func(store.Tx, caller, store.Subject) error { return nil })
}

func (s *Service) patchSubject(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var shown shownSubject
	err = s.asAdmin(r, func(tx store.Tx, who caller) error {
		if who.Sub == r.vars[0] {
			return errSelf
		}
		subj, err := target(tx, r)
		if err != nil {
			return err
		}
		if subj.Email == s.changeable.Load().BootstrapEmail {
			return errBootstrap
		}
		to, revoking, err := patched(body, subj)
		if err != nil {
			return err
		}
		if err := s.change(tx, r, who.Sub, subj, to, revoking); err != nil {
			return err
		}
		shown, err = show(tx, to)
		return err
	})
	if err == nil {
		writeSubject(w, shown)
	}
	return err
}

// patched applies a body to a subject. Unknown members are ignored.
func patched(body []byte, subj store.Subject) (to store.Subject, revoking bool, err error) {
	var b struct {
		IsAdmin       jsonBool `json:"isAdmin"`
		AdminApproved jsonBool `json:"adminApproved"`
		Actors        present  `json:"authorizedActors"`
	}
	if err := decodeBody(body, &b); err != nil {
		return subj, false, err
	}
	switch {
	case bool(b.Actors):
		return subj, false, badRequest("invalid_request", "Use POST /subject/:id/actors and DELETE /subject/:id/actors/:actorId to change authorizedActors")
	case b.IsAdmin.value && b.AdminApproved.set && !b.AdminApproved.value:
		return subj, false, errUnapprovedAdmin
	}
	to, revoking = with(subj, b.AdminApproved, b.IsAdmin)
	return to, revoking, nil
}

// present is true if a member exists, whatever its value.
type present bool

func (p *present) UnmarshalJSON([]byte) error { *p = true; return nil }

func (s *Service) deleteSubject(w http.ResponseWriter, r *request) error {
	err := s.asAdmin(r, func(tx store.Tx, who caller) error {
		if who.Sub == r.vars[0] {
			return errSelfDelete
		}
		subj, err := target(tx, r)
		if err != nil {
			return err
		}
		if subj.Email == s.changeable.Load().BootstrapEmail {
			return errBootstrap
		}
		if err := tx.DropInvitations(subj); err != nil {
			return err
		}
		// This also deletes sessions, tokens and places in lists of actors.
		if err := tx.DeleteSubject(subj.Sub); err != nil {
			return err
		}
		return s.record(tx, r, event{name: "subject.deleted", actor: who.Sub, target: subj.Sub, email: subj.Email})
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

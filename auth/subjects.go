package auth

import (
	"errors"
	"net/http"

	"zombiezen.com/go/sqlite"
)

var (
	errUnapprovedAdmin = badRequest("invalid_request", "An admin cannot be unapproved")
	errSelf            = forbidden("Cannot modify own admin status")
	errSelfDelete      = forbidden("Cannot delete yourself")
	errBootstrap       = forbidden("Cannot modify bootstrap admin")
)

// shownSubject is a subject as it is shown.
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

// show adds to a subject who may act for it.
func (d db) show(s subject) (shownSubject, error) {
	shown := shownSubject{Sub: s.sub, Email: s.email, EmailVerified: s.emailVerified, AdminApproved: s.adminApproved,
		IsAdmin: s.isAdmin, CreatedAt: s.createdAt, Actors: []string{}}
	if s.lastLoginAt != 0 {
		shown.LastLoginAt = &s.lastLoginAt
	}
	err := d.exec("SELECT actorSub FROM AuthorizedActors WHERE principalSub = :sub ORDER BY actorSub", args{":sub": s.sub},
		func(stmt *sqlite.Stmt) { shown.Actors = append(shown.Actors, stmt.ColumnText(0)) })
	return shown, err
}

// target is the subject that a path names.
func (d db) target(r *request) (subject, error) {
	subj, err := d.subjectBy("sub", r.vars[0])
	if errors.Is(err, errNoSubject) {
		return subj, errUnknown
	}
	return subj, err
}

// onSubject runs f as an admin on the subject that the path names, and answers
// with that subject as it is afterwards.
func (s *Service) onSubject(w http.ResponseWriter, r *request, f func(d db, who caller, subj subject) error) error {
	var shown shownSubject
	err := s.asAdmin(r, func(d db, who caller) error {
		subj, err := d.target(r)
		if err != nil {
			return err
		}
		if err := f(d, who, subj); err != nil {
			return err
		}
		if subj, err = d.target(r); err != nil {
			return err
		}
		shown, err = d.show(subj)
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

// subjectList is a page of subjects. Next is the after of the next one, if there is one.
type subjectList struct {
	Subjects []shownSubject `json:"subjects"`
	Next     string         `json:"next,omitempty"`
	Notice   string         `json:"notice,omitempty"` // on the first page
}

// listSubjects lists subjects, the newest first. Query: limit, after (a cursor), offset,
// role ("admin" or "none"), email.
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
	err = s.asAdmin(r, func(d db, _ caller) error {
		var found []subject
		err := d.exec("SELECT "+subjectColumns+` FROM Subjects
			WHERE (:role NOT IN ('admin', 'none') OR isAdmin = (:role = 'admin')) AND (:email = '' OR email = :email)
			AND (createdAt < :at OR createdAt = :at AND sub > :id)
			ORDER BY createdAt DESC, sub LIMIT :limit + 1 OFFSET :offset`,
			args{":role": q.Get("role"), ":email": email, ":at": after.at, ":id": after.id, ":limit": limit, ":offset": offset},
			func(stmt *sqlite.Stmt) { found = append(found, scanSubject(stmt)) })
		if err != nil {
			return err
		}
		for _, subj := range found {
			shown, err := d.show(subj)
			if err != nil {
				return err
			}
			if !list.add(shown) {
				break
			}
			after = cursor{subj.createdAt, subj.sub}
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := subjectList{Subjects: list.entries}
	if q.Get("after") == "" {
		out.Notice = s.refusals.notice()
	}
	if list.more {
		out.Next = after.String()
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *Service) getSubject(w http.ResponseWriter, r *request) error {
	return s.onSubject(w, r, func(db, caller, subject) error { return nil })
}

func (s *Service) patchSubject(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var shown shownSubject
	err = s.asAdmin(r, func(d db, who caller) error {
		if who.sub == r.vars[0] {
			return errSelf
		}
		subj, err := d.target(r)
		if err != nil {
			return err
		}
		if subj.email == s.changeable.Load().BootstrapEmail {
			return errBootstrap
		}
		to, err := patched(body, subj)
		if err != nil {
			return err
		}
		if err := s.change(d, r, who.sub, subj, to); err != nil {
			return err
		}
		shown, err = d.show(to)
		return err
	})
	if err == nil {
		writeSubject(w, shown)
	}
	return err
}

// patched applies a body to a subject. Members that it does not know are ignored.
func patched(body []byte, subj subject) (subject, error) {
	var b struct {
		IsAdmin       jsonBool `json:"isAdmin"`
		AdminApproved jsonBool `json:"adminApproved"`
		Actors        present  `json:"authorizedActors"`
	}
	if err := decodeBody(body, &b); err != nil {
		return subj, err
	}
	switch {
	case bool(b.Actors):
		return subj, badRequest("invalid_request", "Use POST /subject/:id/actors and DELETE /subject/:id/actors/:actorId to change authorizedActors")
	case b.IsAdmin.value && b.AdminApproved.set && !b.AdminApproved.value:
		return subj, errUnapprovedAdmin
	}
	return subj.with(b.AdminApproved, b.IsAdmin), nil
}

// present tells whether a member is there, whatever its value.
type present bool

func (p *present) UnmarshalJSON([]byte) error { *p = true; return nil }

func (s *Service) deleteSubject(w http.ResponseWriter, r *request) error {
	err := s.asAdmin(r, func(d db, who caller) error {
		if who.sub == r.vars[0] {
			return errSelfDelete
		}
		subj, err := d.target(r)
		if err != nil {
			return err
		}
		if subj.email == s.changeable.Load().BootstrapEmail {
			return errBootstrap
		}
		if err := d.dropInvitations(subj); err != nil {
			return err
		}
		// Sessions, tokens and the lists of actors go with it.
		if err := d.exec("DELETE FROM Subjects WHERE sub = :sub", args{":sub": subj.sub}, nil); err != nil {
			return err
		}
		return s.record(d, r, event{name: "subject.deleted", actor: who.sub, target: subj.sub, email: subj.email})
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

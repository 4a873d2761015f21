package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/remote"
)

// testing tells whether a request may use what test mode offers: it has to come
// from this machine and to name it, not through a proxy or by a foreign name.
func (s *Service) testing(r *request) bool {
	return s.opts.TestMode && remote.IsThisMachine(r.Request)
}

// setSubjectData changes a subject for a test. It asks nobody's leave, which is
// why it exists in test mode only.
func (s *Service) setSubjectData(w http.ResponseWriter, r *request) error {
	if !s.testing(r) {
		return forbidden("Test mode not enabled")
	}
	var body struct {
		Email         string   `json:"email"`
		AdminApproved jsonBool `json:"adminApproved"`
		IsAdmin       jsonBool `json:"isAdmin"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	email, _ := NormalEmail(body.Email)
	switch {
	case email == "":
		return badRequest("invalid_request", "Email required")
	case body.IsAdmin.value && body.AdminApproved.set && !body.AdminApproved.value:
		return errUnapprovedAdmin
	}
	err := s.tx(r, func(d db) error {
		subj, err := d.subjectBy("email", email)
		if err == errNoSubject {
			return errUnknown
		}
		if err != nil {
			return err
		}
		return s.change(d, r, "test", subj, subj.with(body.AdminApproved, body.IsAdmin))
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

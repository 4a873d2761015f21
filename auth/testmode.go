package auth

import (
	"errors"
	"net/http"
)

// setSubjectData changes a subject for a test. It asks nobody's leave, which is
// why it exists in test mode only.
func (s *Service) setSubjectData(w http.ResponseWriter, r *http.Request) error {
	if !s.opts.TestMode {
		return &Error{http.StatusForbidden, "forbidden", "Test mode not enabled"}
	}
	var body struct {
		Email         string   `json:"email"`
		AdminApproved jsonBool `json:"adminApproved"`
		IsAdmin       jsonBool `json:"isAdmin"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	email, _ := normalEmail(body.Email)
	switch {
	case email == "":
		return badRequest("invalid_request", "Email required")
	case body.IsAdmin.value && body.AdminApproved.set && !body.AdminApproved.value:
		return badRequest("invalid_request", "An admin cannot be unapproved")
	}
	err := s.store.tx(r.Context(), func(d db) error {
		subj, err := d.subjectBy("email", email)
		if err != nil {
			return err
		}
		return d.saveSubject(subj.with(body.AdminApproved, body.IsAdmin), s.now())
	})
	if errors.Is(err, errNoSubject) {
		return &Error{http.StatusNotFound, "not_found", "Subject not found"}
	}
	if err != nil {
		return err
	}
	s.log.Info("subject changed by a test", "email", email)
	w.WriteHeader(http.StatusNoContent)
	return nil
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
		s.approvalRevoked = true
	} else if s.adminApproved {
		s.approvalRevoked = false
	}
	return s
}

package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/remote"
	"github.com/lumenize/lmz/auth/internal/store"
)

// testing reports whether a request may use test mode: it must come from this machine and address
// it as such, not through a proxy or by a foreign name.
func (s *Service) testing(r *request) bool {
	return s.opts.TestMode && remote.IsThisMachine(r.Request)
}

// setSubjectData changes a subject for a test. It needs no permission, which is why it exists in
// test mode only.
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
	err := s.tx(r, func(tx store.Tx) error {
		subj, err := tx.SubjectByEmail(email)
		if err == store.ErrNotFound {
			return errUnknown
		}
		if err != nil {
			return err
		}
		to, revoking := with(subj, body.AdminApproved, body.IsAdmin)
		return s.change(tx, r, "test", subj, to, revoking)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

package auth

// Outcomes of events.
const (
	succeeded = "success"
	failed    = "failure"
)

// event is a line of the audit log. It contains no part of a secret: token, code, link or key.
type event struct {
	name    string // such as "login.succeeded"
	failed  bool
	actor   string // sub of the subject that did it, or "system"
	target  string // sub of the affected subject
	email   string
	details map[string]any
}

const bySystem = "system"

func (e event) outcome() string {
	if e.failed {
		return failed
	}
	return succeeded
}

package auth

// Outcomes of events.
const (
	succeeded = "success"
	failed    = "failure"
)

// event is a line of the audit log. It holds no secrets: no token, code, link or
// key, not even in part.
type event struct {
	name    string // such as "login.succeeded"
	failed  bool
	actor   string // sub of who did it, or "system"
	target  string // sub of whom it is about
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

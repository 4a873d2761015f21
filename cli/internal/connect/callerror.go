package connect

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/output"
)

// CallError describes a failed call. login is the command to sign in; hint is appended to the
// reason.
func CallError(to lmz.Address, method, login string, err error, hint string) error {
	what := output.Shorten(method) + " on " + output.Shorten(to.String())
	code := exit.CodeOf(err)
	reason := err.Error()
	switch {
	case code == exit.Refused:
		what += " was refused"
	case code == exit.Unknown:
		what += " was sent, but its outcome is unknown"
	case code == exit.NotExecuted, code == exit.Login:
		what += " was not executed"
	case code == exit.Failed:
		what += " failed"
	}
	try := ""
	if code == exit.Login {
		try = login
	}
	return exit.Errorf(code, try, "%s: %s%s", what, reason, hint)
}

// Package signin signs users in from a terminal: with a browser on this machine, with a code
// entered in a browser elsewhere, or with a pasted link.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/internal/origin"
)

// loginTimeout is how long a sign-in waits for the link to be confirmed.
const loginTimeout = 10 * time.Minute

// Way is a way to sign in.
type Way int

// The ways to sign in. Any picks one that the machine and the server support.
const (
	Any Way = iota
	Loopback
	Device
	Paste
)

// errNoTerminals is the error of a server without sign-in from terminals.
var errNoTerminals = errors.New("the server does not support sign-in from terminals")

// flow is one sign-in.
type flow struct {
	con           *console.Console
	server, email string
}

// Run signs in to a server as the user with an address.
func Run(ctx context.Context, con *console.Console, server, email string, by Way) (t authclient.Tokens, err error) {
	f := &flow{con, server, email}
	ctx, cancel := context.WithTimeoutCause(ctx, loginTimeout, errLoginTimeout)
	defer cancel()
	switch {
	case by == Paste:
		return f.paste(ctx)
	case by == Device || by == Any && !hasBrowser(con.Getenv):
		t, err = f.device(ctx)
	default:
		t, err = f.loopback(ctx)
	}
	if err != errNoTerminals {
		return t, err
	}
	if by != Any {
		return t, exit.Errorf(exit.NotExecuted, f.hint()+" --paste", "%s does not support this way to sign in", server)
	}
	fmt.Fprintf(con.Err, "%s does not support sign-in from terminals; paste the link instead.\n", server)
	return f.paste(ctx)
}

// hint is the command to try again.
func (f *flow) hint() string { return hint.Login(f.server, f.email) }

var errLoginTimeout = errors.New("the link was not confirmed within " + loginTimeout.String())

// ended is the failure of a sign-in whose ctx has ended.
func (f *flow) ended(ctx context.Context) error {
	if context.Cause(ctx) == errLoginTimeout {
		return exit.Errorf(exit.Login, f.hint(), "%v", errLoginTimeout)
	}
	return ctx.Err()
}

// hasBrowser guesses whether a browser on this machine may open the link.
func hasBrowser(getenv func(string) string) bool {
	for _, remote := range []string{"SSH_CONNECTION", "SSH_TTY", "CODESPACES", "container"} {
		if getenv(remote) != "" {
			return false
		}
	}
	for _, inside := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(inside); err == nil {
			return false
		}
	}
	switch runtime.GOOS {
	case "windows", "darwin":
		return true
	}
	return getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != ""
}

// refused explains why the server refused a sign-in.
func (f *flow) refused(err error) error {
	var refused *authclient.Refusal
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Status == 404:
		return errNoTerminals
	case refused.Status == 400:
		return exit.Usagef("", "%s: %s", output.Line(f.email), refused.Description)
	case refused.Status == 429:
		return exit.Errorf(exit.Login, f.hint()+" --paste", "%s did not sign you in: %v", f.server, refused)
	}
	return exit.Errorf(exit.Login, f.hint(), "%s did not sign you in: %v", f.server, refused)
}

// hostname returns the name of this machine for the mail, or "".
func hostname() string {
	name, _ := os.Hostname()
	return name
}

// pointToMailbox prints where to find the mailbox of lmz dev.
func (f *flow) pointToMailbox(ctx context.Context) {
	if !origin.IsLoopback(strings.TrimPrefix(f.server, "http://")) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if response, err := authclient.Browse(ctx, f.server, http.MethodGet, f.server+"/dev/mail"); err == nil && response.StatusCode == http.StatusOK {
		fmt.Fprintf(f.con.Err, "The mailbox of lmz dev is at %s/dev/mail.\n", f.server)
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
)

// loginTimeout is how long lmz login waits for the link to be confirmed.
const loginTimeout = 10 * time.Minute

// loginOptions are the flags of lmz login magic-link.
type loginOptions struct {
	*account
	loopback, device, paste bool
}

func (a *app) loginCommand() *cobra.Command {
	login := &cobra.Command{
		Use:   "login",
		Short: "Sign in",
		Long:  "login signs this terminal in. Other commands use the sign-in until 'lmz logout'.",
		Args:  noWords,
		RunE: func(*cobra.Command, []string) error {
			return usagef(loginExample, "login needs to know how: magic-link is the one way")
		},
	}
	var o loginOptions
	link := &cobra.Command{
		Use:   "magic-link [EMAIL]",
		Short: "Sign in by a link that is mailed to you",
		Long: "magic-link has the server mail a link to EMAIL, and waits until it is confirmed. There\n" +
			"are three ways, and it picks one by itself:\n\n" +
			"  --loopback  the link is opened in a browser on this machine, which brings the answer\n" +
			"              back to the terminal\n" +
			"  --device    the link is opened anywhere, and asks for a code that the terminal shows;\n" +
			"              for machines without a browser: SSH, containers, no display\n" +
			"  --paste     the link is copied from the mail into the terminal; for servers that know\n" +
			"              neither of the others\n\n" +
			"Signing in with another address keeps both accounts: see 'lmz accounts'.",
		Example: "  lmz login magic-link you@example.com\n  lmz login magic-link --device --server https://mesh.example.com you@example.com",
		Args: func(cmd *cobra.Command, words []string) error {
			if len(words) == 0 {
				return nil
			}
			return oneWord("EMAIL")(cmd, words)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.email = args[0]
			}
			return a.runLogin(cmd.Context(), o)
		},
	}
	o.account = a.serverFlags(link)
	f := link.Flags()
	f.BoolVar(&o.loopback, "loopback", false, "the browser is on this machine")
	f.BoolVar(&o.device, "device", false, "the browser is somewhere else: type a code there")
	f.BoolVar(&o.paste, "paste", false, "paste the link from the mail")
	link.MarkFlagsMutuallyExclusive("loopback", "device", "paste")
	login.AddCommand(link)
	return login
}

func (a *app) runLogin(ctx context.Context, o loginOptions) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	if o.email == "" {
		if o.email, err = a.askEmail(ctx); err != nil {
			return err
		}
	}
	// A place to keep the sign-in is needed, and better now than after the click.
	_, unlock, err := a.openCredentials(ctx, o.account)
	if err != nil {
		return err
	}
	unlock()
	t, err := a.signIn(ctx, server, o)
	if err != nil {
		return err
	}
	return a.keepSignIn(ctx, server, o.account, t)
}

// errNoTerminals is a server that has no sign-in for terminals.
var errNoTerminals = errors.New("the server has no sign-in for terminals")

// signIn signs in by the way that the flags or the machine ask for.
func (a *app) signIn(ctx context.Context, server string, o loginOptions) (t tokens, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginTimeout, errLoginTimeout)
	defer cancel()
	switch {
	case o.paste:
		return a.signInByPaste(ctx, server, o.email)
	case o.device || !o.loopback && !a.hasBrowser():
		t, err = a.signInByDevice(ctx, server, o.email)
	default:
		t, err = a.signInByLoopback(ctx, server, o.email)
	}
	if err != errNoTerminals {
		return t, err
	}
	if o.device || o.loopback {
		return t, failf(exitNotExecuted, loginHint(server, o.email)+" --paste", "%s has no such sign-in for terminals", server)
	}
	fmt.Fprintf(a.Err, "%s has no sign-in for terminals, so the link is to be pasted.\n", server)
	return a.signInByPaste(ctx, server, o.email)
}

var errLoginTimeout = errors.New("nobody confirmed the link within " + loginTimeout.String())

// endedLogin is the failure of a sign-in whose ctx has ended.
func endedLogin(ctx context.Context, server, email string) error {
	if context.Cause(ctx) == errLoginTimeout {
		return failf(exitLogin, loginHint(server, email), "%v", errLoginTimeout)
	}
	return ctx.Err()
}

// hasBrowser guesses whether a browser on this machine may open the link.
func (a *app) hasBrowser() bool {
	for _, remote := range []string{"SSH_CONNECTION", "SSH_TTY", "CODESPACES", "container"} {
		if a.Getenv(remote) != "" {
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
	return a.Getenv("DISPLAY") != "" || a.Getenv("WAYLAND_DISPLAY") != ""
}

// askEmail asks for the address at the terminal.
func (a *app) askEmail(ctx context.Context) (string, error) {
	if !isTerminal(a.In) {
		return "", usagef(loginExample, "EMAIL is missing")
	}
	fmt.Fprint(a.Err, "Mail address: ")
	line, err := a.readLine(ctx)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if line = sameAddress(line); err == nil && line == "" {
		err = usagef(loginExample, "EMAIL is missing")
	}
	return line, err
}

// interruptible runs f, which reads from a terminal, until ctx ends. Then f is left
// behind: nothing can take a read back, and the program is about to exit.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := f()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), context.Cause(ctx)
	}
}

// keepSignIn keeps the tokens of a sign-in and makes its account the active one.
func (a *app) keepSignIn(ctx context.Context, server string, o *account, t tokens) error {
	said, err := readClaims(server, t.Access)
	if err != nil {
		return err
	}
	if said.Email == "" { // the original's tokens have none
		said.Email = sameAddress(o.email)
	}
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return err
	}
	defer unlock()
	inFile, err := c.put(server, signIn{Email: said.Email, Subject: said.Subject, Secrets: t.secrets(time.Now())})
	if err != nil {
		return err
	}
	if err := c.use(server, said.Email); err != nil {
		return err
	}
	if inFile {
		fmt.Fprintf(a.Err, "The sign-in is kept in %s as plain text, readable by you alone.\n", c.path)
	}
	fmt.Fprintf(a.Out, "Signed in to %s as %s.\n", server, oneLine(said.Email))
	if !said.Approved && !said.Admin {
		fmt.Fprintln(a.Err, "The account waits for an admin's approval; calls are refused until then.")
	}
	return nil
}

// refusedLogin is a sign-in that the server did not go along with.
func refusedLogin(server, email string, err error) error {
	var refused *refusal
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Status == 404:
		return errNoTerminals
	case refused.Status == 400:
		return usagef("", "%s: %s", oneLine(email), refused.Description)
	case refused.Status == 429:
		return failf(exitLogin, loginHint(server, email)+" --paste", "%s did not sign you in: %v", server, refused)
	}
	return failf(exitLogin, loginHint(server, email), "%s did not sign you in: %v", server, refused)
}

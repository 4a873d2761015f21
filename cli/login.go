package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/cli/internal/signin"
)

// loginOptions are the flags of lmz login magic-link.
type loginOptions struct {
	*account.Account
	loopback, device, paste bool
}

func loginCommand(con *console.Console) *cobra.Command {
	login := &cobra.Command{
		Use:   "login",
		Short: "Sign in",
		Long: "login signs you in on this machine. Other commands use the sign-in until\n" +
			"'lmz logout'.",
		Args: flags.NoWords,
		RunE: func(*cobra.Command, []string) error {
			return exit.Usagef(hint.LoginExample, "say how to sign in: magic-link is the only way")
		},
	}
	var o loginOptions
	link := &cobra.Command{
		Use:   "magic-link [EMAIL]",
		Short: "Sign in with a mailed link",
		Long: "magic-link asks the server to mail a link to EMAIL and waits until it is\n" +
			"confirmed. There are three ways, and it picks one unless you do:\n\n" +
			"  --loopback  open the link in a browser on this machine, which reports back to the\n" +
			"              terminal\n" +
			"  --device    open the link on any device and enter the code that the terminal shows; for\n" +
			"              machines without a browser: SSH, containers, no display\n" +
			"  --paste     copy the link from the mail into the terminal; for servers that support\n" +
			"              neither of the others\n\n" +
			"Signing in with another address keeps both accounts; see 'lmz accounts'.",
		Example: "  lmz login magic-link you@example.com\n  lmz login magic-link --device --server https://mesh.example.com you@example.com",
		Args: func(cmd *cobra.Command, words []string) error {
			if len(words) == 0 {
				return nil
			}
			return flags.OneWord("EMAIL")(cmd, words)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Email = args[0]
			}
			return runLogin(cmd.Context(), con, o)
		},
	}
	o.Account = account.SignInFlags(con, link)
	f := link.Flags()
	f.BoolVar(&o.loopback, "loopback", false, "confirm in a browser on this machine")
	f.BoolVar(&o.device, "device", false, "confirm in any browser, by entering a code")
	f.BoolVar(&o.paste, "paste", false, "paste the link from the mail")
	link.MarkFlagsMutuallyExclusive("loopback", "device", "paste")
	login.AddCommand(link)
	return login
}

// way returns the way to sign in that the flags select.
func (o loginOptions) way() signin.Way {
	switch {
	case o.paste:
		return signin.Paste
	case o.device:
		return signin.Device
	case o.loopback:
		return signin.Loopback
	}
	return signin.Any
}

func runLogin(ctx context.Context, con *console.Console, o loginOptions) error {
	server, err := o.Origin()
	if err != nil {
		return err
	}
	if o.Email == "" {
		if o.Email, err = askEmail(ctx, con); err != nil {
			return err
		}
	}
	// Find out now, not after the click, whether the sign-in can be stored.
	_, unlock, err := o.Credentials(ctx)
	if err != nil {
		return err
	}
	unlock()
	t, err := signin.Run(ctx, con, server, o.Email, o.way())
	if err != nil {
		return err
	}
	return keepSignIn(ctx, con, server, o.Account, t)
}

// askEmail prompts for the address.
func askEmail(ctx context.Context, con *console.Console) (string, error) {
	if !console.IsTerminal(con.In) {
		return "", exit.Usagef(hint.LoginExample, "EMAIL is missing")
	}
	fmt.Fprint(con.Err, "Email address: ")
	line, err := con.ReadLine(ctx)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if line = credentials.SameAddress(line); err == nil && line == "" {
		err = exit.Usagef(hint.LoginExample, "EMAIL is missing")
	}
	return line, err
}

// keepSignIn stores the tokens of a sign-in and makes its account the active one.
func keepSignIn(ctx context.Context, con *console.Console, server string, o *account.Account, t authclient.Tokens) error {
	said, err := account.ReadClaims(server, t.Access)
	if err != nil {
		return err
	}
	if said.Email == "" { // the original's tokens have none
		said.Email = credentials.SameAddress(o.Email)
	}
	c, unlock, err := o.Credentials(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	inFile, err := c.Put(server, credentials.SignIn{Email: said.Email, Subject: said.Subject, Secrets: t.Secrets(time.Now())})
	if err != nil {
		return err
	}
	if err := c.Use(server, said.Email); err != nil {
		return err
	}
	if inFile {
		fmt.Fprintf(con.Err, "The sign-in is stored unencrypted in %s, which only you can read.\n", c.Path())
	}
	fmt.Fprintf(con.Out, "Signed in to %s as %s.\n", server, output.Line(said.Email))
	if !said.Approved && !said.Admin {
		fmt.Fprintln(con.Err, "Your account is waiting for an admin's approval; until then, calls are refused.")
	}
	return nil
}

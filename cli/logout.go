package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
)

func logoutCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var all bool
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Sign out",
		Long: "logout ends the sign-in at the server and forgets it here. If the server cannot\n" +
			"be reached, the sign-in is still forgotten here, and the exit code is 3. --all\n" +
			"does this for every account at every server.",
		Example: "  lmz logout\n  lmz logout --all",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runLogout(cmd.Context(), con, o, all) },
	}
	o = account.SignInFlags(con, cmd)
	cmd.Flags().BoolVar(&all, "all", false, "sign out of every account at every server")
	return cmd
}

func runLogout(ctx context.Context, con *console.Console, o *account.Account, all bool) error {
	server, c, unlock, err := o.CredentialsAt(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if all {
		return logoutAll(ctx, con, c)
	}
	s, found, err := c.Get(server, o.Email)
	if err == nil && !found && s.Email == "" {
		return account.NotSignedIn(c, server, o.Email)
	}
	return logout(ctx, con, c, server, s, err)
}

func logoutAll(ctx context.Context, con *console.Console, c *credentials.File) error {
	var errs []error
	for _, kept := range c.All() {
		s, _, err := c.Get(kept.Server, kept.Email)
		errs = append(errs, logout(ctx, con, c, kept.Server, s, err))
	}
	if len(errs) == 0 {
		fmt.Fprintln(con.Err, "No account was signed in.")
	}
	if err := errors.Join(errs...); err != nil {
		return exit.Errorf(exit.NotExecuted, "", "%v", err)
	}
	return nil
}

// logout ends a sign-in. If its secrets could not be read, unreadable says why.
func logout(ctx context.Context, con *console.Console, c *credentials.File, server string, s credentials.SignIn, unreadable error) error {
	told := unreadable
	if unreadable == nil && s.Secrets != nil {
		_, told = authclient.Ask(ctx, server, authclient.Request{
			Endpoint: "logout", Refresh: s.Secrets.Refresh, Question: map[string]string{"refresh_token": s.Secrets.Refresh},
		}, nil)
	}
	if err := c.Remove(server, cmp.Or(s.Email, c.Active(server))); err != nil {
		return err
	}
	if told != nil {
		return exit.Errorf(exit.NotExecuted, "", "the sign-in was forgotten here, but %s could not end it: %v", server, told)
	}
	_, err := fmt.Fprintf(con.Out, "Signed out of %s.\n", server)
	return err
}

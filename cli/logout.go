package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

func (a *app) logoutCommand() *cobra.Command {
	var o *account
	var all bool
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Sign out",
		Long: "logout ends the sign-in at the server and forgets it here. When the server cannot be\n" +
			"told, it is forgotten here all the same, and the exit code is 3. With --all it does so\n" +
			"for every account at every server.",
		Example: "  lmz logout\n  lmz logout --all",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runLogout(cmd.Context(), o, all) },
	}
	o = a.serverFlags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "sign out of every account at every server")
	return cmd
}

func (a *app) runLogout(ctx context.Context, o *account, all bool) error {
	server, c, unlock, err := a.credentialsAt(ctx, o)
	if err != nil {
		return err
	}
	defer unlock()
	if all {
		return a.logoutAll(ctx, c)
	}
	s, found, err := c.get(server, o.email)
	if err == nil && !found && s.Email == "" {
		return c.notSignedIn(server, o.email)
	}
	return a.logout(ctx, c, server, s, err)
}

func (a *app) logoutAll(ctx context.Context, c *credentials) error {
	var errs []error
	for _, server := range slices.Sorted(maps.Keys(c.servers)) {
		for _, email := range slices.Sorted(maps.Keys(c.servers[server].Accounts)) {
			s, _, err := c.get(server, email)
			errs = append(errs, a.logout(ctx, c, server, s, err))
		}
	}
	if len(errs) == 0 {
		fmt.Fprintln(a.Err, "Nobody was signed in.")
	}
	if err := errors.Join(errs...); err != nil {
		return failf(exitNotExecuted, "", "%v", err)
	}
	return nil
}

// logout ends a sign-in, whose secrets may be unreadable.
func (a *app) logout(ctx context.Context, c *credentials, server string, s signIn, unreadable error) error {
	told := unreadable
	if unreadable == nil && s.Secrets != nil {
		_, told = ask(ctx, server, authRequest{
			endpoint: "logout", refresh: s.Secrets.Refresh, question: map[string]string{"refresh_token": s.Secrets.Refresh},
		}, nil)
	}
	if err := c.remove(server, cmp.Or(s.Email, c.servers[server].Active)); err != nil {
		return err
	}
	if told != nil {
		return failf(exitNotExecuted, "", "the sign-in is forgotten here, but %s was not told: %v", server, told)
	}
	_, err := fmt.Fprintf(a.Out, "Signed out of %s.\n", server)
	return err
}

package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) logoutCommand() *cobra.Command {
	var o *account
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Sign out",
		Long: "logout ends the sign-in at the server and forgets it here. When the server cannot be\n" +
			"told, it is forgotten here all the same, and the exit code is 3.",
		Example: "  lmz logout",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runLogout(cmd.Context(), o) },
	}
	o = a.accountFlags(cmd)
	return cmd
}

func (a *app) runLogout(ctx context.Context, o *account) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return err
	}
	defer unlock()
	s, found, err := c.get(server)
	if err == nil && !found {
		return notSignedIn(server)
	}
	var told error
	if err == nil {
		told = post(ctx, server, "logout", map[string]string{"refresh_token": s.Secrets.Refresh}, &struct{}{})
	}
	if err := c.remove(server); err != nil {
		return err
	}
	if err != nil || told != nil {
		return failf(exitNotExecuted, "", "the sign-in is forgotten here, but %s was not told: %v", server, cmp.Or(err, told))
	}
	_, err = fmt.Fprintf(a.Out, "Signed out of %s.\n", server)
	return err
}

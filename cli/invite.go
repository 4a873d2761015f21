package cli

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/output"
)

func inviteCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	cmd := &cobra.Command{
		Use:   "invite EMAIL...",
		Short: "Invite people by mail and approve their accounts (admins)",
		Long: "invite mails each address a sign-in link. The accounts are approved already. The\n" +
			"link is valid for a week, unless the server says otherwise.",
		Example: "  lmz invite ann@example.com bob@example.com",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return invite(cmd.Context(), con, o, args) },
	}
	o = account.Flags(con, cmd)
	return cmd
}

func invite(ctx context.Context, con *console.Console, o *account.Account, emails []string) error {
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	var done struct {
		Invited []string
		Errors  []struct{ Email, Error string }
		Notice  string
	}
	if err := s.Do(ctx, http.MethodPost, "invite", map[string][]string{"emails": emails}, &done); err != nil {
		return err
	}
	for _, email := range done.Invited {
		fmt.Fprintf(con.Out, "%s was invited.\n", output.Line(email))
	}
	for _, e := range done.Errors {
		fmt.Fprintf(con.Err, "%s was not invited: %s\n", output.Line(e.Email), output.Line(e.Error))
	}
	con.Notice(done.Notice)
	if len(done.Errors) > 0 {
		return exit.Errorf(exit.Failed, "", "%d of %d could not be invited", len(done.Errors), len(emails))
	}
	return nil
}

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
)

func approveCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	cmd := &cobra.Command{
		Use:   "approve EMAIL",
		Short: "Approve an account that is waiting for it (admins)",
		Long: "approve lets a user who signed in without an invitation use the mesh, and tells\n" +
			"them by mail.",
		Example: "  lmz approve ann@example.com",
		Args:    flags.OneWord("EMAIL"),
		RunE:    func(cmd *cobra.Command, args []string) error { return approve(cmd.Context(), con, o, args[0]) },
	}
	o = account.Flags(con, cmd)
	return cmd
}

func approve(ctx context.Context, con *console.Console, o *account.Account, who string) error {
	s, of, err := o.FindSubject(ctx, who)
	if err != nil {
		return err
	}
	if err := s.Approve(ctx, of.Sub); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "%s was approved.\n", output.Line(of.Email))
	return err
}

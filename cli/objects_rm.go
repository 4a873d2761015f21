package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/gateway"
)

func objectsRmCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	yes := false
	cmd := &cobra.Command{
		Use:   "rm BINDING INSTANCE",
		Short: "Remove one object and everything that it has stored",
		Long: "rm removes an object for good: its keys, tables and alarms, and what it has sent or watches.\n" +
			"It waits until the object is not running anything. Calls that wait behind it are not\n" +
			"executed, and later ones find a new object. A document also leaves the list of documents.\n" +
			"The gateway's log says who removed what.\n\n" +
			"It asks first. Scripts say --yes. Back the object up before: nothing else brings it back.",
		Example: "  lmz objects backup DOCUMENT_DO notes notes.backup\n  lmz objects rm DOCUMENT_DO notes",
		Args:    flags.Words(2, "BINDING INSTANCE"),
		RunE: func(cmd *cobra.Command, words []string) error {
			return runRemove(cmd.Context(), con, o, lmz.At(words[0], words[1]), yes)
		},
	}
	o.Flags(con, cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func runRemove(ctx context.Context, con *console.Console, o connect.Gateway, of lmz.Address, yes bool) error {
	command := hint.Quote(of.Binding) + " " + hint.Quote(of.Instance)
	name := output.Line(of.Binding) + "/" + output.Line(of.Instance)
	if !yes {
		if !console.IsTerminal(con.In) {
			return exit.Usagef("lmz objects rm "+command+" --yes", "removing %s needs a confirmation, and there is no terminal to ask at", name)
		}
		fmt.Fprintf(con.Err, "This removes %s and everything that it has stored, for good. To keep a copy:\n  lmz objects backup %s FILE\nRemove it? [y/N] ", name, output.Line(command))
		sure, err := con.Confirm(ctx)
		if err != nil {
			return err
		}
		if !sure {
			return exit.Errorf(exit.Failed, "", "%s is not removed", name)
		}
	}
	_, err := connect.AskAdmin(ctx, con, o, func(ctx context.Context, via lmz.Caller, admin lmz.Address) (struct{}, error) {
		return gateway.RemoveObject.Call(ctx, via, admin, of)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "%s is removed.\n", name)
	return err
}

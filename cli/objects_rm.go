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
	"github.com/lumenize/lmz/gateway/admin"
)

func objectsRmCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	yes := false
	cmd := &cobra.Command{
		Use:   "rm BINDING INSTANCE",
		Short: "Remove an object and everything it has stored",
		Long: "rm removes an object for good: its keys, tables, alarms, and stored messages. It\n" +
			"waits until the object is idle. Calls queued behind the removal are not\n" +
			"executed, and later calls find a new object. A document also disappears from the\n" +
			"list of documents. The gateway's log says who removed what.\n\n" +
			"rm asks for confirmation; scripts pass --yes. Back up the object first: nothing\n" +
			"else can bring it back.",
		Example: "  lmz objects backup DOCUMENT_DO notes notes.backup\n  lmz objects rm DOCUMENT_DO notes",
		Args:    flags.Words(2, "BINDING INSTANCE"),
		RunE: func(cmd *cobra.Command, words []string) error {
			return runRemove(cmd.Context(), con, o, lmz.At(words[0], words[1]), yes)
		},
	}
	o.Flags(con, cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return cmd
}

func runRemove(ctx context.Context, con *console.Console, o connect.Gateway, of lmz.Address, yes bool) error {
	command := hint.Quote(of.Binding) + " " + hint.Quote(of.Instance)
	name := output.Line(of.Binding) + "/" + output.Line(of.Instance)
	if !yes {
		if !console.IsTerminal(con.In) {
			return exit.Usagef("lmz objects rm "+command+" --yes", "removing %s needs confirmation, and stdin is not a terminal", name)
		}
		fmt.Fprintf(con.Err, "This permanently removes %s and everything it has stored. To keep a copy:\n  lmz objects backup %s FILE\nRemove it? [y/N] ", name, output.Line(command))
		sure, err := con.Confirm(ctx)
		if err != nil {
			return err
		}
		if !sure {
			return exit.Errorf(exit.Failed, "", "%s was not removed", name)
		}
	}
	_, err := connect.AskAdmin(ctx, con, o, func(ctx context.Context, via lmz.Caller, at lmz.Address) (struct{}, error) {
		return admin.RemoveObject.Call(ctx, via, at, of)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "%s was removed.\n", name)
	return err
}

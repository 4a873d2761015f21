package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
)

func (a *app) objectsRmCommand() *cobra.Command {
	var o gatewayCall
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
		Args:    words(2, "BINDING INSTANCE"),
		RunE: func(cmd *cobra.Command, words []string) error {
			return a.runRemove(cmd.Context(), o, lmz.At(words[0], words[1]), yes)
		},
	}
	a.gatewayFlags(cmd, &o)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) runRemove(ctx context.Context, o gatewayCall, of lmz.Address, yes bool) error {
	command := shellWord(of.Binding) + " " + shellWord(of.Instance)
	name := oneLine(of.Binding) + "/" + oneLine(of.Instance)
	if !yes {
		if !isTerminal(a.In) {
			return usagef("lmz objects rm "+command+" --yes", "removing %s needs a confirmation, and there is no terminal to ask at", name)
		}
		fmt.Fprintf(a.Err, "This removes %s and everything that it has stored, for good. To keep a copy:\n  lmz objects backup %s FILE\nRemove it? [y/N] ", name, oneLine(command))
		sure, err := a.askYes(ctx)
		if err != nil {
			return err
		}
		if !sure {
			return failf(exitFailed, "", "%s is not removed", name)
		}
	}
	_, err := askAdmin(ctx, a, o, func(ctx context.Context, via lmz.Caller, admin lmz.Address) (struct{}, error) {
		return gateway.RemoveObject.Call(ctx, via, admin, of)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s is removed.\n", name)
	return err
}

// askYes reports whether the user at the terminal says yes.
func (a *app) askYes(ctx context.Context) (bool, error) {
	line, err := a.readLine(ctx)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	answer := strings.ToLower(line)
	return answer == "y" || answer == "yes", err
}

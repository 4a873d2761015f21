package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/tui"
)

// editOptions are the flags of lmz edit.
type editOptions struct {
	*account
	tab tabName
	log string
}

func (a *app) editCommand() *cobra.Command {
	var o editOptions
	cmd := &cobra.Command{
		Use:   "edit DOCUMENT",
		Short: "Edit a document in the terminal, together with others",
		Long: "edit opens a document of the editor example. Everyone who has it open, here or in the\n" +
			"page, sees the changes of the others. The text travels whole and the last writer wins;\n" +
			"what arrives while you type is held until you take it.",
		Example: "  lmz edit notes",
		Args:    oneWord("DOCUMENT"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runEdit(cmd.Context(), o, args[0]) },
	}
	o.account = a.accountFlags(cmd)
	cmd.Flags().Var(&o.tab, "tab", tabUsage)
	cmd.Flags().StringVar(&o.log, "log", "", "`file` that gets a line for every event, never the text")
	return cmd
}

func (a *app) runEdit(ctx context.Context, o editOptions, document string) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	if document == "" {
		return usagef("lmz edit notes", "the name of the document is empty")
	}
	if !isTerminal(a.In) || !isTerminal(a.Out) {
		return usagef("lmz call", "edit needs a terminal")
	}
	// Who is not signed in should not see a screen come and go.
	if _, err := a.token(ctx, o.account, server, ""); errors.Is(err, client.ErrLoginRequired) {
		return err
	}
	var log io.Writer
	if o.log != "" {
		f, err := os.OpenFile(o.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("no log: %w", err)
		}
		defer f.Close()
		log = f
	}
	options := a.clientOptions(o.account, server)
	options.Tab = string(o.tab)
	err = tui.Run(ctx, tui.Options{
		Client: options, Document: document, Input: a.In, Output: a.Out, Getenv: a.Getenv, Log: log,
	})
	var login *client.LoginRequiredError
	if errors.As(err, &login) {
		return loginRequired(server, login.Reason)
	}
	return err
}

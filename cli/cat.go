package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/printable"
)

func catCommand(con *console.Console) *cobra.Command {
	var o connect.Connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cat DOCUMENT",
		Short: "Print the text of a document",
		Long: "cat prints the exact text of a document of the editor example. On a terminal it\n" +
			"ends the last line if the text does not.",
		Example: "  lmz cat notes > notes.txt\n  lmz cat notes --json",
		Args:    flags.OneWord("DOCUMENT"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runCat(cmd.Context(), con, o, args[0], asJSON) },
	}
	o.Account = account.Flags(con, cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: document, version, text")
	return cmd
}

// explainRead turns the error for a missing document into one with an exit code.
func explainRead(err error) error {
	var known *lmz.Error
	if errors.As(err, &known) && known.Name == editor.NoDocumentName {
		return exit.Errorf(exit.Absent, "lmz ls", "%s", known.Message)
	}
	return err
}

func runCat(ctx context.Context, con *console.Console, o connect.Connection, document string, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, lmz.DefaultTimeout)
	defer cancel()
	peer, err := o.Open(ctx, con)
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	content, version, err := editor.ReadAll(ctx, peer, document)
	if err != nil {
		return explainRead(err)
	}
	if asJSON {
		return output.JSON(con.Out, map[string]any{"document": document, "version": version, "text": content})
	}
	if con.Terminal {
		content = printable.Text(content)
		if content != "" && !strings.HasSuffix(content, "\n") {
			content += "\n"
		}
	}
	_, err = io.WriteString(con.Out, content)
	return err
}

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

func lsCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	limit := 0
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the documents",
		Long: "ls lists the documents of the editor example in the order of their names, one\n" +
			"per line.",
		Example: "  lmz ls\n  lmz ls --limit 20 --json",
		Args:    flags.NoWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.Do(cmd.Context(), con, o.Timeout, func(ctx context.Context, peer *client.Peer, _ string) error {
				return listDocuments(ctx, con, peer, o.JSON, limit)
			})
		},
	}
	o.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object per line: document")
	return cmd
}

// listedDocument is the JSON of a document in lmz ls.
type listedDocument struct {
	Document string `json:"document"`
}

func listDocuments(ctx context.Context, con *console.Console, peer *client.Peer, asJSON bool, limit int) error {
	list := output.List[listedDocument]{Out: con.Out, JSON: asJSON, Head: "DOCUMENT", Row: func(d listedDocument) []string { return []string{d.Document} }}
	after := ""
	err := list.Pages(limit, func(want int) (all []listedDocument, last bool, err error) {
		page, err := editor.ListDocuments.Call(ctx, peer, lmz.At(editor.WorkspaceBinding, editor.WorkspaceName), after, want)
		for _, name := range page.Names {
			all = append(all, listedDocument{name})
		}
		after = page.Next
		return all, after == "", err
	})
	if err == nil && list.Printed() == 0 && !asJSON {
		fmt.Fprintln(con.Err, "There are no documents yet.")
	}
	return err
}

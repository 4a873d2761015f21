package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

func (a *app) lsCommand() *cobra.Command {
	var o gatewayCall
	limit := 0
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List the documents",
		Long:    "ls lists the documents of the editor example in the order of their names, one a line.",
		Example: "  lmz ls\n  lmz ls --limit 20 --json",
		Args:    noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.connected(cmd.Context(), o.connection, o.timeout, func(ctx context.Context, peer *client.Peer, _ string) error {
				return a.listDocuments(ctx, peer, o.json, limit)
			})
		},
	}
	a.gatewayFlags(cmd, &o)
	limitFlag(cmd, &limit)
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line: document")
	return cmd
}

// listedDocument is the JSON of a document in lmz ls.
type listedDocument struct {
	Document string `json:"document"`
}

func (a *app) listDocuments(ctx context.Context, peer *client.Peer, asJSON bool, limit int) error {
	list := listing[listedDocument]{a: a, json: asJSON, head: "DOCUMENT", row: func(d listedDocument) []string { return []string{d.Document} }}
	after := ""
	err := list.pages(limit, func(want int) (all []listedDocument, last bool, err error) {
		page, err := editor.ListDocuments.Call(ctx, peer, lmz.At(editor.WorkspaceBinding, editor.WorkspaceName), after, want)
		for _, name := range page.Names {
			all = append(all, listedDocument{name})
		}
		after = page.Next
		return all, after == "", err
	})
	if err == nil && list.printed == 0 && !asJSON {
		fmt.Fprintln(a.Err, "There are no documents yet.")
	}
	return err
}

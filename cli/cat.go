package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/printable"
)

func (a *app) catCommand() *cobra.Command {
	var o connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "cat DOCUMENT",
		Short:   "Print the text of a document",
		Long:    "cat prints the text of a document of the editor example as it is, to the byte. On a\nterminal, where its last line may have no end, it gets one.",
		Example: "  lmz cat notes > notes.txt\n  lmz cat notes --json",
		Args:    oneWord("DOCUMENT"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runCat(cmd.Context(), o, args[0], asJSON) },
	}
	o.account = a.accountFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: document, version, text")
	return cmd
}

// explainRead says that there is no such document.
func explainRead(err error) error {
	var known *lmz.Error
	if errors.As(err, &known) && known.Name == editor.NoDocumentName {
		return failf(exitAbsent, "lmz ls", "%s", known.Message)
	}
	return err
}

func (a *app) runCat(ctx context.Context, o connection, document string, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, lmz.DefaultTimeout)
	defer cancel()
	peer, err := a.connect(ctx, o)
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
		return a.encodeJSON(map[string]any{"document": document, "version": version, "text": content})
	}
	if a.terminal {
		content = printable.Text(content)
		if content != "" && !strings.HasSuffix(content, "\n") {
			content += "\n"
		}
	}
	_, err = io.WriteString(a.Out, content)
	return err
}

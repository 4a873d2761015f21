package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/tui"
)

// editOptions are the flags of lmz edit.
type editOptions struct {
	*account.Account
	tab      flags.Tab
	log, as  string
	stateDir string
}

func editCommand(con *console.Console) *cobra.Command {
	var o editOptions
	cmd := &cobra.Command{
		Use:   "edit [DOCUMENT]",
		Short: "Edit a document in the terminal, together with others",
		Long: "edit opens a document of the editor example, or lets you pick one. Everyone who has it\n" +
			"open, here or in the page, types in it at once. Without a connection you type on: what\n" +
			"is not sent is kept on this machine and goes when it can, at the next opening if need\n" +
			"be.\n\n" +
			"With --as, the argument is a file: its text becomes the document's, and while it is open\n" +
			"the file has what the document has. It keeps its line ends (if they are mixed, all become\n" +
			"as most are, which edit says), its byte order mark, owner and mode.",
		Example: "  lmz edit notes\n  lmz edit README.md --as readme",
		Args: func(cmd *cobra.Command, words []string) error {
			if len(words) == 0 {
				return nil
			}
			return flags.OneWord("DOCUMENT")(cmd, words)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			word := ""
			if len(args) == 1 {
				if word = args[0]; word == "" {
					return exit.Usagef("lmz edit notes", "the name of the document is empty")
				}
			}
			return runEdit(cmd.Context(), con, o, word)
		},
	}
	o.Account = account.Flags(con, cmd)
	f := cmd.Flags()
	f.Var(&o.tab, "tab", flags.TabUsage)
	f.StringVar(&o.as, "as", "", "`document` that shares the text of the file DOCUMENT")
	f.StringVar(&o.log, "log", "", "`file` that gets a line for every event, never the text")
	f.StringVar(&o.stateDir, "state-dir", "", "`directory` for what is not sent yet (default lmz in $XDG_STATE_HOME or ~/.local/state)")
	return cmd
}

func runEdit(ctx context.Context, con *console.Console, o editOptions, word string) error {
	server, err := o.Origin()
	if err != nil {
		return err
	}
	document, file := word, ""
	if o.as != "" {
		if document, file = o.as, word; file == "" {
			return exit.Usagef("lmz edit README.md --as readme", "--as says what a file is called: the file is missing")
		}
	}
	if !console.IsTerminal(con.In) || !con.Terminal {
		return exit.Usagef("lmz cat", "edit needs a terminal")
	}
	// Who is not signed in should not see a screen come and go.
	token, err := o.Token(ctx, server, "")
	if errors.Is(err, client.ErrLoginRequired) {
		return err
	}
	if o.stateDir, err = stateDir(con, o.stateDir); err != nil {
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
	options := connect.ClientOptions(o.Account, server)
	options.Tab = string(o.tab)
	// Without a connection there may be no token: then who signed in.
	email, subject := o.Kept(ctx, server)
	err = tui.Run(ctx, tui.Options{
		Client: options, Document: document, File: file, StateDir: o.stateDir, Account: cmp.Or(account.NameOf(token), subject),
		Input: con.In, Output: con.Screen(), Getenv: con.Getenv, Log: log,
	})
	var login *client.LoginRequiredError
	if errors.As(err, &login) {
		return exit.LoginRequired(server, email, login.Reason)
	}
	return err
}

// stateDir is where a program keeps what is to survive it and is no settings.
func stateDir(con *console.Console, dir string) (string, error) {
	if dir != "" {
		return filepath.Abs(dir)
	}
	base := con.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", exit.Usagef("--state-dir DIR", "no home directory to keep what is not sent in: %v", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "lmz"), nil
}

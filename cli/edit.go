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
		Long: "edit opens a document of the editor example, or lets you pick one. Everyone who\n" +
			"has it open, here or in the browser, edits it at the same time. You can keep\n" +
			"typing while offline: unsent changes are stored on this machine and are sent\n" +
			"when possible, or else the next time you open the document.\n\n" +
			"With --as, the argument is a file. Its text becomes the document's, and while it\n" +
			"is open the file mirrors the document. The file keeps its byte order mark,\n" +
			"owner, mode, and line endings; if these are mixed, all become the most frequent\n" +
			"one, and edit says so.",
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
					return exit.Usagef("lmz edit notes", "the document name is empty")
				}
			}
			return runEdit(cmd.Context(), con, o, word)
		},
	}
	o.Account = account.Flags(con, cmd)
	f := cmd.Flags()
	f.Var(&o.tab, "tab", flags.TabUsage)
	f.StringVar(&o.as, "as", "", "name of the `document` that shares the file's text")
	f.StringVar(&o.log, "log", "", "`file` to log events to, without their text")
	f.StringVar(&o.stateDir, "state-dir", "", "`directory` for unsent changes (default lmz in $XDG_STATE_HOME or ~/.local/state)")
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
			return exit.Usagef("lmz edit README.md --as readme", "--as needs the file as its argument")
		}
	}
	if !console.IsTerminal(con.In) || !con.Terminal {
		return exit.Usagef("lmz cat", "edit needs a terminal")
	}
	// Without a sign-in, fail before the screen appears.
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
			return fmt.Errorf("cannot open the log: %w", err)
		}
		defer f.Close()
		log = f
	}
	options := connect.ClientOptions(o.Account, server)
	options.Tab = string(o.tab)
	// Offline there may be no token; the subject of the sign-in identifies the user then.
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

// stateDir returns the directory for state that outlives the program but is not settings.
func stateDir(con *console.Console, dir string) (string, error) {
	if dir != "" {
		return filepath.Abs(dir)
	}
	base := con.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", exit.Usagef("--state-dir DIR", "no home directory for unsent changes: %v", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "lmz"), nil
}

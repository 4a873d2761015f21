package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/text"
)

func watchCommand(con *console.Console) *cobra.Command {
	var o connect.Connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "watch DOCUMENT",
		Short: "Print changes to a document as they happen",
		Long: "watch prints a line for each change to a document of the editor example, from\n" +
			"now until Ctrl-C: who made it, on which line, what was removed, and what was\n" +
			"inserted. It reconnects after a lost connection without missing changes.",
		Example: "  lmz watch notes\n  lmz watch notes --json | jq .by",
		Args:    flags.OneWord("DOCUMENT"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runWatch(cmd.Context(), con, o, args[0], asJSON) },
	}
	o.Account = account.Flags(con, cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per line: version, by, changes of from, to, line, removed, inserted")
	return cmd
}

// watcher follows a document. Notifications of edits only wake it; it then requests all that
// it lacks, so a lost connection cannot make it miss any.
type watcher struct {
	con      *console.Console
	json     bool
	document lmz.Address
	peer     atomic.Pointer[client.Peer] // nil before the first connection
	wake     chan struct{}
	text     *text.Text
	version  int
}

func runWatch(ctx context.Context, con *console.Console, o connect.Connection, document string, asJSON bool) error {
	w := &watcher{con: con, json: asJSON, document: lmz.At(editor.DocumentBinding, document), wake: make(chan struct{}, 1)}
	mux := new(lmz.Mux)
	editor.HandleEdits.Expose(mux, editor.FromDocument, func(context.Context, string, []editor.Made) (struct{}, error) {
		w.poke()
		return struct{}{}, nil
	}, lmz.Params("document", "edits"), lmz.Doc("Takes edits of the document that is watched."))
	o.Handler = mux
	o.OnSubscriptionRequired = func(ctx context.Context) {
		if peer := w.peer.Load(); peer != nil { // a later session; runWatch subscribes in the first
			editor.Subscribe.Call(ctx, peer, w.document)
			w.poke()
		}
	}
	o.OnMissed = func(context.Context, lmz.Address, int) { w.poke() }
	server, err := o.Origin()
	if err != nil {
		return err
	}
	over := make(chan *client.LoginRequiredError, 1)
	o.OnLoginRequired = func(err *client.LoginRequiredError) { over <- err }
	peer, err := o.Open(ctx, con)
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	w.peer.Store(peer)
	if err := w.read(ctx); err != nil {
		return explainRead(err)
	}
	if _, err := editor.Subscribe.Call(ctx, peer, w.document); err != nil {
		return err
	}
	w.poke() // for edits between the two calls
	fmt.Fprintf(con.Err, "Watching %s from version %d. Press Ctrl-C to stop.\n", output.Line(document), w.version)
	for {
		select {
		case <-ctx.Done():
			return nil // Ctrl-C
		case err := <-over:
			email, _ := o.Kept(ctx, server)
			return connect.SignInAgain(server, email, err, fmt.Sprintf("%s ended the connection: %s", server, err.Reason))
		case <-w.wake:
		}
		if err := w.catchUp(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (w *watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) read(ctx context.Context) error {
	content, version, err := editor.ReadAll(ctx, w.peer.Load(), w.document.Instance)
	w.text, w.version = text.NewText(content), version
	return err
}

// catchUp prints the changes since the last call. If the server is away or the outcome is
// unknown, it returns nil: the next connection wakes the watcher again.
func (w *watcher) catchUp(ctx context.Context) error {
	for {
		missing, err := editor.Changes.Call(ctx, w.peer.Load(), w.document, w.version)
		var known *lmz.Error
		switch {
		case errors.As(err, &known) && known.Name == editor.TooOldName:
			fmt.Fprintln(w.con.Err, "Too many versions behind: some changes were missed.")
			return w.read(ctx)
		case errors.Is(err, lmz.ErrOutcomeUnknown), errors.Is(err, lmz.ErrNotExecuted):
			return nil
		case err != nil:
			return err
		}
		for _, made := range missing.Made {
			if err := w.print(made); err != nil {
				return err
			}
		}
		if w.version >= missing.Version || len(missing.Made) == 0 {
			return nil
		}
	}
}

// watchedChange is one replacement of an edit.
type watchedChange struct {
	From     int    `json:"from"` // UTF-16 units, in the text before the edit
	To       int    `json:"to"`
	Line     int    `json:"line"` // from 1
	Removed  string `json:"removed"`
	Inserted string `json:"inserted"`
}

func (w *watcher) print(made editor.Made) error {
	if made.Version <= w.version {
		return nil
	}
	edit, err := made.Edit()
	if err != nil {
		return err
	}
	changes := []watchedChange{}
	for c := range edit.Changes.Changes() {
		changes = append(changes, watchedChange{c.From, c.To, w.text.LineAt(c.From) + 1, w.text.Slice(c.From, c.To), c.Insert})
	}
	if err := w.text.Apply(edit.Changes); err != nil {
		return err
	}
	w.version = made.Version
	if w.json {
		return output.JSON(w.con.Out, map[string]any{"version": made.Version, "by": made.By, "changes": changes})
	}
	for _, c := range changes {
		line := fmt.Sprintf("%d  %s  line %d:", made.Version, output.Line(made.By), c.Line)
		if c.Removed != "" {
			line += " -" + quoted(c.Removed)
		}
		if c.Inserted != "" {
			line += " +" + quoted(c.Inserted)
		}
		if _, err := fmt.Fprintln(w.con.Out, w.fit(line)); err != nil {
			return err
		}
	}
	return nil
}

// quoted returns text on one line, with visible line breaks.
func quoted(s string) string {
	return `"` + printable.Line(strings.NewReplacer("\n", "↵", "\t", "→").Replace(s)) + `"`
}

// fit truncates a line to the width of the terminal. Pipes get whole lines.
func (w *watcher) fit(line string) string {
	width := w.con.Width()
	if width == 0 {
		return line
	}
	return ansi.Truncate(line, width, "…")
}

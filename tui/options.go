// Package tui edits a shared document in a terminal, online and offline: it shows a document
// of examples/editor, together with the cursors of everyone who edits it.
package tui

import (
	"io"

	"github.com/lumenize/lmz/client"
)

// Options configures [Run]. The zero value of a field means its default.
type Options struct {
	// Client configures the connection to the gateway. URL and Token are required. Run calls
	// the callbacks after its own, and replaces Handler.
	Client client.Options

	// Document is the name of the document. Empty lets the user pick one.
	Document string

	// File is the path of a file on this machine that mirrors the document while it is open.
	// If one of the two is empty, it gets the text of the other; if neither is, the user
	// chooses. It requires Document. Empty shares no file.
	File string

	// StateDir is the directory for unsaved edits, which the next opening sends. If it is
	// empty, they are only in memory and are lost when the process ends.
	StateDir string

	// Account is a stable name of the user: other users of the same StateDir do not send this
	// user's edits.
	Account string

	// Input and Output are the terminal; nil means os.Stdin and os.Stdout.
	Input  io.Reader
	Output io.Writer

	// Getenv returns TERM, COLORTERM, NO_COLOR and other variables that describe the terminal.
	// Nil means os.Getenv.
	Getenv func(string) string

	// Log gets one line per event, with its time: a state change, a required subscription
	// and the number of these, a save, or an error. It never gets the text of the document.
	// Nil discards the log.
	Log io.Writer
}

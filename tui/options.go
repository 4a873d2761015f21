// Package tui is the terminal editor: a document of examples/editor on the screen of a
// terminal, which others edit at the same time.
package tui

import (
	"io"

	"github.com/lumenize/lmz/client"
)

// Options configures [Run]. The zero value of a field means its default.
type Options struct {
	// Client says how to reach the gateway. Its URL and Token are required. Run calls
	// the callbacks in it after its own. Its Handler is replaced.
	Client client.Options

	// Document is the name of the document. Empty lets the user pick one.
	Document string

	// File is the path of a file on this machine that has the text of the document as long
	// as it is open: one of the two that is empty gets the text of the other, and the user
	// is asked if both have one. Document is required then. Empty shares no file.
	File string

	// StateDir is where what is not saved is kept, so that the next opening can send it.
	// Empty keeps it in memory only: what is unsaved then dies with the process.
	StateDir string

	// Account is who the user is, by any name that stays the same: others who use the
	// same StateDir do not send what this one typed.
	Account string

	// Input and Output are the terminal; nil means os.Stdin and os.Stdout.
	Input  io.Reader
	Output io.Writer

	// Getenv is asked for TERM, COLORTERM, NO_COLOR and what else describes the
	// terminal. Nil means os.Getenv.
	Getenv func(string) string

	// Log gets one line per event: the time, and a change of state, a subscription
	// that became required and how often that was, a save, or an error. The text of
	// the document is never in it. Nil discards.
	Log io.Writer
}

// Package tui is the terminal editor: one document of examples/editor on the screen
// of a terminal.
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

	// Document is the name of the document. Required.
	Document string

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

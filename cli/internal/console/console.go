// Package console is the surroundings of one run of lmz: stdin, stdout, stderr, the
// environment, and the terminal if there is one.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/internal/textin"
)

// Streams are what a [Console] is made from. All fields but Program are required.
type Streams struct {
	In     io.Reader
	Out    io.Writer // results
	Err    io.Writer // everything else
	Getenv func(string) string

	Program string // the command that hints start with; the default is lmz
}

// Console is the console of one run. Err, and Out if it is a terminal, escape characters that
// terminals would obey.
type Console struct {
	Streams
	Terminal bool // Out is one

	given   Streams        // as they were given
	written *checkedWriter // in front of the given Out, except for servers, which have outlets
	drain   func()         // flushes outlets
}

// New returns the console of a run. Close it.
func New(given Streams) *Console {
	c := &Console{
		Streams: given, given: given, Terminal: IsTerminal(given.Out),
		written: &checkedWriter{to: given.Out}, drain: func() {},
	}
	c.Getenv = textin.Getenv(given.Getenv)
	c.Out, c.Err = c.escaped(c.written), printable.NewWriter(given.Err)
	if c.Program == "" {
		c.Program = "lmz"
	}
	return c
}

// escaped returns w as Out.
func (c *Console) escaped(w io.Writer) io.Writer {
	if c.Terminal {
		return printable.NewWriter(w)
	}
	return w
}

// Close flushes the outlets of a server.
func (c *Console) Close() { c.drain() }

// WriteError returns the first error of a write to Out. No command may claim success for
// results that could not be written.
func (c *Console) WriteError() error { return c.written.failed() }

// Screen returns stdout as it was given, for programs that draw.
func (c *Console) Screen() io.Writer { return c.given.Out }

// Width returns how many columns the terminal at Out has; 0 if Out is not a terminal.
func (c *Console) Width() int {
	f, ok := c.given.Out.(interface{ Fd() uintptr })
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Notice prints a notice from a server unless it is empty.
func (c *Console) Notice(text string) {
	if text != "" {
		fmt.Fprintln(c.Err, printable.Line(strings.TrimSpace(text)))
	}
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

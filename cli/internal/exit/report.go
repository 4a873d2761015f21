package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/lumenize/lmz/internal/printable"
)

// Report prints an error that ended a command, if there is one, and returns the exit code.
// An error without a code gets that of the mesh. In hints, program replaces lmz. Once ctx
// has ended, the command counts as interrupted, unless its arguments were wrong.
func Report(ctx context.Context, w io.Writer, program string, err error) int {
	if err == nil {
		return OK
	}
	var f *Error
	if !errors.As(err, &f) {
		f = &Error{Code: CodeOf(err), Message: err.Error()}
	}
	if ctx.Err() != nil && f.Code != Usage {
		f = interrupted(err)
	}
	if f.Message != "" {
		fmt.Fprintln(w, "lmz: "+oneLine(f.Message))
	}
	if f.Try != "" {
		try := f.Try
		if words, ok := strings.CutPrefix(try, "lmz "); ok {
			try = program + " " + words
		}
		fmt.Fprintln(w, "Try: "+oneLine(try))
	}
	return f.Code
}

// interrupted is err after Ctrl-C; its message tells what did not end well.
func interrupted(err error) *Error {
	f := &Error{Code: Interrupted, Message: "interrupted"}
	if err != context.Canceled {
		f.Message += ": " + err.Error()
	}
	return f
}

// ReportBug prints a recovered panic with its stack, and returns the exit code.
func ReportBug(w io.Writer, r any) int {
	fmt.Fprintf(w, "lmz: bug in lmz; please report it with the following: %s\n", oneLine(fmt.Sprint(r)))
	w.Write(debug.Stack())
	return Bug
}

// oneLine makes text that may come from elsewhere fit on one line of a terminal: it can
// neither begin another line nor send commands to the terminal.
func oneLine(text string) string { return printable.Line(strings.TrimSpace(text)) }

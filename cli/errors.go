package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/printable"
)

// The exit codes. exitCodesText explains them to users.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotExecuted = 3
	exitLogin       = 4
	exitRefused     = 5
	exitAbsent      = 6
	exitUnknown     = 7
	exitBug         = 70
	exitInterrupted = 130
)

// failure is an error that knows its exit code and what to do next.
type failure struct {
	code    int
	message string // empty if all is said
	try     string // a command or a sentence; may be empty
}

func (f *failure) Error() string { return f.message }

func failf(code int, try, format string, args ...any) error {
	return &failure{code: code, try: try, message: fmt.Sprintf(format, args...)}
}

// usagef is an error in what the user typed.
func usagef(try, format string, args ...any) error {
	return failf(exitUsage, try, format, args...)
}

// report prints err, if any, and returns the exit code. An error from before a
// command ran is cobra's, about the arguments.
func (a *app) report(ctx context.Context, root *cobra.Command, err error) int {
	if err == nil {
		err = a.checked.failed()
	}
	if err == nil {
		return exitOK
	}
	var f *failure
	switch {
	case errors.As(err, &f):
	case !a.started:
		f = &failure{code: exitUsage, message: err.Error(), try: "lmz help"}
	default:
		f = &failure{code: codeOf(err), message: err.Error()}
	}
	if ctx.Err() != nil && f.code != exitUsage {
		f = interrupted(err)
	}
	if f.message != "" {
		fmt.Fprintln(a.Err, "lmz: "+oneLine(f.message))
	}
	if f.try != "" {
		try := f.try
		if words, ok := strings.CutPrefix(try, "lmz "); ok {
			try = a.Program + " " + words
		}
		fmt.Fprintln(a.Err, "Try: "+oneLine(try))
	}
	return f.code
}

// interrupted is err after Ctrl-C, which explains what did not end well.
func interrupted(err error) *failure {
	f := &failure{code: exitInterrupted, message: "interrupted"}
	if err != context.Canceled {
		f.message += ": " + err.Error()
	}
	return f
}

// codeOf is the exit code of an error of the mesh.
func codeOf(err error) int {
	code := lmz.CodeOf(err)
	switch {
	case code == lmz.CodeUnknown:
		return exitUnknown
	case errors.Is(err, client.ErrLoginRequired):
		return exitLogin
	case code == lmz.CodeGuard:
		return exitRefused
	case code == lmz.CodeAbsent:
		return exitAbsent
	case code == lmz.CodeGateway, errors.Is(err, client.ErrSuperseded):
		return exitNotExecuted
	}
	return exitFailed
}

// oneLine makes text that may come from elsewhere fit for one line of a terminal: it
// cannot begin another line, nor send the terminal commands.
func oneLine(text string) string { return printable.Line(strings.TrimSpace(text)) }

// reportBug prints a panic of ours.
func reportBug(w io.Writer, r any) int {
	fmt.Fprintf(w, "lmz: a bug in lmz, please report it with what follows: %s\n", oneLine(fmt.Sprint(r)))
	w.Write(debug.Stack())
	return exitBug
}

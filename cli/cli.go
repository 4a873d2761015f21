// Package cli implements the commands of the program lmz, each in a file named after it.
// Results go to stdout and everything else to stderr; `lmz help exit-codes` explains the exit
// codes. What commands share is in packages under cli/internal.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/signals"
	"github.com/lumenize/lmz/internal/printable"
)

// Streams are the standard streams and the environment of a run. All fields except Program
// are required.
type Streams struct {
	In     io.Reader
	Out    io.Writer // results
	Err    io.Writer // everything else
	Getenv func(string) string

	Program string // the command that hints start with; the default is lmz
}

// System returns the streams and the environment of this process. Program is the path by
// which the process was started, if it was started by one.
func System() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
	if started := os.Args[0]; strings.ContainsRune(started, filepath.Separator) {
		// A bare lmz may not be in the PATH.
		s.Program = hint.Quote(started)
	}
	return s
}

// Interruptible returns a ctx that ends with the first Ctrl-C or SIGTERM, for [Main]. After a
// second one the process exits at once, as interrupted. SIGHUP ends the ctx as well, unless
// the command handles it. stop releases the signals.
func Interruptible(ctx context.Context) (_ context.Context, stop func()) {
	return signals.Interruptible(ctx)
}

// Main runs the command given by args, which exclude the program's name, prints its error if
// there is one, and returns the exit code. When ctx ends, the command stops as if interrupted.
// Several commands may run at the same time.
func Main(ctx context.Context, args []string, s Streams) (code int) {
	defer func() {
		if r := recover(); r != nil {
			code = exit.ReportBug(printable.NewWriter(s.Err), r)
		}
	}()
	con := console.New(console.Streams(s))
	defer con.Close()
	started := false
	root := rootCommand(con)
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if ours := (*exit.Error)(nil); err != nil && !started && !errors.As(err, &ours) {
		// Cobra rejected the arguments.
		err = exit.Usagef("lmz help", "%v", err)
	}
	if err == nil {
		err = con.WriteError()
	}
	return exit.Report(ctx, con.Err, con.Program, err)
}

func rootCommand(con *console.Console) *cobra.Command {
	root := &cobra.Command{
		Use:   "lmz",
		Short: "Lumenize Mesh: objects, workers, and clients that call each other",
		Long: "lmz runs a gateway, signs you in, calls the nodes of a mesh, and edits documents\n" +
			"in the terminal. Start with 'lmz dev'.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       thisBuild().String(),
		Args:          flags.KnownCommand,
	}
	root.SetIn(con.In)
	root.SetOut(con.Out)
	root.SetErr(con.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exit.Usagef(cmd.CommandPath()+" --help", "%v", flags.WrongValue("", err))
	})
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.RunE = func(*cobra.Command, []string) error { return root.Help() }
	root.AddCommand(devCommand(con), loginCommand(con), logoutCommand(con), whoamiCommand(con), accountsCommand(con),
		callCommand(con), canCommand(con), contractCommand(con), objectsCommand(con), alarmsCommand(con), sendsCommand(con), editCommand(con), lsCommand(con), catCommand(con), watchCommand(con), tokenCommand(con), versionCommand(con),
		subjectsCommand(con), inviteCommand(con), approveCommand(con), sessionsCommand(con), tokensCommand(con), auditCommand(con),
		keysCommand(con), gatewayCommand(con),
		exitCodesTopic(), jsonTopic(), environmentTopic(), signalsTopic())
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.RunE = runHelp // that of cobra ignores unknown topics
	}
	return root
}

// Package cli is every command of the program lmz. Results go to stdout, all else to
// stderr; `lmz help exit-codes` lists what the exit codes mean.
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

// Streams are what a command uses of the world besides the network and its files.
// All fields but Program are required.
type Streams struct {
	In     io.Reader
	Out    io.Writer // results
	Err    io.Writer // all else
	Getenv func(string) string

	Program string // how to start the program, for hints; the default is lmz
}

// System returns the streams and the environment of this process, and its program as it
// was started if that was by a path.
func System() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
	if started := os.Args[0]; strings.ContainsRune(started, filepath.Separator) { // lmz alone may not be found
		s.Program = hint.Quote(started)
	}
	return s
}

// Interruptible returns a ctx that ends with the first Ctrl-C or SIGTERM, for [Main]. After a
// second one the process exits at once, as interrupted. SIGHUP ends the ctx as well, unless
// the command takes it. stop ends the watching.
func Interruptible(ctx context.Context) (_ context.Context, stop func()) {
	return signals.Interruptible(ctx)
}

// Main runs the command that args, without the program's name, ask for, and returns
// the exit code. It prints its error. When ctx ends, commands stop as if interrupted.
// Several may run at once.
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
	if ofUs := (*exit.Error)(nil); err != nil && !started && !errors.As(err, &ofUs) { // it is cobra's, about the arguments
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
		help.RunE = runHelp // cobra's knows no errors
	}
	return root
}

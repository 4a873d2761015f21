// Package cli is every command of the program lmz. Results go to stdout, all else to
// stderr; `lmz help exit-codes` lists what the exit codes mean.
package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/internal/textin"
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
		s.Program = shellWord(started)
	}
	return s
}

// Main runs the command that args, without the program's name, ask for, and returns
// the exit code. It prints its error. When ctx ends, commands stop as if interrupted.
// Several may run at once.
func Main(ctx context.Context, args []string, s Streams) (code int) {
	defer func() {
		if r := recover(); r != nil {
			code = reportBug(printable.NewWriter(s.Err), r)
		}
	}()
	s.Getenv = textin.Getenv(s.Getenv)
	a := &app{
		Streams: s, out: s.Out, errs: s.Err, checked: &checkedWriter{to: s.Out}, terminal: isTerminal(s.Out), drain: func() {},
	}
	defer func() { a.drain() }()
	a.Out = a.checked
	if a.terminal {
		a.Out = printable.NewWriter(a.checked)
	}
	a.Err = printable.NewWriter(s.Err)
	if a.Program == "" {
		a.Program = "lmz"
	}
	root := a.command()
	root.SetArgs(args)
	return a.report(ctx, root, root.ExecuteContext(ctx))
}

// app is one run of the program.
type app struct {
	Streams                 // Err, and Out if it is a terminal, show text as package printable does
	out      io.Writer      // Out as it was given
	errs     io.Writer      // Err as it was given
	checked  *checkedWriter // in front of out, apart from servers, which have outlets
	drain    func()         // writes out what waits in outlets
	terminal bool           // it is a terminal
	started  bool           // the arguments were right, and a command runs
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "lmz",
		Short: "Lumenize Mesh: objects, workers and clients that call each other",
		Long: "lmz runs a gateway, signs you in, calls the nodes of a mesh, and edits documents in\n" +
			"the terminal. Begin with `lmz dev`.",
		SilenceErrors:    true,
		SilenceUsage:     true,
		Version:          thisBuild().String(),
		Args:             knownCommand,
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd.CommandPath()+" --help", "%v", wrongValue("", err))
	})
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.RunE = func(*cobra.Command, []string) error { return root.Help() }
	root.AddCommand(a.devCommand(), a.loginCommand(), a.logoutCommand(), a.whoamiCommand(), a.accountsCommand(),
		a.callCommand(), a.canCommand(), a.contractCommand(), a.objectsCommand(), a.alarmsCommand(), a.sendsCommand(), a.editCommand(), a.lsCommand(), a.catCommand(), a.watchCommand(), a.tokenCommand(), a.versionCommand(),
		a.subjectsCommand(), a.inviteCommand(), a.approveCommand(), a.sessionsCommand(), a.tokensCommand(), a.auditCommand(),
		a.keysCommand(), a.gatewayCommand(),
		exitCodesTopic(), jsonTopic(), environmentTopic(), signalsTopic())
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.RunE = runHelp // cobra's knows no errors
	}
	return root
}

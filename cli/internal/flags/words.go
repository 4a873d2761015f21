package flags

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/exit"
)

// commandName returns the path of a command without the program's name.
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// KnownCommand is for commands that only have subcommands. It suggests one for an unknown word.
func KnownCommand(cmd *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	try := "lmz help"
	if near := similar(cmd, words[0]); len(near) > 0 {
		try = cmd.CommandPath() + " " + near[0]
	}
	return exit.Usagef(try, "unknown command %q for %q", words[0], cmd.CommandPath())
}

// similar returns the subcommands of cmd that word may be a misspelling of.
func similar(cmd *cobra.Command, word string) []string {
	cmd.SuggestionsMinimumDistance = 2 // the most wrong letters
	return cmd.SuggestionsFor(word)
}

// NoWords is for commands that take flags only.
func NoWords(cmd *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	if near := similar(cmd, words[0]); len(near) > 0 {
		return exit.Usagef(cmd.CommandPath()+" "+near[0], "unknown command %q for %q", words[0], cmd.CommandPath())
	}
	return exit.Usagef(cmd.CommandPath()+" --help", "%s takes no arguments, but got %q", commandName(cmd), words[0])
}

// OneWord is for commands that take one argument, which the help calls what.
func OneWord(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		switch len(words) {
		case 0:
			return exit.Usagef(cmd.CommandPath()+" --help", "%s is missing: %s requires one", what, commandName(cmd))
		case 1:
			return nil
		}
		return exit.Usagef(cmd.CommandPath()+" --help", "%s takes only one %s, but also got %q", commandName(cmd), what, words[1])
	}
}

// Words is for commands with a number of arguments, which the help calls names.
func Words(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if len(words) != n {
			return exit.Usagef(cmd.CommandPath()+" --help", "%s requires %s", commandName(cmd), names)
		}
		return nil
	}
}

// AtMostWords is for commands that can do without their arguments.
func AtMostWords(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if len(words) > n {
			return exit.Usagef(cmd.CommandPath()+" --help", "%s takes only %s, but also got %q", commandName(cmd), names, words[n])
		}
		return nil
	}
}

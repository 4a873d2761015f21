package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// commandName is what a user calls a command: its path without the program's name.
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// knownCommand is for commands that only have others below them: a word is one that is
// not there, and probably one that is.
func knownCommand(cmd *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	try := "lmz help"
	if near := similar(cmd, words[0]); len(near) > 0 {
		try = cmd.CommandPath() + " " + near[0]
	}
	return usagef(try, "unknown command %q for %q", words[0], cmd.CommandPath())
}

// similar returns the commands below cmd that word may have been meant for.
func similar(cmd *cobra.Command, word string) []string {
	cmd.SuggestionsMinimumDistance = 2 // letters that are wrong at most
	return cmd.SuggestionsFor(word)
}

// noWords is for commands that take flags only.
func noWords(cmd *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	if near := similar(cmd, words[0]); len(near) > 0 {
		return usagef(cmd.CommandPath()+" "+near[0], "unknown command %q for %q", words[0], cmd.CommandPath())
	}
	return usagef(cmd.CommandPath()+" --help", "%s takes no arguments, but got %q", commandName(cmd), words[0])
}

// oneWord is for commands that take one argument, which the help calls what.
func oneWord(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		switch len(words) {
		case 0:
			return usagef(cmd.CommandPath()+" --help", "%s is missing: %s needs one", what, commandName(cmd))
		case 1:
			return nil
		}
		return usagef(cmd.CommandPath()+" --help", "%s takes one %s only, but got %q too", commandName(cmd), what, words[1])
	}
}

// words is for commands with a number of arguments, which the help calls names.
func words(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if len(words) != n {
			return usagef(cmd.CommandPath()+" --help", "%s needs %s", commandName(cmd), names)
		}
		return nil
	}
}

// atMostWords is for commands that can do without their arguments.
func atMostWords(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if len(words) > n {
			return usagef(cmd.CommandPath()+" --help", "%s takes %s only, but got %q too", commandName(cmd), names, words[n])
		}
		return nil
	}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]+$`)

// shellWord quotes a word for a shell, if it needs that.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

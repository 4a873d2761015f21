package callargs

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
)

// parseFlags parses the flags among args, wherever they are, and returns the other words.
// Numbers are not flags.
func parseFlags(set *pflag.FlagSet, args []string) (words []string, err error) {
	var given []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			words = append(words, args[i+1:]...)
			i = len(args)
		case !looksLikeFlag(arg):
			words = append(words, arg)
		case set.Lookup("text") != nil && isTextFlag(arg):
			text, here := textOf(arg)
			if !here {
				if i++; i == len(args) {
					return nil, exit.Usagef(Hint, "%s requires a text", arg)
				}
				text = args[i]
			}
			words = append(words, textMark+text)
		default:
			given = append(given, arg)
			if wantsValue(set, arg) && i+1 < len(args) {
				i++
				given = append(given, args[i])
			}
		}
	}
	if err := set.Parse(given); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return nil, exit.Usagef(Hint, "%v", flags.WrongValue("", err))
	}
	return words, nil
}

// textMark precedes a word given with --text. No word of a command line can contain it.
const textMark = "\x00"

// isTextFlag reports whether a word is the flag --text, in any spelling.
func isTextFlag(arg string) bool {
	return arg == "-f" || arg == "--text" || strings.HasPrefix(arg, "-f=") || strings.HasPrefix(arg, "--text=")
}

// textOf returns the text if it is in the same word as the flag.
func textOf(arg string) (text string, here bool) {
	_, text, here = strings.Cut(arg, "=")
	return text, here
}

// Mixed returns a RunE for a command with DisableFlagParsing, which takes arguments such as -1.
func Mixed(run func(ctx context.Context, words []string) error) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		words, err := parseFlags(cmd.Flags(), args)
		if err != nil {
			return err
		}
		if help, _ := cmd.Flags().GetBool("help"); help {
			return cmd.Help()
		}
		return run(cmd.Context(), words)
	}
}

// looksLikeFlag tells -t and --tab from -, -1 and everything else.
func looksLikeFlag(arg string) bool {
	name, dash := strings.CutPrefix(arg, "-")
	if !dash || name == "" {
		return false
	}
	c := name[0]
	return c == '-' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// wantsValue reports whether the next word is the value of a flag.
func wantsValue(set *pflag.FlagSet, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	if !long || strings.Contains(name, "=") {
		return false // there are no short flags with a value
	}
	f := set.Lookup(name)
	return f != nil && f.NoOptDefVal == ""
}

// TextFlag declares --text. [Mixed] reads it, because its position among the arguments matters.
func TextFlag(f *pflag.FlagSet) {
	f.StringArrayP("text", "f", nil, "argument that is the string `TEXT`, or the contents of @FILE or, as -, of stdin")
}

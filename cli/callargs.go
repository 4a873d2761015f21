package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lumenize/lmz"
)

// methodCall is one call of a command line.
type methodCall struct {
	method string
	args   []any
	chain  lmz.Continuation // in place of the others, if it is not empty
}

// work is what the call asks for.
func (c methodCall) work() lmz.Continuation {
	if len(c.chain.Ops()) > 0 {
		return c.chain
	}
	return lmz.Ctn(c.method, c.args...)
}

// name is what the call is called in messages.
func (c methodCall) name() string {
	if c.method != "" {
		return c.method
	}
	return c.chain.String()
}

const callHint = "lmz call --help"

// parseFlags takes the flags out of args, wherever they stand, and returns the other
// words. A number is no flag.
func parseFlags(flags *pflag.FlagSet, args []string) (words []string, err error) {
	var given []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			words = append(words, args[i+1:]...)
			i = len(args)
		case !looksLikeFlag(arg):
			words = append(words, arg)
		case flags.Lookup("text") != nil && isTextFlag(arg):
			text, here := textOf(arg)
			if !here {
				if i++; i == len(args) {
					return nil, usagef(callHint, "%s needs a text", arg)
				}
				text = args[i]
			}
			words = append(words, textMark+text)
		default:
			given = append(given, arg)
			if wantsValue(flags, arg) && i+1 < len(args) {
				i++
				given = append(given, args[i])
			}
		}
	}
	if err := flags.Parse(given); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return nil, usagef(callHint, "%v", wrongValue("", err))
	}
	return words, nil
}

// textMark begins a word that was given with --text. No word of a command line can have it.
const textMark = "\x00"

// isTextFlag reports whether a word is the flag --text, in any spelling.
func isTextFlag(arg string) bool {
	return arg == "-f" || arg == "--text" || strings.HasPrefix(arg, "-f=") || strings.HasPrefix(arg, "--text=")
}

// textOf returns the text that stands in the same word as the flag.
func textOf(arg string) (text string, here bool) {
	_, text, here = strings.Cut(arg, "=")
	return text, here
}

// mixed runs a command whose flags are not parsed yet, because -1 is an argument there.
func mixed(run func(ctx context.Context, words []string) error) func(cmd *cobra.Command, args []string) error {
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
func wantsValue(flags *pflag.FlagSet, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	if !long || strings.Contains(name, "=") {
		return false // there are no short flags with a value
	}
	f := flags.Lookup(name)
	return f != nil && f.NoOptDefVal == ""
}

// parseCalls reads BINDING INSTANCE METHOD ARGUMENT... + METHOD ARGUMENT...
func parseCalls(words, chains []string, in *inputs) (to lmz.Address, calls []methodCall, err error) {
	switch {
	case len(chains) > 0 && len(words) > 2:
		return to, nil, usagef(callHint, "--chain takes the place of METHOD and its arguments, but there is %q too", words[2])
	case len(chains) > 0 && len(words) < 2:
		return to, nil, usagef(callHint, "call needs BINDING INSTANCE")
	case len(chains) == 0 && len(words) < 3:
		return to, nil, usagef(callHint, "call needs BINDING INSTANCE METHOD")
	}
	to = address(words[0], words[1])
	if len(chains) > 0 {
		calls, err = parseChains(chains)
		return to, calls, err
	}
	var call *methodCall
	for _, word := range append([]string{"+"}, words[2:]...) {
		switch {
		case word == "+" && call != nil && call.method == "":
			return to, nil, usagef(callHint, "a method is missing before +")
		case word == "+":
			calls = append(calls, methodCall{})
			call = &calls[len(calls)-1]
		case word == "" && call.method == "":
			return to, nil, usagef(callHint, "the name of a method is empty")
		case call.method == "":
			call.method = word
		default:
			arg, err := in.argument(word)
			if err != nil {
				return to, nil, badArgument(len(call.args)+1, call.method, word, err)
			}
			call.args = append(call.args, arg)
		}
	}
	if call.method == "" {
		return to, nil, usagef(callHint, "a method is missing after +")
	}
	return to, calls, nil
}

// address reads BINDING INSTANCE.
func address(binding, instance string) lmz.Address {
	if instance == "-" {
		instance = ""
	}
	return lmz.At(binding, instance)
}

func parseChains(chains []string) (calls []methodCall, err error) {
	for _, text := range chains {
		c, err := parseChain(text)
		if err != nil {
			return nil, err
		}
		calls = append(calls, methodCall{chain: c})
	}
	return calls, nil
}

// badArgument guesses that a word that is not JSON was meant as text, whose quotes the
// shell has taken.
func badArgument(n int, method, word string, err error) error {
	if text, is := strings.CutPrefix(word, textMark); is {
		return usagef(callHint, "argument %d of %s, the text %s: %v", n, method, shellWord(text), err)
	}
	if word == "-" || strings.HasPrefix(word, "@") {
		return usagef(callHint, "argument %d of %s, which is %s: %v", n, method, shellWord(word), err)
	}
	if rich := (*richError)(nil); errors.As(err, &rich) {
		return usagef("lmz help call", "argument %d of %s is no {json, meta} value: %v", n, method, rich.err)
	}
	quoted, _ := json.Marshal(word)
	return usagef("as text, "+shellWord(string(quoted)),
		"argument %d of %s is not JSON: %v", n, method, err)
}

// argument reads one argument: JSON, or the text of --text, here or elsewhere.
func (in *inputs) argument(word string) (any, error) {
	if text, is := strings.CutPrefix(word, textMark); is {
		if !utf8.ValidString(text) {
			return nil, errors.New("it is not valid UTF-8")
		}
		return in.text(text)
	}
	text, err := in.text(word)
	if err != nil {
		return nil, err
	}
	return parseArgument(text)
}

// parseArgument reads one argument: JSON, or a rich value.
func parseArgument(text string) (any, error) {
	v, err := parseJSON(text)
	if members, ok := v.(map[string]any); ok && isRich(members) {
		if err := keepsNumbers(members); err != nil {
			return nil, &richError{err}
		}
		return decodeRich([]byte(text))
	}
	return v, err
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

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
func parseCalls(words, chains []string) (to lmz.Address, calls []methodCall, err error) {
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
			arg, err := parseArgument(word)
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
	if rich := (*richError)(nil); errors.As(err, &rich) {
		return usagef("lmz help call", "argument %d of %s is no {json, meta} value: %v", n, method, rich.err)
	}
	quoted, _ := json.Marshal(word)
	return usagef("as text, "+shellWord(string(quoted)),
		"argument %d of %s is not JSON: %v", n, method, err)
}

// parseArgument reads one argument: JSON, or a rich value.
func parseArgument(text string) (any, error) {
	v, err := parseJSON(text)
	if members, ok := v.(map[string]any); ok && isRich(members) {
		return decodeRich([]byte(text))
	}
	return v, err
}

// parseJSON reads one JSON value. Numbers written as integers become int64 if they
// fit, all others float64.
func parseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("it ends too early")
		}
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the value")
	}
	return withNumbers(v)
}

// withNumbers replaces each json.Number in v.
func withNumbers(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		return number(string(v))
	case []any:
		for i := range v {
			if v[i], err = withNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = withNumbers(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func number(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errors.New(text + " is too large a number")
	}
	return f, nil
}

// Package callargs reads the arguments of lmz call and lmz can: methods with arguments in
// JSON, text or files, and chains as they are written in programs.
package callargs

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/jsonvalue"
)

// Call is one call of a command line.
type Call struct {
	Method string
	Args   []any
	Chain  lmz.Continuation // in place of the others, if it is not empty
}

// Work is what the call asks for.
func (c Call) Work() lmz.Continuation {
	if len(c.Chain.Ops()) > 0 {
		return c.Chain
	}
	return lmz.Ctn(c.Method, c.Args...)
}

// Name is what the call is called in messages.
func (c Call) Name() string {
	if c.Method != "" {
		return c.Method
	}
	return c.Chain.String()
}

// Hint is the command that explains what this package reads.
const Hint = "lmz call --help"

// Parse reads BINDING INSTANCE METHOD ARGUMENT... + METHOD ARGUMENT...
func Parse(words, chains []string, in *Inputs) (to lmz.Address, calls []Call, err error) {
	switch {
	case len(chains) > 0 && len(words) > 2:
		return to, nil, exit.Usagef(Hint, "--chain replaces METHOD and its arguments, but also got %q", words[2])
	case len(chains) > 0 && len(words) < 2:
		return to, nil, exit.Usagef(Hint, "call requires BINDING INSTANCE")
	case len(chains) == 0 && len(words) < 3:
		return to, nil, exit.Usagef(Hint, "call requires BINDING INSTANCE METHOD")
	}
	to = address(words[0], words[1])
	if len(chains) > 0 {
		calls, err = parseChains(chains)
		return to, calls, err
	}
	var call *Call
	for _, word := range append([]string{"+"}, words[2:]...) {
		switch {
		case word == "+" && call != nil && call.Method == "":
			return to, nil, exit.Usagef(Hint, "a method is missing before +")
		case word == "+":
			calls = append(calls, Call{})
			call = &calls[len(calls)-1]
		case word == "" && call.Method == "":
			return to, nil, exit.Usagef(Hint, "a method name is empty")
		case call.Method == "":
			call.Method = word
		default:
			arg, err := in.argument(word)
			if err != nil {
				return to, nil, badArgument(len(call.Args)+1, call.Method, word, err)
			}
			call.Args = append(call.Args, arg)
		}
	}
	if call.Method == "" {
		return to, nil, exit.Usagef(Hint, "a method is missing after +")
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

func parseChains(chains []string) (calls []Call, err error) {
	for _, text := range chains {
		c, err := parseChain(text)
		if err != nil {
			return nil, err
		}
		calls = append(calls, Call{Chain: c})
	}
	return calls, nil
}

// badArgument guesses that a word that is not JSON was meant as text, whose quotes the
// shell has taken.
func badArgument(n int, method, word string, err error) error {
	if text, is := strings.CutPrefix(word, textMark); is {
		return exit.Usagef(Hint, "argument %d of %s, the text %s: %v", n, method, hint.Quote(text), err)
	}
	if word == "-" || strings.HasPrefix(word, "@") {
		return exit.Usagef(Hint, "argument %d of %s, which is %s: %v", n, method, hint.Quote(word), err)
	}
	if rich := (*jsonvalue.RichError)(nil); errors.As(err, &rich) {
		return exit.Usagef("lmz help call", "argument %d of %s is not a {json, meta} value: %v", n, method, rich.Err)
	}
	quoted, _ := json.Marshal(word)
	return exit.Usagef("as text, "+hint.Quote(string(quoted)),
		"argument %d of %s is not JSON: %v", n, method, err)
}

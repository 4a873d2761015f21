package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// callOptions are the flags of lmz call.
type callOptions struct {
	connection
	timeout time.Duration
	json    bool
	rich    bool
	chains  []string
}

func (a *app) callCommand() *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call BINDING INSTANCE {METHOD [ARGUMENT]... [+ METHOD [ARGUMENT]...]... | --chain CHAIN}",
		Short: "Call methods of a node and print their results",
		Long: "call calls methods of one node, in order and as one client, and prints each result as\n" +
			"JSON, on a line of its own unless stdout is a terminal. It stops at the first failure.\n" +
			"A + between words begins the next call. Arguments are JSON. A worker has no instance:\n" +
			"write - in its place. Flags may stand anywhere; after -- there are none.\n\n" +
			"An argument @FILE is JSON in a file, and - JSON on stdin. -f TEXT is an argument that is\n" +
			"text, without quotes; -f @FILE and -f - take it from there. Text that is - or begins with\n" +
			"@ is written as JSON: '\"@ann\"'. A file may have 1 MiB, and stdin can be one argument.\n" +
			"What cannot arrive exactly is refused: members of one name, text that is not UTF-8. So\n" +
			"are arguments that the method would not see, before anything is called: 'lmz contract'\n" +
			"prints what each method takes.\n\n" +
			"--chain does a whole chain in one call: the method after a point is called on what the\n" +
			"one before returned, and a call among the arguments is made by the callee, which passes\n" +
			"its result. Arguments are JSON there too; names of members need no quotes, text may\n" +
			"have single ones, and 12n is a big integer. Given again, the chains are done in order.\n\n" +
			"A value that JSON lacks is an object {\"json\": ..., \"meta\": {}}, in which dates, Maps and so\n" +
			"on are objects with a $type, as the wire has them: --rich prints results so.\n\n" +
			"In results a date is text (RFC 3339), bytes are text (base64), a Set is an array, a Map\n" +
			"is an array of [key, value], and a method without a result prints nothing.",
		Example: "  lmz call DOCUMENT_DO notes subscribe + update '\"The teh fox\"'\n" +
			"  lmz call DOCUMENT_DO notes subscribe + update -f @notes.txt\n" +
			"  jq -c .row data.json | lmz call TABLE_DO t insert - -f 'a note'\n" +
			"  lmz call --tab work DOCUMENT_DO notes subscribe\n" +
			"  lmz call WORKSPACE_DO main documents --json\n" +
			"  lmz call VAULT_DO v --chain 'admin().forceReset()'\n" +
			"  lmz call CALC_DO c --chain 'add(add(1, 10), 100)'\n" +
			"  lmz call LOG_DO l since '{\"json\":{\"$type\":\"date\",\"iso\":\"2026-01-30T12:00:00.000Z\"},\"meta\":{}}' --rich",
		// Flags are taken apart from arguments here: -1 is an argument.
		DisableFlagParsing: true,
		RunE:               mixed(func(ctx context.Context, words []string) error { return a.runCall(ctx, o, words) }),
	}
	o.account = a.accountFlags(cmd)
	f := cmd.Flags()
	f.Var(&o.tab, "tab", tabUsage)
	f.DurationVar(&o.timeout, "timeout", lmz.DefaultTimeout, "how long the command may take")
	f.BoolVar(&o.wait, "wait", false, "wait for a server that cannot be reached yet, within --timeout")
	f.BoolVar(&o.json, "json", false, "print each result on one line, on a terminal too")
	f.BoolVar(&o.rich, "rich", false, "print results as {json, meta}, which loses nothing")
	textFlag(f)
	f.StringArrayVar(&o.chains, "chain", nil, "do this chain, such as 'admin().forceReset()'")
	return cmd
}

// textFlag declares --text, which parseFlags reads: it has a place among the arguments.
func textFlag(f *pflag.FlagSet) {
	f.StringArrayP("text", "f", nil, "an argument that is `TEXT`, or the text of @FILE, or - for that of stdin")
}

func (a *app) runCall(ctx context.Context, o callOptions, words []string) error {
	in := &inputs{stdin: a.In}
	to, calls, err := parseCalls(words, o.chains, in)
	switch {
	case err != nil:
		return err
	case in.taken && o.tokenStdin:
		return usagef(callHint, "stdin is an argument, so --token-stdin cannot have it")
	}
	return a.connected(ctx, o.connection, o.timeout, func(ctx context.Context, peer *client.Peer, server string) error {
		known := &catalog{peer: peer}
		if err := known.checkArguments(ctx, to.Binding, calls); err != nil {
			return err
		}
		for _, call := range calls {
			value, err := peer.CallRaw(ctx, to, call.work())
			if err != nil {
				return explainCall(to, call.name(), loginHint(server, a.kept(ctx, o.account, server).Email), err, known.hint(ctx, to, call, err))
			}
			if err := a.printResult(value, o.json, o.rich); err != nil {
				return fmt.Errorf("%s on %s has a result that cannot be printed: %w", call.name(), to, err)
			}
		}
		return nil
	})
}

// explainCall says what became of a call that failed. Login is the command to sign in, hint
// what goes behind the reason.
func explainCall(to lmz.Address, method, login string, err error, hint string) error {
	what := shorten(method) + " on " + shorten(to.String())
	code := codeOf(err)
	reason := err.Error()
	switch {
	case code == exitRefused:
		what += " was refused"
	case code == exitUnknown:
		what += " was sent, but its outcome is unknown"
	case code == exitNotExecuted, code == exitLogin:
		what += " was not executed"
	case code == exitFailed:
		what += " failed"
	}
	try := ""
	if code == exitLogin {
		try = login
	}
	return failf(code, try, "%s: %s%s", what, reason, hint)
}

// shorten keeps a name from filling the screen.
func shorten(name string) string {
	const enough = 80 // runes
	runes := []rune(name)
	if len(runes) <= enough {
		return name
	}
	return string(runes[:enough-1]) + "…"
}

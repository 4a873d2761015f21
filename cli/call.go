package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/callargs"
	"github.com/lumenize/lmz/cli/internal/catalog"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/jsonvalue"
	"github.com/lumenize/lmz/client"
)

// callOptions are the flags of lmz call.
type callOptions struct {
	connect.Gateway
	rich   bool
	chains []string
}

func callCommand(con *console.Console) *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call BINDING INSTANCE {METHOD [ARGUMENT]... [+ METHOD [ARGUMENT]...]... | --chain CHAIN}",
		Short: "Call methods of a node and print their results",
		Long: "call calls methods of one node, in order and as one client, and prints each\n" +
			"result as JSON: on one line, or indented if stdout is a terminal. It stops at\n" +
			"the first failure. A + begins the next call. Arguments are JSON. Workers have no\n" +
			"instance: write - instead. Flags may stand anywhere; after -- there are none.\n\n" +
			"An argument @FILE is JSON from a file, and - is JSON from stdin. -f TEXT is a\n" +
			"string, without quotes; -f @FILE and -f - read the string from a file or stdin.\n" +
			"Write a string that is - or begins with @ as JSON: '\"@ann\"'. A file may have up\n" +
			"to 1 MiB; stdin can be only one argument. Arguments that would not arrive\n" +
			"exactly are refused: duplicate members, and text that is not UTF-8. So are more\n" +
			"arguments than a method takes, before anything is called: 'lmz contract' shows\n" +
			"what each method takes.\n\n" +
			"--chain makes a whole chain in one call: a method after a dot is called on the\n" +
			"previous result, and a call among the arguments is made by the callee, which\n" +
			"passes its result on. Arguments are JSON there too, but member names need no\n" +
			"quotes, strings may have single quotes, and 12n is a big integer. Several chains\n" +
			"are made in order.\n\n" +
			"Values that JSON lacks are written as {\"json\": ..., \"meta\": {}}, in which dates,\n" +
			"Maps, and so on are objects with a $type, as on the wire: --rich prints results\n" +
			"that way.\n\n" +
			"Other results have dates as strings (RFC 3339), bytes as strings (base64), Sets\n" +
			"as arrays, and Maps as arrays of [key, value]. A method without a result prints\n" +
			"nothing.",
		Example: "  lmz call DOCUMENT_DO notes subscribe + update '\"The teh fox\"'\n" +
			"  lmz call DOCUMENT_DO notes subscribe + update -f @notes.txt\n" +
			"  jq -c .row data.json | lmz call TABLE_DO t insert - -f 'a note'\n" +
			"  lmz call --tab work DOCUMENT_DO notes subscribe\n" +
			"  lmz call WORKSPACE_DO main documents --json\n" +
			"  lmz call VAULT_DO v --chain 'admin().forceReset()'\n" +
			"  lmz call CALC_DO c --chain 'add(add(1, 10), 100)'\n" +
			"  lmz call LOG_DO l since '{\"json\":{\"$type\":\"date\",\"iso\":\"2026-01-30T12:00:00.000Z\"},\"meta\":{}}' --rich",
		// callargs.Mixed parses the flags: -1 is an argument.
		DisableFlagParsing: true,
		RunE:               callargs.Mixed(func(ctx context.Context, words []string) error { return runCall(ctx, con, o, words) }),
	}
	o.Flags(con, cmd)
	f := cmd.Flags()
	f.Var(&o.Tab, "tab", flags.TabUsage)
	f.BoolVar(&o.JSON, "json", false, "print each result on one line, on a terminal too")
	f.BoolVar(&o.rich, "rich", false, "print results as {json, meta}, without loss")
	callargs.TextFlag(f)
	f.StringArrayVar(&o.chains, "chain", nil, "`CHAIN` to call, such as 'admin().forceReset()'")
	return cmd
}

func runCall(ctx context.Context, con *console.Console, o callOptions, words []string) error {
	in := &callargs.Inputs{Stdin: con.In}
	to, calls, err := callargs.Parse(words, o.chains, in)
	switch {
	case err != nil:
		return err
	case in.Taken() && o.TokenStdin:
		return exit.Usagef(callargs.Hint, "stdin is an argument, so --token-stdin cannot have it")
	}
	return o.Do(ctx, con, o.Timeout, func(ctx context.Context, peer *client.Peer, server string) error {
		known := catalog.New(peer)
		if err := known.CheckArguments(ctx, to.Binding, calls); err != nil {
			return err
		}
		for _, call := range calls {
			value, err := peer.CallRaw(ctx, to, call.Work())
			if err != nil {
				email, _ := o.Kept(ctx, server)
				return connect.CallError(to, call.Name(), hint.Login(server, email), err, known.Hint(ctx, to, call, err))
			}
			if err := printResult(con, value, o.JSON, o.rich); err != nil {
				return fmt.Errorf("%s on %s returned a result that cannot be printed: %w", call.Name(), to, err)
			}
		}
		return nil
	})
}

// printResult prints a result as JSON: indented on a terminal unless compact. It prints
// nothing for an undefined result unless rich.
func printResult(con *console.Console, value lmz.Value, compact, rich bool) error {
	if rich {
		text, err := jsonvalue.AppendRich(nil, value)
		if err != nil {
			return err
		}
		return printJSON(con, text, compact)
	}
	var v any
	if err := value.Decode(&v); err != nil {
		return err
	}
	if _, none := v.(lmz.Undefined); none {
		return nil
	}
	text, err := jsonvalue.Append(nil, v)
	if err != nil {
		return err
	}
	return printJSON(con, text, compact)
}

// printJSON prints JSON, indented on a terminal unless compact.
func printJSON(con *console.Console, text []byte, compact bool) error {
	if !compact && con.Terminal {
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", "  "); err != nil {
			return err
		}
		text = indented.Bytes()
	}
	_, err := con.Out.Write(append(text, '\n'))
	return err
}

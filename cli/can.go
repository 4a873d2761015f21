package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/callargs"
	"github.com/lumenize/lmz/cli/internal/catalog"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/internal/value"
)

func canCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	var explain bool
	cmd := &cobra.Command{
		Use:   "can BINDING INSTANCE METHOD [ARGUMENT]...",
		Short: "Check whether a call would be allowed, without making it",
		Long: "can asks the guards of a method whether you may call it, prints yes or no, and\n" +
			"exits with 0 or 5. --explain says which guard decided, and why. The method does\n" +
			"not run: an object's guards run in a turn that is rolled back and sends nothing,\n" +
			"and an object that does not exist is not created, so only callers who are\n" +
			"allowed learn that. A guard that calls other nodes cannot be asked; then the\n" +
			"exit code is 3.\n\n" +
			"Guards may look at the tab: --tab says which tab asks. Clients decide for\n" +
			"themselves what they allow, and cannot be asked. Arguments are as for\n" +
			"'lmz call'.",
		Example: "  lmz can DOCUMENT_DO notes update '\"text\"'\n" +
			"  lmz can --explain --tab work DOCUMENT_DO notes update '\"text\"'",
		// callargs.Mixed parses the flags: -1 is an argument.
		DisableFlagParsing: true,
		RunE:               callargs.Mixed(func(ctx context.Context, words []string) error { return runCan(ctx, con, o, explain, words) }),
	}
	o.Flags(con, cmd)
	f := cmd.Flags()
	f.Var(&o.Tab, "tab", flags.TabUsage)
	callargs.TextFlag(f)
	f.BoolVar(&explain, "explain", false, "say which guard decided, and why")
	f.BoolVar(&o.JSON, "json", false, "print one JSON object: allowed, guard, code, reason, exists")
	return cmd
}

// decision is the JSON of lmz can.
type decision struct {
	Allowed bool     `json:"allowed"`
	Guard   string   `json:"guard"` // the guard that decided; empty if none was asked
	Code    lmz.Code `json:"code"`  // of the error; empty if it is allowed
	Reason  string   `json:"reason"`
	Exists  bool     `json:"exists"` // the call is allowed and the object is there
}

func runCan(ctx context.Context, con *console.Console, o connect.Gateway, explain bool, words []string) error {
	if len(words) < 3 {
		return exit.Usagef("lmz can --help", "can needs BINDING INSTANCE METHOD")
	}
	to, calls, err := callargs.Parse(words, nil, &callargs.Inputs{Stdin: con.In})
	if err != nil {
		return err
	}
	if len(calls) > 1 {
		return exit.Usagef("lmz can --help", "can checks one call only: remove the +")
	}
	args := make([]lmz.Value, len(calls[0].Args))
	for i, arg := range calls[0].Args {
		data, err := value.Marshal(arg)
		if err != nil {
			return err
		}
		if args[i], err = value.Parse(data); err != nil {
			return err
		}
	}
	var d admin.Decision
	hint := ""
	err = o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) (err error) {
		d, err = admin.Can.Call(ctx, peer, lmz.Worker(admin.Binding), to, calls[0].Method, args)
		if err == nil && d.Code == lmz.CodeAbsent {
			hint = catalog.New(peer).Meant(ctx, to, calls[0].Method)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !d.Allowed && d.Code != lmz.CodeGuard && d.Code != lmz.CodeAbsent {
		return exit.Errorf(exit.NotExecuted, "", "it cannot be determined whether %s on %s is allowed: %v", output.Shorten(calls[0].Method), output.Shorten(to.String()), d.Error)
	}
	return printDecision(con, d, to, calls[0].Method, hint, explain, o.JSON)
}

// printDecision prints the decision. hint is appended to the error if nothing was found.
func printDecision(con *console.Console, d admin.Decision, to lmz.Address, method, hint string, explain, asJSON bool) error {
	out := decision{Allowed: d.Allowed, Guard: d.Guard, Code: d.Code, Exists: d.Exists}
	if d.Error != nil {
		out.Reason = d.Error.Error()
	}
	switch {
	case asJSON:
		if err := output.JSON(con.Out, out); err != nil {
			return err
		}
	case explain:
		fmt.Fprintln(con.Out, output.Line(explanation(out, output.Shorten(to.String()), output.Shorten(method))))
	case d.Allowed:
		fmt.Fprintln(con.Out, "yes")
	default:
		fmt.Fprintln(con.Out, "no")
	}
	switch {
	case d.Allowed:
		return nil
	case d.Code == lmz.CodeAbsent:
		return &exit.Error{Code: exit.Absent, Message: method + " on " + to.String() + ": " + out.Reason + hint}
	}
	return &exit.Error{Code: exit.Refused} // the answer was printed
}

func explanation(d decision, to, method string) string {
	text := "yes: "
	switch {
	case d.Allowed:
		text += "the guard " + d.Guard + " allows " + method + " on " + to
	case d.Guard == "":
		text = "no: " + d.Reason
	default:
		text = "no: " + method + " on " + to + " is refused by " + d.Guard + ": " + d.Reason
	}
	if d.Allowed && !d.Exists {
		text += " (the object does not exist yet)"
	}
	return text
}

package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/catalog"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
)

func contractCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	var ts string
	cmd := &cobra.Command{
		Use:   "contract [BINDING]...",
		Short: "Print what the nodes of the gateway expose",
		Long: "contract prints each method that the gateway's nodes expose: its parameters with\n" +
			"their TypeScript types, its guard, and what its author says about it: a line of\n" +
			"documentation, and whether it is read-only (changes nothing), destructive (may\n" +
			"delete or overwrite what cannot be restored), or idempotent (calling it again\n" +
			"changes nothing more). With bindings, it prints only those.\n\n" +
			"--ts writes TypeScript declarations for all bindings, for ctn<DOCUMENT_DO>() in\n" +
			"JavaScript clients: to a file, or to stdout if FILE is -.",
		Example: "  lmz contract\n  lmz contract DOCUMENT_DO --json\n  lmz contract --ts mesh.d.ts",
		RunE: func(cmd *cobra.Command, bindings []string) error {
			return runContract(cmd.Context(), con, o, ts, bindings)
		},
	}
	o.Flags(con, cmd)
	f := cmd.Flags()
	f.BoolVar(&o.JSON, "json", false, "print one JSON object per line: binding, type, beforeCall, methods (name, params, result, guard, names, doc, readOnly, destructive, idempotent)")
	f.StringVar(&ts, "ts", "", "write TypeScript declarations to `FILE`, or to stdout if it is -")
	return cmd
}

func runContract(ctx context.Context, con *console.Console, o connect.Gateway, ts string, bindings []string) error {
	if ts != "" && (o.JSON || len(bindings) > 0) {
		return exit.Usagef("lmz contract --ts mesh.d.ts", "--ts cannot be combined with --json or bindings")
	}
	var c admin.Contract
	err := o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) (err error) {
		c, err = admin.GetContract.Call(ctx, peer, lmz.Worker(admin.Binding))
		return err
	})
	if err != nil {
		return err
	}
	switch ts {
	case "":
	case "-":
		_, err := fmt.Fprint(con.Out, c.TypeScript)
		return err
	default:
		if err := os.WriteFile(ts, []byte(c.TypeScript), 0o644); err != nil {
			return exit.Errorf(exit.Failed, "", "cannot write the declarations: %v", err)
		}
		return nil
	}
	nodes, err := chosen(c.Nodes, bindings)
	if err != nil {
		return err
	}
	if o.JSON {
		return printNodesJSON(con, nodes)
	}
	return printNodes(con, nodes)
}

// chosen returns the nodes with these bindings, or all if there are none.
func chosen(nodes []admin.NodeContract, bindings []string) ([]admin.NodeContract, error) {
	if len(bindings) == 0 {
		return nodes, nil
	}
	var found []admin.NodeContract
	for _, binding := range bindings {
		before := len(found)
		for _, n := range nodes {
			if n.Binding == binding {
				found = append(found, n)
			}
		}
		if len(found) == before {
			var names []string
			for _, n := range nodes {
				names = append(names, n.Binding)
			}
			return nil, exit.Errorf(exit.Absent, "lmz contract", "no node is registered as %q%s", binding, catalog.DidYouMean(binding, names))
		}
	}
	return found, nil
}

// The JSON of lmz contract.
type (
	contractNode struct {
		Binding    string           `json:"binding"`
		Type       lmz.NodeType     `json:"type"`
		BeforeCall string           `json:"beforeCall,omitempty"`
		Methods    []contractMethod `json:"methods"` // null: the handler does not list them
	}
	contractMethod struct {
		Name   string   `json:"name"`
		Params []string `json:"params"` // null: unknown
		Result string   `json:"result"`
		Guard  string   `json:"guard"`

		Names       []string `json:"names,omitempty"` // of the parameters
		Doc         string   `json:"doc,omitempty"`
		ReadOnly    bool     `json:"readOnly,omitempty"`
		Destructive bool     `json:"destructive,omitempty"`
		Idempotent  bool     `json:"idempotent,omitempty"`
	}
)

func printNodesJSON(con *console.Console, nodes []admin.NodeContract) error {
	for _, n := range nodes {
		out := contractNode{Binding: n.Binding, Type: n.Type, BeforeCall: n.BeforeCall}
		if n.Listed {
			out.Methods = []contractMethod{}
		}
		for _, m := range n.Methods {
			method := contractMethod{
				Name: m.Name, Result: m.Result, Guard: m.Guard, Names: m.Names, Doc: m.Doc,
				ReadOnly: m.ReadOnly, Destructive: m.Destructive, Idempotent: m.Idempotent,
			}
			if m.Typed {
				method.Params = append([]string{}, m.Params...)
			}
			out.Methods = append(out.Methods, method)
		}
		if err := output.JSON(con.Out, out); err != nil {
			return err
		}
	}
	return nil
}

func printNodes(con *console.Console, nodes []admin.NodeContract) error {
	w := tabwriter.NewWriter(con.Out, 0, 0, 3, ' ', 0)
	for i, n := range nodes {
		if i > 0 {
			fmt.Fprintln(w)
		}
		heading := output.Line(n.Binding) + "  " + strings.ToLower(strings.TrimPrefix(string(n.Type), "Lumenize"))
		if n.Type == lmz.TypeObject {
			heading = output.Line(n.Binding) + "  object"
		}
		if n.BeforeCall != "" {
			heading += "  before every call: " + output.Line(n.BeforeCall)
		}
		fmt.Fprintln(w, heading)
		if !n.Listed {
			fmt.Fprintln(w, "  does not list its methods")
		}
		for _, m := range n.Methods {
			guard := strings.Join(append([]string{"guard " + m.Guard}, m.Marks()...), ", ")
			line := "  " + output.Line(m.String()) + "\t" + output.Line(guard)
			if m.Doc != "" {
				line += "\t" + output.Line(m.Doc)
			}
			fmt.Fprintln(w, line)
		}
	}
	return w.Flush()
}

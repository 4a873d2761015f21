package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
)

func sendsCommand(con *console.Console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sends",
		Short: "List and remove undelivered messages of objects (admins)",
		Long: "sends shows messages between objects that are being retried, because their\n" +
			"receivers cannot execute them now, and messages that were given up: dead\n" +
			"letters. It is for admins only.",
		Example: "  lmz sends ls\n  lmz sends dead\n  lmz sends rm ORDER_DO 4711 1",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(sendsListCommand(con), sendsDeadCommand(con), sendsRmCommand(con))
	return cmd
}

// sendsList is a command that lists sends by sender.
func sendsList(con *console.Console, cmd *cobra.Command, run func(ctx context.Context, con *console.Console, o connect.Gateway, q admin.SendQuery, limit int) error) *cobra.Command {
	var o connect.Gateway
	limit := 0
	cmd.Args = flags.AtMostWords(2, "BINDING and INSTANCE")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		args = append(args, "", "")
		return run(cmd.Context(), con, o, admin.SendQuery{Binding: args[0], Instance: args[1]}, limit)
	}
	o.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object per line: from, to, "+cmd.Annotations["json"])
	return cmd
}

// node is the JSON of an address.
type node struct {
	Binding  string `json:"binding"`
	Instance string `json:"instance"`
}

// oneRetry is the JSON of messages that are being retried.
type oneRetry struct {
	From     node      `json:"from"`
	To       node      `json:"to"`
	Waiting  int       `json:"waiting"`
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"`
	Error    string    `json:"error"`
}

func sendsListCommand(con *console.Console) *cobra.Command {
	return sendsList(con, &cobra.Command{
		Use:   "ls [BINDING [INSTANCE]]",
		Short: "List the messages that are being retried",
		Long: "ls lists what is being retried of one sender or of all, a line for each sender\n" +
			"and receiver, with the reason: the receiver does not start, or cannot store\n" +
			"anything. The first message is retried at growing intervals of up to a minute,\n" +
			"until its deadline or for seven days; later messages to that receiver wait\n" +
			"behind it. 'lmz alarms ls' lists objects that cannot do their own work.",
		Example:     "  lmz sends ls\n  lmz sends ls ORDER_DO --json",
		Annotations: map[string]string{"json": "waiting, attempts,\nsince, next, error"},
	}, listRetries)
}

func listRetries(ctx context.Context, con *console.Console, o connect.Gateway, q admin.SendQuery, limit int) error {
	list := output.List[oneRetry]{Out: con.Out, JSON: o.JSON, Head: "FROM TO WAITING ATTEMPTS NEXT ERROR", Row: func(r oneRetry) []string {
		return []string{
			output.Shorten(lmz.At(r.From.Binding, r.From.Instance).String()), output.Shorten(lmz.At(r.To.Binding, r.To.Instance).String()),
			fmt.Sprint(r.Waiting), fmt.Sprint(r.Attempts), output.Time(&r.Next, ""), r.Error,
		}
	}}
	return o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) error {
		return list.Pages(limit, func(want int) (all []oneRetry, last bool, err error) {
			q.Limit = want
			page, err := admin.ListRetries.Call(ctx, peer, lmz.Worker(admin.Binding), q)
			for _, r := range page.Retries {
				all = append(all, oneRetry{node(r.From), node(r.To), r.Waiting, r.Attempts, r.Since, r.Next, r.Error})
			}
			q.After = page.Next
			return all, q.After == "", err
		})
	})
}

// oneDead is the JSON of a dead letter.
type oneDead struct {
	From    node      `json:"from"`
	To      node      `json:"to"`
	ID      string    `json:"id"`
	Work    string    `json:"work"`
	Args    string    `json:"args,omitempty"`
	Died    time.Time `json:"died"`
	Error   string    `json:"error"`
	Unknown bool      `json:"unknown"`
}

func sendsDeadCommand(con *console.Console) *cobra.Command {
	args := false
	cmd := sendsList(con, &cobra.Command{
		Use:     "dead [BINDING [INSTANCE]]",
		Aliases: []string{"dead-letters"},
		Short:   "List the messages that were given up",
		Long: "dead lists the dead letters of one sender or of all: messages without a reply\n" +
			"that were not executed, because they were refused for good or expired. 'unknown'\n" +
			"before the reason means that the message may have been executed. Each sender\n" +
			"keeps its last 100. Messages with a reply are not listed: their senders were\n" +
			"told.",
		Example:     "  lmz sends dead\n  lmz sends dead ORDER_DO 4711 --args --json",
		Annotations: map[string]string{"json": "id, work, args,\ndied, error, unknown"},
	}, func(ctx context.Context, con *console.Console, o connect.Gateway, q admin.SendQuery, limit int) error {
		q.Args = args
		return listDead(ctx, con, o, q, limit)
	})
	cmd.Flags().BoolVar(&args, "args", false, "show the arguments too, unless they exceed 16 KiB")
	return cmd
}

func listDead(ctx context.Context, con *console.Console, o connect.Gateway, q admin.SendQuery, limit int) error {
	list := output.List[oneDead]{Out: con.Out, JSON: o.JSON, Head: "FROM ID TO WORK DIED ERROR", Row: func(d oneDead) []string {
		work, why := d.Work, d.Error
		if d.Args != "" {
			work = d.Args
		}
		if d.Unknown {
			why = "unknown: " + why
		}
		return []string{
			output.Shorten(lmz.At(d.From.Binding, d.From.Instance).String()), d.ID, output.Shorten(lmz.At(d.To.Binding, d.To.Instance).String()),
			work, output.Time(&d.Died, ""), why,
		}
	}}
	return o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) error {
		return list.Pages(limit, func(want int) (all []oneDead, last bool, err error) {
			q.Limit = want
			page, err := admin.ListDead.Call(ctx, peer, lmz.Worker(admin.Binding), q)
			for _, d := range page.Letters {
				all = append(all, oneDead{node(d.From), node(d.To), d.ID, d.Work, d.Args, d.Died, d.Error, d.Unknown})
			}
			q.After = page.Next
			return all, q.After == "", err
		})
	})
}

func sendsRmCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	all := false
	cmd := &cobra.Command{
		Use:   "rm BINDING INSTANCE [ID]",
		Short: "Remove a dead letter",
		Long: "rm removes a dead letter of an object by the ID that 'lmz sends dead' shows, or\n" +
			"all of them with --all. The message is not sent again.",
		Example: "  lmz sends rm ORDER_DO 4711 1\n  lmz sends rm ORDER_DO 4711 --all",
		Args: func(cmd *cobra.Command, args []string) error {
			if all {
				return flags.Words(2, "BINDING INSTANCE --all")(cmd, args)
			}
			return flags.Words(3, "BINDING INSTANCE ID")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			args = append(args, "")
			_, err := connect.AskAdmin(cmd.Context(), con, o, func(ctx context.Context, via lmz.Caller, at lmz.Address) (int, error) {
				return admin.RemoveDead.Call(ctx, via, at, lmz.At(args[0], args[1]), args[2])
			})
			return err
		},
	}
	o.Flags(con, cmd)
	cmd.Flags().BoolVar(&all, "all", false, "remove all dead letters of the object")
	return cmd
}

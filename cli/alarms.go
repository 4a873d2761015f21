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

func alarmsCommand(con *console.Console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alarms",
		Short: "List, run, and cancel the alarms of objects (admins)",
		Long: "alarms shows which objects have work scheduled, lists the alarms of one object,\n" +
			"runs an alarm now, or cancels one. It is for admins only.",
		Example: "  lmz alarms ls\n  lmz alarms ls REMINDER_DO ann\n  lmz alarms run REMINDER_DO ann milk",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(alarmsListCommand(con),
		alarmCommand(con, "run", "Run an alarm now, even a dead one", admin.RunAlarm,
			"run makes an alarm due now, and revives one whose attempts have all failed. A cron alarm\nthen continues with its schedule. run does not wait for the work."),
		alarmCommand(con, "cancel", "Cancel an alarm", admin.CancelAlarm, "cancel removes an alarm. Work that is already running continues."))
	return cmd
}

func alarmsListCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	limit := 0
	cmd := &cobra.Command{
		Use:   "ls [BINDING [INSTANCE]]",
		Short: "List objects with scheduled work, or the alarms of one",
		Long: "ls lists the objects with scheduled work, of one binding or of all, and when\n" +
			"each wakes next. It opens no object, so a time may be too early. 'pending' means\n" +
			"that messages are under way, or that the object waits for the end of a client's\n" +
			"session. FAILURES counts how often the work failed because the object does not\n" +
			"start or cannot store anything; it is retried. 'lmz sends ls' lists messages\n" +
			"whose receivers cannot execute them.\n\n" +
			"With an instance, ls opens that object and lists its alarms in the order in\n" +
			"which they run, and then the dead ones, whose last attempt failed.",
		Example: "  lmz alarms ls\n  lmz alarms ls REMINDER_DO\n  lmz alarms ls REMINDER_DO ann --json",
		Args:    flags.AtMostWords(2, "BINDING and INSTANCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return listAlarms(cmd.Context(), con, o, lmz.At(args[0], args[1]), limit)
			}
			return listDue(cmd.Context(), con, o, append(args, "")[0], limit)
		},
	}
	o.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object per line: binding, instance, next,\nfailures, since, error; or of one object:\n"+
		"id, schedule, work, next, late, attempts, failures, error, dead")
	return cmd
}

// alarmCommand is a command that acts on one alarm.
func alarmCommand(con *console.Console, name, short string, method lmz.Method2[lmz.Address, string, struct{}], long string) *cobra.Command {
	var o connect.Gateway
	cmd := &cobra.Command{
		Use: name + " BINDING INSTANCE ID", Short: short, Long: long,
		Example: "  lmz alarms " + name + " REMINDER_DO ann milk",
		Args:    flags.Words(3, "BINDING INSTANCE ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := connect.AskAdmin(cmd.Context(), con, o, func(ctx context.Context, via lmz.Caller, at lmz.Address) (struct{}, error) {
				return method.Call(ctx, via, at, lmz.At(args[0], args[1]), args[2])
			})
			return err
		},
	}
	o.Flags(con, cmd)
	return cmd
}

// dueObject is the JSON of an object with scheduled work.
type dueObject struct {
	Binding  string     `json:"binding"`
	Instance string     `json:"instance"`
	Next     *time.Time `json:"next"` // null: messages are under way
	Failures int        `json:"failures"`
	Since    *time.Time `json:"since"` // the first failure; null: none
	Error    string     `json:"error"`
}

func listDue(ctx context.Context, con *console.Console, o connect.Gateway, binding string, limit int) error {
	list := output.List[dueObject]{Out: con.Out, JSON: o.JSON, Head: "OBJECT NEXT FAILURES", Row: func(d dueObject) []string {
		failures := ""
		if d.Failures > 0 {
			failures = fmt.Sprintf("%d since %s: %s", d.Failures, output.Time(d.Since, ""), d.Error)
		}
		return []string{output.Shorten(lmz.At(d.Binding, d.Instance).String()), output.Time(d.Next, "pending"), failures}
	}}
	return o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) error {
		after := ""
		return list.Pages(limit, func(want int) (all []dueObject, last bool, err error) {
			page, err := admin.ListDue.Call(ctx, peer, lmz.Worker(admin.Binding), binding, after, want)
			for _, d := range page.Due {
				all = append(all, dueObject{d.Object.Binding, d.Object.Instance, d.At, d.Failures, d.Since, d.Error})
			}
			after = page.Next
			return all, after == "", err
		})
	})
}

// oneAlarm is the JSON of an alarm.
type oneAlarm struct {
	ID       string     `json:"id"`
	Schedule string     `json:"schedule"`
	Work     string     `json:"work"`
	Next     *time.Time `json:"next"` // null: dead
	Late     string     `json:"late"`
	Attempts int        `json:"attempts"`
	Failures int        `json:"failures"`
	Error    string     `json:"error"`
	Dead     bool       `json:"dead"`
}

func listAlarms(ctx context.Context, con *console.Console, o connect.Gateway, of lmz.Address, limit int) error {
	list := output.List[oneAlarm]{Out: con.Out, JSON: o.JSON, Head: "ID NEXT SCHEDULE WORK FAILURES", Row: func(x oneAlarm) []string {
		failures := ""
		if x.Failures > 0 {
			failures = fmt.Sprintf("%d of %d: %s", x.Failures, x.Attempts, x.Error)
		}
		return []string{x.ID, output.Time(x.Next, "dead"), x.Schedule, x.Work, failures}
	}}
	return o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) error {
		after := ""
		return list.Pages(limit, func(want int) (all []oneAlarm, last bool, err error) {
			page, err := admin.ListAlarms.Call(ctx, peer, lmz.Worker(admin.Binding), of, after, want)
			for _, x := range page.Alarms {
				all = append(all, oneAlarm(x))
			}
			after = page.Next
			return all, after == "", err
		})
	})
}

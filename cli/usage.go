package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
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

func usageCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	limit := 0
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "List what each account uses (admins)",
		Long: "usage lists what each account currently uses of the shared resources: its\n" +
			"clients' sessions; method calls, and time in turns and workers, since the\n" +
			"gateway has known it; bytes waiting in the gateway; objects created by its\n" +
			"calls, bytes stored in objects, watches, and alarms; how often it was refused,\n" +
			"by the budget that was exceeded; and how long it must wait if it is over budget.\n" +
			"Accounts that use nothing are left out; '~' stands for all requests without an\n" +
			"account. 'lmz subjects' shows whose account a subject is.",
		Example: "  lmz subjects usage\n  lmz subjects usage --json | jq 'select(.stored > 1e9)'",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listUsage(cmd.Context(), con, o, limit) },
	}
	o.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object per line: subject, sessions, calls, seconds, wait (seconds),\n"+
		"waiting (bytes), objects, stored (bytes), watches, alarms, refused")
	return cmd
}

// subjectUsage is the JSON of the usage of one subject.
type subjectUsage struct {
	Subject  string            `json:"subject"`
	Sessions int64             `json:"sessions"`
	Calls    int64             `json:"calls"`
	Seconds  float64           `json:"seconds"`
	Wait     float64           `json:"wait"`
	Waiting  int64             `json:"waiting"`
	Objects  int64             `json:"objects"`
	Stored   int64             `json:"stored"`
	Watches  int64             `json:"watches"`
	Alarms   int64             `json:"alarms"`
	Refused  map[string]uint64 `json:"refused"`
}

func listUsage(ctx context.Context, con *console.Console, o connect.Gateway, limit int) error {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	list := output.List[subjectUsage]{
		Out: con.Out, JSON: o.JSON, Head: "SUB SESSIONS CALLS TIME WAITING OBJECTS STORED WATCHES ALARMS REFUSED",
		Row: func(x subjectUsage) []string {
			return []string{
				x.Subject, number(x.Sessions), number(x.Calls), fmt.Sprintf("%.1fs", x.Seconds), number(x.Waiting), number(x.Objects),
				number(x.Stored), number(x.Watches), number(x.Alarms), x.refused(),
			}
		},
	}
	return o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) error {
		after := ""
		return list.Pages(limit, func(want int) (all []subjectUsage, last bool, err error) {
			page, err := admin.ListUsage.Call(ctx, peer, lmz.Worker(admin.Binding), after, want)
			for _, x := range page.Subjects {
				all = append(all, subjectUsage{
					Subject: x.Subject, Sessions: x.Sessions, Calls: x.Calls, Seconds: x.Time.Seconds(), Wait: x.Wait.Seconds(),
					Waiting: x.Waiting, Objects: x.Objects, Stored: x.Stored, Watches: x.Watches, Alarms: x.Alarms, Refused: x.Refused,
				})
			}
			after = page.Next
			return all, after == "", err
		})
	})
}

// refused lists what was refused how often, and how long the subject must wait.
func (x subjectUsage) refused() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(x.Refused)) {
		parts = append(parts, fmt.Sprintf("%s %d", what, x.Refused[what]))
	}
	if x.Wait > 0 {
		parts = append(parts, "waits "+(time.Duration(x.Wait*float64(time.Second))).Round(100*time.Millisecond).String())
	}
	return strings.Join(parts, ", ")
}

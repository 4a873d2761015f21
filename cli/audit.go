package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
)

// auditEvent is a line of the audit log.
type auditEvent struct {
	ID      int64           `json:"id"`
	At      int64           `json:"at"` // Unix milliseconds
	Event   string          `json:"event"`
	Outcome string          `json:"outcome"`
	Actor   string          `json:"actor"`
	Target  string          `json:"target"`
	Email   string          `json:"email"`
	IP      string          `json:"ip"`
	Agent   string          `json:"agent"`
	Request string          `json:"requestId"`
	Detail  json.RawMessage `json:"detail"`
}

// auditOptions are the flags of lmz audit.
type auditOptions struct {
	*account.Account
	json               bool
	limit              int
	event, outcome, of string
}

func auditCommand(con *console.Console) *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Print the sign-in audit log (admins)",
		Long: "audit prints the newest events of the audit log, last first: who did what around\n" +
			"sign-in, when, and from where. It contains no secrets: no tokens, links, or\n" +
			"codes.",
		Example: "  lmz audit\n  lmz audit --of you@example.com --outcome failure --limit 20",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runAudit(cmd.Context(), con, o) },
	}
	o.Account = account.Flags(con, cmd)
	f := cmd.Flags()
	flags.JSON(cmd, &o.json)
	f.IntVar(&o.limit, "limit", 50, "print at most this many events")
	f.StringVar(&o.event, "event", "", "only events with this `name`, such as login.succeeded")
	f.StringVar(&o.outcome, "outcome", "", "only events with this outcome: success or failure")
	f.StringVar(&o.of, "of", "", "only events by or about the account with this email `address`")
	return cmd
}

func runAudit(ctx context.Context, con *console.Console, o auditOptions) error {
	if o.limit < 1 {
		return exit.Usagef("lmz audit --limit 50", "--limit %d must be at least 1", o.limit)
	}
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	query := url.Values{"event": {o.event}, "outcome": {o.outcome}}
	if o.of != "" {
		who, err := s.Find(ctx, o.of)
		if err != nil {
			return err
		}
		query.Set("sub", who.Sub)
	}
	list := output.List[auditEvent]{Out: con.Out, JSON: o.json, Head: "TIME EVENT OUTCOME ACCOUNT IP DETAIL", Row: func(e auditEvent) []string {
		return []string{output.Minute(e.At), e.Event, e.Outcome, cmp.Or(e.Email, e.Actor, "-"), cmp.Or(e.IP, "-"), string(e.Detail)}
	}}
	return list.Pages(o.limit, func(want int) ([]auditEvent, bool, error) {
		var page struct {
			Events []auditEvent
			Next   int64
		}
		err := s.Page(ctx, "audit", query, want, &page)
		query.Set("before", strconv.FormatInt(page.Next, 10))
		return page.Events, page.Next == 0, err
	})
}

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
		Short: "What happened around sign-in: who, when, from where (admins)",
		Long: "audit prints the newest events of the audit log, the last first. It has no secrets: no\n" +
			"token, link or code.",
		Example: "  lmz audit\n  lmz audit --of you@example.com --outcome failure --limit 20",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runAudit(cmd.Context(), con, o) },
	}
	o.Account = account.Flags(con, cmd)
	f := cmd.Flags()
	flags.JSON(cmd, &o.json)
	f.IntVar(&o.limit, "limit", 50, "how many events at most")
	f.StringVar(&o.event, "event", "", "only those with this `name`, such as login.succeeded")
	f.StringVar(&o.outcome, "outcome", "", "only success or failure")
	f.StringVar(&o.of, "of", "", "only those by or about an account, by mail `address`")
	return cmd
}

func runAudit(ctx context.Context, con *console.Console, o auditOptions) error {
	if o.limit < 1 {
		return exit.Usagef("lmz audit --limit 50", "--limit %d asks for nothing", o.limit)
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
	list := output.List[auditEvent]{Out: con.Out, JSON: o.json, Head: "TIME EVENT OUTCOME WHO IP DETAIL", Row: func(e auditEvent) []string {
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

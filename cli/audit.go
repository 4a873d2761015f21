package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
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
	*account
	json               bool
	limit              int
	event, outcome, of string
}

func (a *app) auditCommand() *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "What happened around sign-in: who, when, from where (admins)",
		Long: "audit prints the newest events of the audit log, the last first. It has no secrets: no\n" +
			"token, link or code.",
		Example: "  lmz audit\n  lmz audit --of you@example.com --outcome failure --limit 20",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runAudit(cmd.Context(), o) },
	}
	o.account = a.accountFlags(cmd)
	f := cmd.Flags()
	jsonFlag(cmd, &o.json)
	f.IntVar(&o.limit, "limit", 50, "how many events at most")
	f.StringVar(&o.event, "event", "", "only those with this `name`, such as login.succeeded")
	f.StringVar(&o.outcome, "outcome", "", "only success or failure")
	f.StringVar(&o.of, "of", "", "only those by or about an account, by mail `address`")
	return cmd
}

func (a *app) runAudit(ctx context.Context, o auditOptions) error {
	if o.limit < 1 {
		return usagef("lmz audit --limit 50", "--limit %d asks for nothing", o.limit)
	}
	s, err := a.signedIn(ctx, o.account)
	if err != nil {
		return err
	}
	query := url.Values{"event": {o.event}, "outcome": {o.outcome}}
	if o.of != "" {
		who, err := s.find(ctx, o.of)
		if err != nil {
			return err
		}
		query.Set("sub", who.Sub)
	}
	list := listing[auditEvent]{a: a, json: o.json, head: "TIME EVENT OUTCOME WHO IP DETAIL", row: func(e auditEvent) []string {
		return []string{when(e.At), e.Event, e.Outcome, cmp.Or(e.Email, e.Actor, "-"), cmp.Or(e.IP, "-"), string(e.Detail)}
	}}
	return list.pages(o.limit, func(want int) ([]auditEvent, bool, error) {
		var page struct {
			Events []auditEvent
			Next   int64
		}
		err := s.page(ctx, "audit", query, want, &page)
		query.Set("before", strconv.FormatInt(page.Next, 10))
		return page.Events, page.Next == 0, err
	})
}

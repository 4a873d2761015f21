package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
)

// userSession is a browser or terminal in which an account is signed in.
type userSession struct {
	ID       string `json:"id"`
	Current  bool   `json:"current"`
	Kind     string `json:"kind"`
	Label    string `json:"label"`
	IP       string `json:"ip"`
	Agent    string `json:"agent"`
	Created  int64  `json:"createdAt"` // Unix milliseconds, as are the next
	LastUsed int64  `json:"lastUsedAt"`
	Expires  int64  `json:"expiresAt"`
}

func sessionsCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var asJSON bool
	var of string
	limit := 0
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "List and end the sessions of your account",
		Long: "sessions lists the browsers and terminals in which you are signed in. The\n" +
			"current one has a *. Admins list those of others with --of.",
		Example: "  lmz sessions\n  lmz sessions end --all",
		Args:    flags.NoWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listSessions(cmd.Context(), con, o, of, asJSON, limit)
		},
	}
	o = account.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	flags.JSON(cmd, &asJSON)
	cmd.Flags().StringVar(&of, "of", "", "email `address` of another account (admins)")
	cmd.AddCommand(endSessionCommand(con))
	return cmd
}

func listSessions(ctx context.Context, con *console.Console, o *account.Account, of string, asJSON bool, limit int) error {
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	endpoint := "sessions"
	if of != "" {
		who, err := s.Find(ctx, of)
		if err != nil {
			return err
		}
		endpoint = "subject/" + url.PathEscape(who.Sub) + "/sessions"
	}
	list := output.List[userSession]{Out: con.Out, JSON: asJSON, Head: "ID KIND WHERE IP LAST-USED SINCE", Row: func(x userSession) []string {
		id := x.ID
		if x.Current {
			id += " *"
		}
		return []string{id, x.Kind, cmp.Or(x.Label, x.Agent, "-"), cmp.Or(x.IP, "-"), output.Minute(x.LastUsed), output.Minute(x.Created)}
	}}
	query := make(url.Values)
	return list.Pages(limit, func(want int) ([]userSession, bool, error) {
		var page struct {
			Sessions []userSession
			Next     string
		}
		err := s.Page(ctx, endpoint, query, want, &page)
		query.Set("after", page.Next)
		return page.Sessions, page.Next == "", err
	})
}

func endSessionCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var all bool
	var of string
	cmd := &cobra.Command{
		Use:   "end [ID]",
		Short: "End one session or all of them",
		Long: "end signs out a browser or terminal that you no longer have at hand. --all ends\n" +
			"every session, including this one; --of ends those of another account (admins).",
		Example: "  lmz sessions end 6f9619ff-8b86-4d01-b42d-00cf4fc964ff\n  lmz sessions end --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1) == (all || of != "") {
				return exit.Usagef("lmz sessions end --all", "end needs either an ID or --all")
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			return endSessions(cmd.Context(), con, o, id, of)
		},
	}
	o = account.Flags(con, cmd)
	cmd.Flags().BoolVar(&all, "all", false, "end every session of the account")
	cmd.Flags().StringVar(&of, "of", "", "end all sessions of the account with this email `address` (admins)")
	return cmd
}

// endSessions ends the session with an ID, or all those of another account, or all of the
// user.
func endSessions(ctx context.Context, con *console.Console, o *account.Account, id, of string) error {
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	done := "Signed out everywhere."
	switch {
	case id != "":
		done = "The session was ended."
		err = s.Do(ctx, http.MethodDelete, "session/"+url.PathEscape(id), nil, nil)
	case of != "":
		var who account.Subject
		if who, err = s.Find(ctx, of); err == nil {
			done = output.Line(who.Email) + " was signed out everywhere."
			err = s.Do(ctx, http.MethodDelete, "subject/"+url.PathEscape(who.Sub)+"/sessions", nil, nil)
		}
	default:
		err = s.Do(ctx, http.MethodPost, "logout/all", nil, nil)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.Out, done)
	return err
}

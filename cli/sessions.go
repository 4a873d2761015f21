package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// userSession is a place where somebody is signed in.
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

func (a *app) sessionsCommand() *cobra.Command {
	var o *account
	var asJSON bool
	var of string
	limit := 0
	cmd := &cobra.Command{
		Use:     "sessions",
		Short:   "List and end the places where you are signed in",
		Long:    "sessions lists the browsers and terminals where you are signed in. The one with a * is\nthis one. Admins see those of others with --of.",
		Example: "  lmz sessions\n  lmz sessions end --all",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listSessions(cmd.Context(), o, of, asJSON, limit) },
	}
	o = a.accountFlags(cmd)
	limitFlag(cmd, &limit)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&of, "of", "", "mail `address` of somebody else (admins)")
	cmd.AddCommand(a.endSessionCommand())
	return cmd
}

func (a *app) listSessions(ctx context.Context, o *account, of string, asJSON bool, limit int) error {
	s, err := a.signedIn(ctx, o)
	if err != nil {
		return err
	}
	endpoint := "sessions"
	if of != "" {
		who, err := s.find(ctx, of)
		if err != nil {
			return err
		}
		endpoint = "subject/" + url.PathEscape(who.Sub) + "/sessions"
	}
	list := listing[userSession]{a: a, json: asJSON, head: "ID KIND WHERE IP LAST-USED SINCE", row: func(x userSession) []string {
		id := x.ID
		if x.Current {
			id += " *"
		}
		return []string{id, x.Kind, cmp.Or(x.Label, x.Agent, "-"), cmp.Or(x.IP, "-"), when(x.LastUsed), when(x.Created)}
	}}
	query := make(url.Values)
	return list.pages(limit, func(want int) ([]userSession, bool, error) {
		var page struct {
			Sessions []userSession
			Next     string
		}
		err := s.page(ctx, endpoint, query, want, &page)
		query.Set("after", page.Next)
		return page.Sessions, page.Next == "", err
	})
}

func (a *app) endSessionCommand() *cobra.Command {
	var o *account
	var all bool
	var of string
	cmd := &cobra.Command{
		Use:   "end [ID]",
		Short: "End a session, or all",
		Long: "end signs a browser or terminal out that you do not have at hand. With --all it ends\n" +
			"every session, this one too; with --of those of somebody else (admins).",
		Example: "  lmz sessions end 6f9619ff-8b86-4d01-b42d-00cf4fc964ff\n  lmz sessions end --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1) == (all || of != "") {
				return usagef("lmz sessions end --all", "end needs either an ID or --all")
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			return a.endSessions(cmd.Context(), o, id, of)
		},
	}
	o = a.accountFlags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every session of the account")
	cmd.Flags().StringVar(&of, "of", "", "all sessions of somebody else, by mail `address` (admins)")
	return cmd
}

// endSessions ends the session with an id, or all of somebody, or all of the user.
func (a *app) endSessions(ctx context.Context, o *account, id, of string) error {
	s, err := a.signedIn(ctx, o)
	if err != nil {
		return err
	}
	done := "Signed out everywhere."
	switch {
	case id != "":
		done = "The session has ended."
		err = s.do(ctx, http.MethodDelete, "session/"+url.PathEscape(id), nil, nil)
	case of != "":
		var who subject
		if who, err = s.find(ctx, of); err == nil {
			done = oneLine(who.Email) + " is signed out everywhere."
			err = s.do(ctx, http.MethodDelete, "subject/"+url.PathEscape(who.Sub)+"/sessions", nil, nil)
		}
	default:
		err = s.do(ctx, http.MethodPost, "logout/all", nil, nil)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Out, done)
	return err
}

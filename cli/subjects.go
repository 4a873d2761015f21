package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
)

func subjectsCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var asJSON bool
	limit := 0
	cmd := &cobra.Command{
		Use:   "subjects",
		Short: "List and change the accounts of a server (admins)",
		Long: "subjects lists the accounts of a server, newest first. An account that is not\n" +
			"approved can sign in, but do nothing else.",
		Example: "  lmz subjects\n  lmz subjects set you@example.com --admin=true",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listSubjects(cmd.Context(), con, o, asJSON, limit) },
	}
	o = account.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	flags.JSON(cmd, &asJSON)
	cmd.AddCommand(setSubjectCommand(con), removeSubjectCommand(con), usageCommand(con))
	return cmd
}

func listSubjects(ctx context.Context, con *console.Console, o *account.Account, asJSON bool, limit int) error {
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	list := output.List[account.Subject]{Out: con.Out, JSON: asJSON, Head: "EMAIL VERIFIED APPROVED ADMIN LAST-LOGIN SUB", Row: func(x account.Subject) []string {
		return []string{x.Email, output.Yes(x.Verified), output.Yes(x.Approved), output.Yes(x.Admin), output.MinuteIf(x.Login), x.Sub}
	}}
	query := make(url.Values)
	return list.Pages(limit, func(want int) ([]account.Subject, bool, error) {
		var page struct {
			Subjects []account.Subject
			Next     string
			Notice   string
		}
		err := s.Page(ctx, "subjects", query, want, &page)
		con.Notice(page.Notice)
		query.Set("after", page.Next)
		return page.Subjects, page.Next == "", err
	})
}

func setSubjectCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var admin, approved bool
	cmd := &cobra.Command{
		Use:   "set EMAIL",
		Short: "Change an account's rights",
		Long: "set grants or withdraws an account's admin rights or approval. Withdrawing the\n" +
			"approval ends all sessions of the account.",
		Example: "  lmz subjects set you@example.com --admin=true\n  lmz subjects set you@example.com --approved=false",
		Args:    flags.OneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := make(map[string]bool)
			if cmd.Flags().Changed("admin") {
				change["isAdmin"] = admin
			}
			if cmd.Flags().Changed("approved") {
				change["adminApproved"] = approved
			}
			if len(change) == 0 {
				return exit.Usagef("lmz subjects set "+hint.Quote(args[0])+" --approved=true", "nothing to change: --admin or --approved is required")
			}
			return setSubject(cmd.Context(), con, o, args[0], change)
		},
	}
	o = account.Flags(con, cmd)
	cmd.Flags().BoolVar(&admin, "admin", false, "make the account an admin; =false withdraws that")
	cmd.Flags().BoolVar(&approved, "approved", false, "approve the account; =false withdraws the approval")
	return cmd
}

func setSubject(ctx context.Context, con *console.Console, o *account.Account, who string, change map[string]bool) error {
	s, of, err := o.FindSubject(ctx, who)
	if err != nil {
		return err
	}
	var changed struct{ Subject account.Subject }
	if err := s.Do(ctx, http.MethodPatch, "subject/"+url.PathEscape(of.Sub), change, &changed); err != nil {
		return err
	}
	x := changed.Subject
	_, err = fmt.Fprintf(con.Out, "%s: approved %s, admin %s\n", output.Line(x.Email), output.Yes(x.Approved), output.Yes(x.Admin))
	return err
}

func removeSubjectCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	cmd := &cobra.Command{
		Use:   "rm EMAIL",
		Short: "Delete an account with its sessions and tokens",
		Long: "rm deletes an account. Its owner can sign in again with the same address and\n" +
			"gets a new account, which is not approved.",
		Args: flags.OneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error { return removeSubject(cmd.Context(), con, o, args[0]) },
	}
	o = account.Flags(con, cmd)
	return cmd
}

func removeSubject(ctx context.Context, con *console.Console, o *account.Account, who string) error {
	s, of, err := o.FindSubject(ctx, who)
	if err != nil {
		return err
	}
	if err := s.Do(ctx, http.MethodDelete, "subject/"+url.PathEscape(of.Sub), nil, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "%s was deleted.\n", output.Line(of.Email))
	return err
}

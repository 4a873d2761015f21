package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func (a *app) subjectsCommand() *cobra.Command {
	var o *account
	var asJSON bool
	limit := 0
	cmd := &cobra.Command{
		Use:   "subjects",
		Short: "List and change the accounts of a server (admins)",
		Long: "subjects lists the accounts of a server, the newest first. An account that is not\n" +
			"approved can sign in, and nothing else.",
		Example: "  lmz subjects\n  lmz subjects set you@example.com --admin=true",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listSubjects(cmd.Context(), o, asJSON, limit) },
	}
	o = a.accountFlags(cmd)
	limitFlag(cmd, &limit)
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(a.setSubjectCommand(), a.removeSubjectCommand(), a.usageCommand())
	return cmd
}

func (a *app) listSubjects(ctx context.Context, o *account, asJSON bool, limit int) error {
	s, err := a.signedIn(ctx, o)
	if err != nil {
		return err
	}
	list := listing[subject]{a: a, json: asJSON, head: "EMAIL VERIFIED APPROVED ADMIN LAST-LOGIN SUB", row: func(x subject) []string {
		return []string{x.Email, yes(x.Verified), yes(x.Approved), yes(x.Admin), whenSet(x.Login), x.Sub}
	}}
	query := make(url.Values)
	return list.pages(limit, func(want int) ([]subject, bool, error) {
		var page struct {
			Subjects []subject
			Next     string
			Notice   string
		}
		err := s.page(ctx, "subjects", query, want, &page)
		a.sayNotice(page.Notice)
		query.Set("after", page.Next)
		return page.Subjects, page.Next == "", err
	})
}

func (a *app) setSubjectCommand() *cobra.Command {
	var o *account
	var admin, approved bool
	cmd := &cobra.Command{
		Use:   "set EMAIL",
		Short: "Change what an account may do",
		Long: "set makes somebody an admin or not, or gives or takes the approval. Taking the approval\n" +
			"ends all sessions of the account.",
		Example: "  lmz subjects set you@example.com --admin=true\n  lmz subjects set you@example.com --approved=false",
		Args:    oneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := make(map[string]bool)
			if cmd.Flags().Changed("admin") {
				change["isAdmin"] = admin
			}
			if cmd.Flags().Changed("approved") {
				change["adminApproved"] = approved
			}
			if len(change) == 0 {
				return usagef("lmz subjects set "+shellWord(args[0])+" --approved=true", "nothing is to be changed: --admin and --approved are missing")
			}
			return a.setSubject(cmd.Context(), o, args[0], change)
		},
	}
	o = a.accountFlags(cmd)
	cmd.Flags().BoolVar(&admin, "admin", false, "make it an admin, or with =false no admin any more")
	cmd.Flags().BoolVar(&approved, "approved", false, "approve it, or with =false take the approval away")
	return cmd
}

func (a *app) setSubject(ctx context.Context, o *account, who string, change map[string]bool) error {
	s, of, err := a.findSubject(ctx, o, who)
	if err != nil {
		return err
	}
	var changed struct{ Subject subject }
	if err := s.do(ctx, http.MethodPatch, "subject/"+url.PathEscape(of.Sub), change, &changed); err != nil {
		return err
	}
	x := changed.Subject
	_, err = fmt.Fprintf(a.Out, "%s: approved %s, admin %s\n", oneLine(x.Email), yes(x.Approved), yes(x.Admin))
	return err
}

func (a *app) removeSubjectCommand() *cobra.Command {
	var o *account
	cmd := &cobra.Command{
		Use:   "rm EMAIL",
		Short: "Delete an account, with its sessions and tokens",
		Long: "rm deletes an account. Whoever had it can sign in again with the same address and gets\n" +
			"a new account, which is not approved.",
		Args: oneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.removeSubject(cmd.Context(), o, args[0]) },
	}
	o = a.accountFlags(cmd)
	return cmd
}

func (a *app) removeSubject(ctx context.Context, o *account, who string) error {
	s, of, err := a.findSubject(ctx, o, who)
	if err != nil {
		return err
	}
	if err := s.do(ctx, http.MethodDelete, "subject/"+url.PathEscape(of.Sub), nil, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s is deleted.\n", oneLine(of.Email))
	return err
}

func (a *app) inviteCommand() *cobra.Command {
	var o *account
	cmd := &cobra.Command{
		Use:   "invite EMAIL...",
		Short: "Invite people by mail, approved from the start (admins)",
		Long: "invite mails everyone a link to sign in. Their accounts are approved: nobody has to do\n" +
			"that later. The link is good for a week, or what the server says.",
		Example: "  lmz invite ann@example.com bob@example.com",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.invite(cmd.Context(), o, args) },
	}
	o = a.accountFlags(cmd)
	return cmd
}

func (a *app) invite(ctx context.Context, o *account, emails []string) error {
	s, err := a.signedIn(ctx, o)
	if err != nil {
		return err
	}
	var done struct {
		Invited []string
		Errors  []struct{ Email, Error string }
		Notice  string
	}
	if err := s.do(ctx, http.MethodPost, "invite", map[string][]string{"emails": emails}, &done); err != nil {
		return err
	}
	for _, email := range done.Invited {
		fmt.Fprintf(a.Out, "%s is invited.\n", oneLine(email))
	}
	for _, e := range done.Errors {
		fmt.Fprintf(a.Err, "%s is not invited: %s\n", oneLine(e.Email), oneLine(e.Error))
	}
	a.sayNotice(done.Notice)
	if len(done.Errors) > 0 {
		return failf(exitFailed, "", "%d of %d could not be invited", len(done.Errors), len(emails))
	}
	return nil
}

func (a *app) approveCommand() *cobra.Command {
	var o *account
	cmd := &cobra.Command{
		Use:     "approve EMAIL",
		Short:   "Let an account in that waits for it (admins)",
		Long:    "approve lets somebody use the mesh who has signed in without an invitation, and tells\nthem by mail.",
		Example: "  lmz approve ann@example.com",
		Args:    oneWord("EMAIL"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.approve(cmd.Context(), o, args[0]) },
	}
	o = a.accountFlags(cmd)
	return cmd
}

func (a *app) approve(ctx context.Context, o *account, who string) error {
	s, of, err := a.findSubject(ctx, o, who)
	if err != nil {
		return err
	}
	if err := s.explain(ask(ctx, s.server, authRequest{
		endpoint: "approve/" + url.PathEscape(of.Sub), access: s.access, redirect: true,
	}, nil)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s is approved.\n", oneLine(of.Email))
	return err
}

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// keptAccount is a line of lmz accounts --json.
type keptAccount struct {
	Server  string `json:"server"`
	Email   string `json:"email"`
	Subject string `json:"sub"`
	Active  bool   `json:"active"`
	Store   string `json:"store"` // keyring or file
}

func (a *app) accountsCommand() *cobra.Command {
	var asJSON bool
	var o *account
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "List the accounts that are signed in here",
		Long: "accounts lists the sign-ins that are kept, without asking any server. The one with a *\n" +
			"is what commands use at its server; --email or LMZ_EMAIL chooses another for one command.",
		Example: "  lmz accounts\n  lmz accounts use you@example.com",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runAccounts(cmd.Context(), o, asJSON) },
	}
	o = a.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: server, email, sub, active, store")

	var chosen *account
	use := &cobra.Command{
		Use:     "use EMAIL",
		Short:   "Choose the account that commands use at a server",
		Example: "  lmz accounts use you@example.com",
		Args:    oneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runUse(cmd.Context(), chosen, args[0])
		},
	}
	chosen = a.serverFlags(use)
	cmd.AddCommand(use)
	return cmd
}

func (a *app) runAccounts(ctx context.Context, o *account, asJSON bool) error {
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return err
	}
	defer unlock()
	accounts := c.list()
	if len(accounts) == 0 && !asJSON {
		fmt.Fprintf(a.Err, "Nobody is signed in here. Try: %s\n", loginExample)
	}
	return printList(a, asJSON, accounts, "EMAIL SERVER KEPT-IN", func(k keptAccount) []string {
		email := k.Email
		if k.Active {
			email += " *"
		}
		return []string{email, k.Server, k.Store}
	})
}

// list returns all that are kept, by server and address.
func (c *credentials) list() []keptAccount {
	var list []keptAccount
	for server, at := range c.servers {
		for email, s := range at.Accounts {
			k := keptAccount{Server: server, Email: email, Subject: s.Subject, Active: email == at.Active, Store: "file"}
			if s.Keyring {
				k.Store = "keyring"
			}
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b keptAccount) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Email, b.Email))
	})
	return list
}

func (a *app) runUse(ctx context.Context, o *account, email string) error {
	server, c, unlock, err := a.credentialsAt(ctx, o)
	if err != nil {
		return err
	}
	defer unlock()
	if _, kept := c.servers[server].Accounts[sameAddress(email)]; !kept {
		return c.notSignedIn(server, email)
	}
	if err := c.use(server, email); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "Commands act as %s at %s.\n", oneLine(sameAddress(email)), server)
	return err
}

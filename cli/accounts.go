package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
)

// keptAccount is a line of lmz accounts --json.
type keptAccount struct {
	Server  string `json:"server"`
	Email   string `json:"email"`
	Subject string `json:"sub"`
	Active  bool   `json:"active"`
	Store   string `json:"store"` // keyring or file
}

func accountsCommand(con *console.Console) *cobra.Command {
	var asJSON bool
	var o *account.Account
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "List the accounts that are signed in on this machine",
		Long: "accounts lists the stored sign-ins, without asking any server. Commands use the\n" +
			"account with a * at its server; --email or LMZ_EMAIL chooses another for one\n" +
			"command.",
		Example: "  lmz accounts\n  lmz accounts use you@example.com",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runAccounts(cmd.Context(), con, o, asJSON) },
	}
	o = account.SignInFlags(con, cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per line: server, email, sub, active, store")

	var chosen *account.Account
	use := &cobra.Command{
		Use:     "use EMAIL",
		Short:   "Choose the account that commands use at a server",
		Example: "  lmz accounts use you@example.com",
		Args:    flags.OneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUse(cmd.Context(), con, chosen, args[0])
		},
	}
	chosen = account.SignInFlags(con, use)
	cmd.AddCommand(use)
	return cmd
}

func runAccounts(ctx context.Context, con *console.Console, o *account.Account, asJSON bool) error {
	c, unlock, err := o.Credentials(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	accounts := keptAccounts(c)
	if len(accounts) == 0 && !asJSON {
		fmt.Fprintf(con.Err, "No account is signed in. Try: %s\n", hint.LoginExample)
	}
	return output.Print(con.Out, asJSON, accounts, "EMAIL SERVER STORE", func(k keptAccount) []string {
		email := k.Email
		if k.Active {
			email += " *"
		}
		return []string{email, k.Server, k.Store}
	})
}

// keptAccounts returns all sign-ins as the command prints them.
func keptAccounts(c *credentials.File) []keptAccount {
	var list []keptAccount
	for _, e := range c.All() {
		k := keptAccount{Server: e.Server, Email: e.Email, Subject: e.SignIn.Subject, Active: e.Active, Store: "file"}
		if e.SignIn.Keyring {
			k.Store = "keyring"
		}
		list = append(list, k)
	}
	return list
}

func runUse(ctx context.Context, con *console.Console, o *account.Account, email string) error {
	server, c, unlock, err := o.CredentialsAt(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, kept := c.Find(server, email); !kept {
		return account.NotSignedIn(c, server, email)
	}
	if err := c.Use(server, email); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Out, "Commands now act as %s at %s.\n", output.Line(credentials.SameAddress(email)), server)
	return err
}

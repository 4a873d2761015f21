package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/datadir"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
)

// mintOptions are the flags of lmz token mint.
type mintOptions struct {
	data, email string
	admin       bool
	ttl         time.Duration
}

func tokenCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	token := &cobra.Command{
		Use:   "token",
		Short: "Print or mint an access token",
		Long: "token prints the access token of your sign-in for use by other programs, renewed\n" +
			"if it is about to expire. Whoever has it can act as you until it expires.\n" +
			"Scripts and CI should use 'lmz tokens new', which makes tokens that last longer.",
		Example: "  curl -H \"Authorization: Bearer $(lmz token)\" https://mesh.example.com/…\n  lmz token | ssh host lmz whoami --token-stdin",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runToken(cmd.Context(), con, o) },
	}
	o = account.Flags(con, token)
	var m mintOptions
	mint := &cobra.Command{
		Use:   "mint",
		Short: "Sign an access token with the keys of a data directory",
		Long: "mint signs an access token for scripts and tests; the gateway may be running.\n" +
			"The address needs no mailbox: its account is created if necessary, verified, and\n" +
			"approved. An account whose approval was revoked gets no token.",
		Example: "  export LMZ_ACCESS_TOKEN=$(lmz token mint --email ci@example.com)\n" +
			"  lmz token mint --data ./mesh --email ann@example.com --admin --ttl 10m",
		Args: flags.NoWords,
		RunE: func(*cobra.Command, []string) error { return runMint(con, m) },
	}
	f := mint.Flags()
	f.StringVar(&m.data, "data", "", "data `directory` of the gateway (default that of lmz dev)")
	f.StringVar(&m.email, "email", "", "email `address` of the account")
	f.BoolVar(&m.admin, "admin", false, "make the account an admin")
	f.DurationVar(&m.ttl, "ttl", time.Hour, "how long the token is valid")
	token.AddCommand(mint)
	return token
}

func runToken(ctx context.Context, con *console.Console, o *account.Account) error {
	server, err := o.Origin()
	if err != nil {
		return err
	}
	token, err := o.Token(ctx, server, "")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.Out, token)
	return err
}

func runMint(con *console.Console, o mintOptions) (err error) {
	if o.email == "" {
		return exit.Usagef("lmz token mint --email you@example.com", "--email is missing")
	}
	if o.ttl < time.Second {
		return exit.Usagef("--ttl 1h", "--ttl %v is too short: the minimum is 1s", o.ttl)
	}
	if _, ok := auth.NormalEmail(o.email); !ok {
		return exit.Usagef("lmz token mint --email you@example.com", "%q is not an email address", o.email)
	}
	if o.data, err = datadir.Existing(con.Getenv, o.data); err != nil {
		return err
	}
	token, err := auth.Mint(o.data, con.Getenv, o.email, o.admin, o.ttl)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.Out, token)
	return err
}

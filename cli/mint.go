package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
)

// mintOptions are the flags of lmz token mint.
type mintOptions struct {
	data, email string
	admin       bool
	ttl         time.Duration
}

func (a *app) tokenCommand() *cobra.Command {
	var o *account
	token := &cobra.Command{
		Use:   "token",
		Short: "Print an access token, or make one",
		Long: "token prints an access token of the sign-in, renewed if it is about to expire, for other\n" +
			"programs. Whoever has it can act as you until it expires. For scripts and CI, which\n" +
			"outlive it, there is 'lmz tokens new'.",
		Example: "  curl -H \"Authorization: Bearer $(lmz token)\" https://mesh.example.com/…\n  lmz token | ssh host lmz whoami --token-stdin",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runToken(cmd.Context(), o) },
	}
	o = a.accountFlags(token)
	var m mintOptions
	mint := &cobra.Command{
		Use:   "mint",
		Short: "Sign an access token with the keys of a data directory",
		Long: "mint signs an access token for scripts and tests, also while a gateway runs. The\n" +
			"address needs no mailbox: its account is made if need be, verified and approved. One\n" +
			"whose approval was revoked gets no token.",
		Example: "  export LMZ_ACCESS_TOKEN=$(lmz token mint --email ci@example.com)\n" +
			"  lmz token mint --data ./mesh --email ann@example.com --admin --ttl 10m",
		Args: noWords,
		RunE: func(*cobra.Command, []string) error { return a.runMint(m) },
	}
	f := mint.Flags()
	f.StringVar(&m.data, "data", "", "data `directory` of the gateway (default that of lmz dev)")
	f.StringVar(&m.email, "email", "", "mail `address` that the token is for")
	f.BoolVar(&m.admin, "admin", false, "make it an admin")
	f.DurationVar(&m.ttl, "ttl", time.Hour, "how long the token is good")
	token.AddCommand(mint)
	return token
}

func (a *app) runToken(ctx context.Context, o *account) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	token, err := a.token(ctx, o, server, "")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Out, token)
	return err
}

func (a *app) runMint(o mintOptions) (err error) {
	if o.email == "" {
		return usagef("lmz token mint --email you@example.com", "--email is missing")
	}
	if o.ttl < time.Second {
		return usagef("--ttl 1h", "--ttl %v is too short: at least 1s", o.ttl)
	}
	if _, ok := auth.NormalEmail(o.email); !ok {
		return usagef("lmz token mint --email you@example.com", "%q is not a mail address", o.email)
	}
	if o.data, err = a.madeDataDir(o.data); err != nil {
		return err
	}
	token, err := auth.Mint(o.data, a.Getenv, o.email, o.admin, o.ttl)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Out, token)
	return err
}

// madeDataDir returns the path of a data directory that a gateway has made.
func (a *app) madeDataDir(dir string) (path string, err error) {
	start := "lmz dev"
	if dir != "" {
		start += " --data " + shellWord(dir)
	} else if dir, err = a.defaultDataDir(); err != nil {
		return "", err
	}
	if path, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(path, "auth.json")); errors.Is(err, fs.ErrNotExist) {
		return "", failf(exitFailed, start, "%s is not a data directory yet: no gateway has made it", path)
	}
	return path, nil
}

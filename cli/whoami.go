package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
)

func whoamiCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "whoami",
		Short:   "Print who is signed in",
		Long:    "whoami connects to the gateway and prints who you are signed in as.",
		Example: "  lmz whoami\n  lmz whoami --json",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runWhoami(cmd.Context(), con, o, asJSON) },
	}
	o = account.Flags(con, cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: server, email, sub, admin, expires")
	return cmd
}

// whoami is the answer of lmz whoami --json, with the names of the token's claims.
type whoami struct {
	Server  string    `json:"server"`
	Email   string    `json:"email"`
	Subject string    `json:"sub"`
	Admin   bool      `json:"admin"`
	Expires time.Time `json:"expires,omitzero"` // of the access token; unknown for an opaque one
}

func runWhoami(ctx context.Context, con *console.Console, o *account.Account, asJSON bool) error {
	server, err := o.Origin()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lmz.DefaultTimeout)
	defer cancel()
	// The gateway verifies the token.
	peer, err := connect.Connection{Account: o}.Open(ctx, con)
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	token, err := o.Token(ctx, server, "")
	if err != nil {
		return err
	}
	c, err := account.ReadClaims(server, token)
	if err != nil { // an opaque token: the gateway knows the subject
		c = account.Claims{}
		c.Subject, _, _ = strings.Cut(peer.Identity().Instance, ".")
	}
	w := whoami{Server: server, Email: c.Email, Subject: c.Subject, Admin: c.Admin}
	if c.Expires != 0 {
		w.Expires = time.Unix(c.Expires, 0).UTC()
	}
	if asJSON {
		return output.JSON(con.Out, w)
	}
	role := ""
	if w.Admin {
		role = " (admin)"
	}
	_, err = fmt.Fprintf(con.Out, "%s%s at %s\n", output.Line(cmp.Or(w.Email, w.Subject)), role, w.Server)
	return err
}

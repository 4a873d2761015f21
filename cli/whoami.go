package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
)

func (a *app) whoamiCommand() *cobra.Command {
	var o *account
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "whoami",
		Short:   "Print who is signed in",
		Long:    "whoami connects to the gateway and prints who it takes you for.",
		Example: "  lmz whoami\n  lmz whoami --json",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runWhoami(cmd.Context(), o, asJSON) },
	}
	o = a.accountFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: server, email, sub, admin, expires")
	return cmd
}

// whoami is the answer of lmz whoami --json, with the names of the token's claims.
type whoami struct {
	Server  string    `json:"server"`
	Email   string    `json:"email"`
	Subject string    `json:"sub"`
	Admin   bool      `json:"admin"`
	Expires time.Time `json:"expires,omitzero"` // of the access token; an opaque one does not say
}

func (a *app) runWhoami(ctx context.Context, o *account, asJSON bool) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lmz.DefaultTimeout)
	defer cancel()
	// The gateway verifies the token.
	peer, err := a.connect(ctx, connection{account: o})
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	token, err := a.token(ctx, o, server, "")
	if err != nil {
		return err
	}
	c, err := readClaims(server, token)
	if err != nil { // it is opaque: the gateway has said who that is
		c = claims{}
		c.Subject, _, _ = strings.Cut(peer.Identity().Instance, ".")
	}
	w := whoami{Server: server, Email: c.Email, Subject: c.Subject, Admin: c.Admin}
	if c.Expires != 0 {
		w.Expires = time.Unix(c.Expires, 0).UTC()
	}
	if asJSON {
		return a.encodeJSON(w)
	}
	role := ""
	if w.Admin {
		role = " (admin)"
	}
	_, err = fmt.Fprintf(a.Out, "%s%s at %s\n", oneLine(cmp.Or(w.Email, w.Subject)), role, w.Server)
	return err
}

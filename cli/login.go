package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// clickTimeout is how long lmz login waits for the click on the link.
const clickTimeout = 10 * time.Minute

func (a *app) loginCommand() *cobra.Command {
	login := &cobra.Command{
		Use:   "login",
		Short: "Sign in",
		Long:  "login signs this terminal in. Other commands use the sign-in until 'lmz logout'.",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef(loginExample, "login needs to know how: magic-link is the one way")
		},
	}
	var o *account
	link := &cobra.Command{
		Use:   "magic-link EMAIL",
		Short: "Sign in by a link that is mailed to you",
		Long: "magic-link has the server mail a link to EMAIL and waits until it is opened and\n" +
			"confirmed in a browser on this machine. With 'lmz dev' the mail is in its mailbox.",
		Example: "  lmz login magic-link you@example.com",
		Args:    oneWord("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runLogin(cmd.Context(), o, args[0])
		},
	}
	o = a.accountFlags(link)
	login.AddCommand(link)
	return login
}

func (a *app) runLogin(ctx context.Context, o *account, email string) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	// A place to keep the sign-in is needed, and better now than after the click.
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return err
	}
	unlock()
	callback, err := listenForCode()
	if err != nil {
		return err
	}
	defer callback.close()
	t, err := a.signIn(ctx, server, email, callback)
	if err != nil {
		return err
	}
	said, err := readClaims(server, t.Access)
	if err != nil {
		return err
	}
	if c, unlock, err = a.openCredentials(ctx, o); err != nil {
		return err
	}
	defer unlock()
	inFile, err := c.put(server, signIn{Email: said.Email, Subject: t.Subject, Secrets: t.secrets(time.Now())})
	if err != nil {
		return err
	}
	if inFile {
		fmt.Fprintf(a.Err, "The sign-in is kept in %s as plain text, readable by you alone.\n", c.path)
	}
	fmt.Fprintf(a.Out, "Signed in to %s as %s.\n", server, oneLine(said.Email))
	if !said.Approved && !said.Admin {
		fmt.Fprintln(a.Err, "The account waits for an admin's approval; calls are refused until then.")
	}
	return nil
}

// signIn asks for a link, waits for the click and redeems the code that it brings.
func (a *app) signIn(ctx context.Context, server, email string, callback *callback) (t tokens, err error) {
	hostname, _ := os.Hostname() // for the text of the mail; the server copes without
	err = post(ctx, server, "cli/start", map[string]string{
		"email": email, "redirect_uri": callback.url, "state": callback.state,
		"code_challenge": callback.challenge(), "code_challenge_method": "S256",
		"client_name": "lmz", "hostname": hostname,
	}, &struct{}{})
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.Status == 400:
		return t, usagef("", "%s: %s", email, refused.Description)
	case err != nil:
		return t, noLogin(server, err)
	}
	fmt.Fprintf(a.Err, "A link was sent to %s. Open it and confirm.\n", oneLine(email))
	if isLoopbackHost(strings.TrimPrefix(server, "http://")) {
		fmt.Fprintf(a.Err, "The mailbox of lmz dev is at %s/dev/mail.\n", server)
	}
	waiting, cancel := context.WithTimeout(ctx, clickTimeout)
	defer cancel()
	code, err := callback.wait(waiting)
	switch {
	case ctx.Err() != nil:
		return t, ctx.Err()
	case err != nil:
		return t, failf(exitLogin, loginHint(server), "nobody confirmed the link within %v", clickTimeout)
	}
	err = post(ctx, server, "cli/token", map[string]string{
		"grant_type": "authorization_code", "code": code, "code_verifier": callback.verifier, "redirect_uri": callback.url,
	}, &t)
	if err != nil {
		return t, noLogin(server, err)
	}
	return t, nil
}

// noLogin is a sign-in that the server did not go along with.
func noLogin(server string, err error) error {
	var refused *refusal
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Status == 404:
		return failf(exitNotExecuted, "", "%s has no sign-in for terminals", server)
	}
	return failf(exitLogin, loginHint(server), "%s did not sign you in: %v", server, refused)
}

package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/origin"
)

// signInByLoopback asks for a link, waits until a browser on this machine has confirmed
// it, and redeems the code that the browser brings (RFC 8252 with RFC 7636).
func (a *app) signInByLoopback(ctx context.Context, server, email string) (t tokens, err error) {
	callback, err := listenForCode()
	if err != nil {
		return t, err
	}
	defer callback.close()
	var asked struct{ Notice string }
	err = post(ctx, server, "cli/start", map[string]string{
		"email": email, "redirect_uri": callback.url, "state": callback.state,
		"code_challenge": callback.challenge(), "code_challenge_method": "S256",
		"client_name": "lmz", "hostname": hostname(),
	}, &asked)
	if err != nil {
		return t, refusedLogin(server, email, err)
	}
	fmt.Fprintf(a.Err, "A link was sent to %s. Open it in a browser on this machine and confirm.\n", oneLine(email))
	a.sayNotice(asked.Notice)
	fmt.Fprintln(a.Err, "Is your mail on another device? Then stop this (Ctrl-C) and add --device.")
	a.pointToMailbox(ctx, server)
	code, err := callback.wait(ctx)
	if err != nil {
		return t, endedLogin(ctx, server, email)
	}
	err = post(ctx, server, "cli/token", map[string]string{
		"grant_type": "authorization_code", "code": code, "code_verifier": callback.verifier, "redirect_uri": callback.url,
	}, &t)
	if err != nil {
		return t, refusedLogin(server, email, err)
	}
	return t, nil
}

// hostname is the name of this machine for the text of the mail; the server copes
// without.
func hostname() string {
	name, _ := os.Hostname()
	return name
}

// sayNotice says what the server adds when so many links are asked for that one may
// not come.
func (a *app) sayNotice(notice string) {
	if notice != "" {
		fmt.Fprintln(a.Err, oneLine(notice))
	}
}

// pointToMailbox says where mails of lmz dev go.
func (a *app) pointToMailbox(ctx context.Context, server string) {
	if !origin.IsLoopback(strings.TrimPrefix(server, "http://")) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if response, err := open(ctx, server, http.MethodGet, server+"/dev/mail"); err == nil && response.StatusCode == http.StatusOK {
		fmt.Fprintf(a.Err, "The mailbox of lmz dev is at %s/dev/mail.\n", server)
	}
}

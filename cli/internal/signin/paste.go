package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/internal/origin"
)

// paste requests a link as a browser would, reads it from the terminal, and redeems it. It works
// with the original's service, which supports neither of the other ways and signs in anyone who
// has the link.
func (f *flow) paste(ctx context.Context) (t authclient.Tokens, err error) {
	var asked struct{ Notice string }
	err = authclient.Post(ctx, f.server, "email-magic-link", map[string]string{"email": f.email}, &asked)
	var refused *authclient.Refusal
	switch {
	case errors.As(err, &refused) && (refused.Code == "turnstile_required" || refused.Code == "turnstile_failed"):
		fmt.Fprintf(f.con.Err, "%s sends links only to visitors who pass its Turnstile check: request one in the web app, as %s.\n", f.server, output.Line(f.email))
	case errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		fmt.Fprintf(f.con.Err, "%s has sent too many links: request one in a browser that has been signed in as %s before.\n", f.server, output.Line(f.email))
	case errors.As(err, &refused) && refused.Status == 404:
		return t, exit.Errorf(exit.NotExecuted, "", "%s does not support sign-in by mailed links", f.server)
	case err != nil:
		return t, f.refused(err)
	default:
		fmt.Fprintf(f.con.Err, "A link was sent to %s.\n", output.Line(f.email))
		f.con.Notice(asked.Notice)
	}
	text, err := f.con.ReadSecret(ctx, "Copy it without opening it, and paste it here (input is hidden): ")
	if err != nil {
		if context.Cause(ctx) != nil {
			err = f.ended(ctx)
		} else if errors.Is(err, io.EOF) {
			err = exit.Errorf(exit.Usage, "run the command in a terminal, or write the link to its stdin", "no link was pasted")
		}
		return t, err
	}
	link, err := mailedLink(f.server, text)
	if err != nil {
		return t, err
	}
	session, err := f.redeem(ctx, link)
	if err != nil {
		return t, err
	}
	t, err = authclient.Refresh(ctx, f.server, session)
	if err != nil {
		return t, f.refused(err)
	}
	return t, nil
}

// The links that a sign-in service mails: the end of the path, and the parameter with
// the token.
var linkKinds = map[string]string{"/auth/magic-link": "one_time_token", "/auth/accept-invite": "invite_token"}

var linkToken = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// mailedLink checks that text is a sign-in link of the server: a link from an attacker must
// neither lead this program elsewhere nor do anything else at the server.
func mailedLink(server, text string) (*url.URL, error) {
	const again = "copy the address of the link in the mail, and run the command again"
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return nil, exit.Errorf(exit.Usage, again, "that is not a link")
	}
	if inner := wrapped(u); inner != "" {
		return nil, exit.Errorf(exit.Usage, "if you trust it, paste this one: "+inner, "the mail program has wrapped the link")
	}
	if at, err := origin.Of(u); err != nil || at.String() != server {
		return nil, exit.Errorf(exit.Usage, again, "the link points to %s, not to %s", output.Line(u.Scheme+"://"+u.Host), server)
	}
	query := u.Query()
	parameter, known := linkKinds[u.Path]
	if !known || u.User != nil || u.Fragment != "" || len(query) != 1 || len(query[parameter]) != 1 || !linkToken.MatchString(query.Get(parameter)) {
		return nil, exit.Errorf(exit.Usage, again, "that is not a sign-in link")
	}
	return u, nil
}

// wrapped returns the link that a mail scanner has wrapped in another, or "".
func wrapped(u *url.URL) string {
	host, _ := origin.Domain(u.Hostname())
	var inner string
	switch {
	case strings.HasSuffix(host, ".safelinks.protection.outlook.com"):
		inner = u.Query().Get("url")
	case host == "www.google.com" && u.Path == "/url":
		inner = u.Query().Get("q")
	}
	if _, err := url.Parse(inner); err != nil {
		return ""
	}
	return output.Line(inner)
}

// redeem opens a link as a browser does and returns the refresh token in the answer. On a
// server of ours, it also presses the button on the page behind the link.
func (f *flow) redeem(ctx context.Context, link *url.URL) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, authclient.Timeout)
	defer cancel()
	response, err := authclient.Browse(ctx, f.server, http.MethodGet, link.String())
	if err != nil {
		return "", err
	}
	if response.StatusCode == http.StatusOK {
		if response, err = authclient.Browse(ctx, f.server, http.MethodPost, link.String()); err != nil {
			return "", err
		}
	}
	if session := authclient.RefreshToken(response.Header); session != "" {
		return session, nil
	}
	why := fmt.Sprintf("it answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	if to, err := response.Location(); err == nil {
		switch code := to.Query().Get("error"); code {
		case "invalid_token", "token_used":
			why = "the link was already used, by a mail scanner or a click"
		case "token_expired":
			why = "the link has expired"
		case "":
		default:
			why = output.Line(code)
		}
	}
	return "", exit.Errorf(exit.Login, f.hint()+" --paste", "%s did not sign you in: %s", f.server, why)
}

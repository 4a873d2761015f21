package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"golang.org/x/term"

	"github.com/lumenize/lmz/internal/origin"
)

// signInByPaste has a link mailed as a browser would, reads it from the terminal and
// redeems it. It works with the original's service, which knows neither of the other
// ways and signs in whoever gets the link.
func (a *app) signInByPaste(ctx context.Context, server, email string) (t tokens, err error) {
	var asked struct{ Notice string }
	err = post(ctx, server, "email-magic-link", map[string]string{"email": email}, &asked)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && (refused.Code == "turnstile_required" || refused.Code == "turnstile_failed"):
		fmt.Fprintf(a.Err, "%s sends links to people only: ask for one in the web app, as %s.\n", server, oneLine(email))
	case errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		fmt.Fprintf(a.Err, "%s has sent too many links: ask for one in a browser that has been signed in as %s before.\n", server, oneLine(email))
	case errors.As(err, &refused) && refused.Status == 404:
		return t, failf(exitNotExecuted, "", "%s has no sign-in by mailed links", server)
	case err != nil:
		return t, refusedLogin(server, email, err)
	default:
		fmt.Fprintf(a.Err, "A link was sent to %s.\n", oneLine(email))
		a.sayNotice(asked.Notice)
	}
	text, err := a.readSecret(ctx, "Copy it, without opening it, and paste it here (it will not be shown): ")
	if err != nil {
		if context.Cause(ctx) != nil {
			err = endedLogin(ctx, server, email)
		} else if errors.Is(err, io.EOF) {
			err = failf(exitUsage, "run the command in a terminal, or write the link to its stdin", "no link was pasted")
		}
		return t, err
	}
	link, err := mailedLink(server, text)
	if err != nil {
		return t, err
	}
	session, err := redeem(ctx, server, email, link)
	if err != nil {
		return t, err
	}
	t, err = refresh(ctx, server, session)
	if err != nil {
		return t, refusedLogin(server, email, err)
	}
	return t, nil
}

// readSecret reads a line, without showing it if it comes from a terminal.
func (a *app) readSecret(ctx context.Context, prompt string) (string, error) {
	f, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return a.readLine(ctx)
	}
	shown, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprint(a.Err, prompt)
	line, err := interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) })
	fmt.Fprintln(a.Err)
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(int(f.Fd()), shown))
	}
	return string(line), err
}

// The links that a sign-in service mails: the end of the path, and the parameter with
// the token.
var linkKinds = map[string]string{"/auth/magic-link": "one_time_token", "/auth/accept-invite": "invite_token"}

var linkToken = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// mailedLink checks that text is a link of the server and nothing else: a link from a
// stranger must not lead this program elsewhere, or do something else at the server.
func mailedLink(server, text string) (*url.URL, error) {
	const again = "copy the address of the link in the mail, and run the command again"
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return nil, failf(exitUsage, again, "that is not a link")
	}
	if inner := wrapped(u); inner != "" {
		return nil, failf(exitUsage, "if you trust it, paste this one: "+inner, "the mail program has wrapped the link")
	}
	if at, err := origin.Of(u); err != nil || at.String() != server {
		return nil, failf(exitUsage, again, "the link leads to %s, not to %s", oneLine(u.Scheme+"://"+u.Host), server)
	}
	query := u.Query()
	parameter, known := linkKinds[u.Path]
	if !known || u.User != nil || u.Fragment != "" || len(query) != 1 || len(query[parameter]) != 1 || !linkToken.MatchString(query.Get(parameter)) {
		return nil, failf(exitUsage, again, "that is not a link that signs somebody in")
	}
	return u, nil
}

// wrapped returns the link that a mail scanner has put another around, or "".
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
	return oneLine(inner)
}

// redeem opens a link as a browser does and returns the refresh token that it is
// answered with. A server of ours shows a page with a button, which is pressed.
func redeem(ctx context.Context, server, email string, link *url.URL) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, authTimeout)
	defer cancel()
	response, err := open(ctx, server, http.MethodGet, link.String())
	if err != nil {
		return "", err
	}
	if response.StatusCode == http.StatusOK {
		if response, err = open(ctx, server, http.MethodPost, link.String()); err != nil {
			return "", err
		}
	}
	if session := setCookie(response.Header); session != "" {
		return session, nil
	}
	why := fmt.Sprintf("it answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	if to, err := response.Location(); err == nil {
		switch code := to.Query().Get("error"); code {
		case "invalid_token", "token_used":
			why = "the link is used up: it was opened before, by a mail scanner or a click"
		case "token_expired":
			why = "the link has expired"
		case "":
		default:
			why = oneLine(code)
		}
	}
	return "", failf(exitLogin, loginHint(server, email)+" --paste", "%s did not sign you in: %s", server, why)
}

// open sends what a browser would, reads the answer to its end and drops its body.
func open(ctx context.Context, server, method, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Origin", server)
	}
	response, err := send(server, req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	return response, err
}

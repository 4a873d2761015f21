package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/lumenize/lmz/client"
)

// authTimeout bounds one request to the server's sign-in service.
const authTimeout = 20 * time.Second

// tokens are the server's answer to a sign-in or a refresh.
type tokens struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	Subject   string `json:"sub"`
}

func (t tokens) secrets(now time.Time) *secrets {
	return &secrets{Refresh: t.Refresh, Access: t.Access, Expires: now.Add(time.Duration(t.ExpiresIn) * time.Second)}
}

// refusal is what the sign-in service says when it refuses.
type refusal struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (r *refusal) Error() string {
	if r.Description == "" {
		return fmt.Sprintf("the server answered %d %s", r.Status, http.StatusText(r.Status))
	}
	return r.Description
}

// Is matches client.ErrLoginRequired when the server does not know the user any more.
func (r *refusal) Is(target error) bool {
	return target == client.ErrLoginRequired && (r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden)
}

// authRequest is a request to the sign-in service of a server.
type authRequest struct {
	method   string // default POST
	endpoint string // path below /auth/, with its query
	access   string // access token to show, if any
	refresh  string // refresh token to show as a cookie, if any
	question any    // the body as JSON, if any
	redirect bool   // a redirection is an answer, not a refusal
}

// post sends question to an endpoint of the sign-in service and decodes the answer.
func post(ctx context.Context, server, endpoint string, question, answer any) error {
	_, err := ask(ctx, server, authRequest{endpoint: endpoint, question: question}, answer)
	return err
}

// ask sends a request and decodes the answer into what answer points to, if that is not
// nil. What the service refuses is a *refusal.
func ask(ctx context.Context, server string, r authRequest, answer any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, authTimeout)
	defer cancel()
	req, err := r.build(ctx, server)
	if err != nil {
		return nil, err
	}
	response, err := send(server, req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, notReached(server, err)
	}
	if response.StatusCode >= 300 && (!r.redirect || response.StatusCode >= 400) {
		refused := &refusal{Status: response.StatusCode}
		if json.Unmarshal(data, refused) != nil {
			refused.Description = ""
		}
		return nil, refused
	}
	if answer != nil && json.Unmarshal(data, answer) != nil {
		return nil, failf(exitNotExecuted, "", "%s is no server of lmz: its answer cannot be read", server)
	}
	return response.Header, nil
}

func (r authRequest) build(ctx context.Context, server string) (*http.Request, error) {
	var body io.Reader
	if r.question != nil {
		data, err := json.Marshal(r.question)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.method, http.MethodPost), server+"/auth/"+r.endpoint, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if r.access != "" {
		req.Header.Set("Authorization", "Bearer "+r.access)
	}
	if r.refresh != "" {
		req.AddCookie(&http.Cookie{Name: refreshCookie, Value: r.refresh})
	}
	return req, nil
}

// send sends a request, without following redirects: what it carries is for the server
// that was named only.
func send(server string, req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "lmz") // in the audit log and the list of sessions
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	c := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := c.Do(req)
	if err != nil {
		return nil, notReached(server, err)
	}
	return response, nil
}

// refreshCookie is the cookie that carries a refresh token, and maxAnswer the longest
// answer of the sign-in service that is read, in bytes.
const (
	refreshCookie = "refresh-token"
	maxAnswer     = 4 << 20
)

// refresh exchanges a refresh token for new tokens. It shows the token in the body, as
// our service wants it, and as a cookie, which is all that the original knows.
func refresh(ctx context.Context, server, old string) (t tokens, err error) {
	header, err := ask(ctx, server, authRequest{
		endpoint: "refresh-token", refresh: old, question: map[string]string{"refresh_token": old},
	}, &t)
	if err != nil {
		return tokens{}, err
	}
	t.Refresh = cmp.Or(t.Refresh, setCookie(header), old) // a service that does not rotate may send none
	return t, nil
}

// setCookie returns the refresh token that a server sets as a cookie, or "". Servers of
// ours with https prefix its name.
func setCookie(h http.Header) string {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Name == refreshCookie || c.Name == "__Host-"+refreshCookie {
			return c.Value
		}
	}
	return ""
}

// notReached is the failure to reach a server at all.
func notReached(server string, err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	why := innermost(err).Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why = "no answer in time"
	}
	return failf(exitNotExecuted, startHint(server), "%s cannot be reached: %s", server, why)
}

func startHint(server string) string {
	if server == defaultServer {
		return "lmz dev"
	}
	return ""
}

// innermost strips what Go's network packages put around an error, such as the URL.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

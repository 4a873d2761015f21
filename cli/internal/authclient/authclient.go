// Package authclient speaks HTTP with the sign-in service of a server, ours or the
// original's.
package authclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/client"
)

// Timeout bounds one request to the server's sign-in service.
const Timeout = 20 * time.Second

// Tokens are the server's answer to a sign-in or a refresh.
type Tokens struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	Subject   string `json:"sub"`
}

// Secrets returns what is kept of tokens that came at a time.
func (t Tokens) Secrets(now time.Time) *credentials.Secrets {
	return &credentials.Secrets{Refresh: t.Refresh, Access: t.Access, Expires: now.Add(time.Duration(t.ExpiresIn) * time.Second)}
}

// Refusal is what the sign-in service says when it refuses.
type Refusal struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// Error gives the description, or else the status.
func (r *Refusal) Error() string {
	if r.Description == "" {
		return fmt.Sprintf("the server answered %d %s", r.Status, http.StatusText(r.Status))
	}
	return r.Description
}

// Is matches [client.ErrLoginRequired] when the server does not know the user any more.
func (r *Refusal) Is(target error) bool {
	return target == client.ErrLoginRequired && (r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden)
}

// Request is a request to the sign-in service of a server.
type Request struct {
	Method   string // default POST
	Endpoint string // path below /auth/, with its query
	Access   string // access token to show, if any
	Refresh  string // refresh token to show as a cookie, if any
	Question any    // the body as JSON, if any
	Redirect bool   // a redirection is an answer, not a refusal
}

// Post sends question to an endpoint of the sign-in service and decodes the answer.
func Post(ctx context.Context, server, endpoint string, question, answer any) error {
	_, err := Ask(ctx, server, Request{Endpoint: endpoint, Question: question}, answer)
	return err
}

// Ask sends a request and decodes the answer into what answer points to, if that is not
// nil. What the service refuses is a *Refusal.
func Ask(ctx context.Context, server string, r Request, answer any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
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
		return nil, exit.NotReached(server, err)
	}
	if response.StatusCode >= 300 && (!r.Redirect || response.StatusCode >= 400) {
		refused := &Refusal{Status: response.StatusCode}
		if json.Unmarshal(data, refused) != nil {
			refused.Description = ""
		}
		return nil, refused
	}
	if answer != nil && json.Unmarshal(data, answer) != nil {
		return nil, exit.Errorf(exit.NotExecuted, "", "%s is not an lmz server: its answer cannot be read", server)
	}
	return response.Header, nil
}

func (r Request) build(ctx context.Context, server string) (*http.Request, error) {
	var body io.Reader
	if r.Question != nil {
		data, err := json.Marshal(r.Question)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodPost), server+"/auth/"+r.Endpoint, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if r.Access != "" {
		req.Header.Set("Authorization", "Bearer "+r.Access)
	}
	if r.Refresh != "" {
		req.AddCookie(&http.Cookie{Name: refreshCookie, Value: r.Refresh})
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
		return nil, exit.NotReached(server, err)
	}
	return response, nil
}

// refreshCookie is the cookie that carries a refresh token, and maxAnswer the longest
// answer of the sign-in service that is read, in bytes.
const (
	refreshCookie = "refresh-token"
	maxAnswer     = 4 << 20
)

// Refresh exchanges a refresh token for new tokens. It shows the token in the body, as
// our service wants it, and as a cookie, which is all that the original knows.
func Refresh(ctx context.Context, server, old string) (t Tokens, err error) {
	header, err := Ask(ctx, server, Request{
		Endpoint: "refresh-token", Refresh: old, Question: map[string]string{"refresh_token": old},
	}, &t)
	if err != nil {
		return Tokens{}, err
	}
	t.Refresh = cmp.Or(t.Refresh, RefreshToken(header), old) // a service that does not rotate may send none
	return t, nil
}

// RefreshToken returns the refresh token that a server sets as a cookie, or "". Servers of
// ours with https prefix its name.
func RefreshToken(h http.Header) string {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Name == refreshCookie || c.Name == "__Host-"+refreshCookie {
			return c.Value
		}
	}
	return ""
}

// Browse sends what a browser would, reads the answer to its end and drops its body.
func Browse(ctx context.Context, server, method, address string) (*http.Response, error) {
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

package cli

import (
	"bytes"
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

// post sends question to an endpoint of the sign-in service and decodes the answer.
func post(ctx context.Context, server, endpoint string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, authTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/auth/"+endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	// Without redirects: a body with secrets goes to the server that was named only.
	c := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := c.Do(req)
	if err != nil {
		return notReached(server, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return notReached(server, err)
	}
	if response.StatusCode >= 300 {
		r := &refusal{Status: response.StatusCode}
		if json.Unmarshal(data, r) != nil {
			r.Description = ""
		}
		return r
	}
	if json.Unmarshal(data, answer) != nil {
		return failf(exitNotExecuted, "", "%s is no server of lmz: its answer cannot be read", server)
	}
	return nil
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

// Package turnstile asks Cloudflare Turnstile whether a visitor is a person.
package turnstile

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// URL is Cloudflare's endpoint.
const URL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"

const (
	timeout     = 5 * time.Second
	answerLimit = 64 << 10 // bytes
)

// Check verifies with the server at endpoint the token that a page received for a visitor at the
// address ip. The codes say why it is not ok. It fails if the server cannot be reached within 5
// seconds.
func Check(ctx context.Context, endpoint, secret, token, ip string) (ok bool, codes []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	form := url.Values{"secret": {secret}, "response": {token}, "remoteip": {ip}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return false, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if outer, wrapped := errors.AsType[*url.Error](err); wrapped {
		return false, nil, outer.Err // without the URL
	}
	if err != nil {
		return false, nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Success bool     `json:"success"`
		Codes   []string `json:"error-codes"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerLimit)).Decode(&answer); err != nil {
		return false, nil, err
	}
	return answer.Success, answer.Codes, nil
}

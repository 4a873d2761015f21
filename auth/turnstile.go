package auth

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	turnstileURL     = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
	turnstileTimeout = 5 * time.Second
)

// checkTurnstile refuses a request whose visitor Cloudflare does not vouch for.
// When it cannot be asked, nobody gets through: otherwise, who wants to send mails
// in masses only has to wait for that.
func (s *Service) checkTurnstile(r *request, token any) error {
	if s.changeable.Load().TurnstileSecret == "" {
		return nil
	}
	text, _ := token.(string)
	if text == "" {
		return &Error{Status: http.StatusForbidden, Code: "turnstile_required", Description: "Missing cf-turnstile-response in request body"}
	}
	codes, ok, err := s.askTurnstile(r.Context(), text, r.ip)
	if err != nil {
		s.log.Error("Turnstile could not be asked: the request was refused", "request", r.id, "error", innermost(err))
	}
	if err != nil || !ok {
		return &Error{Status: http.StatusForbidden, Code: "turnstile_failed", Description: "Turnstile verification failed", codes: codes, guess: true}
	}
	return nil
}

func (s *Service) askTurnstile(ctx context.Context, token, ip string) (codes []string, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, turnstileTimeout)
	defer cancel()
	form := url.Values{"secret": {s.changeable.Load().TurnstileSecret}, "response": {token}, "remoteip": {ip}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.turnstile, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	var answer struct {
		Success bool     `json:"success"`
		Codes   []string `json:"error-codes"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer); err != nil {
		return nil, false, err
	}
	return answer.Codes, answer.Success, nil
}

// innermost strips the URL and what else net/http puts around an error.
func innermost(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err
		}
		err = inner.Unwrap()
	}
}

package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/turnstile"
)

// checkTurnstile refuses a request whose visitor does not pass Turnstile. If Cloudflare cannot be
// reached, all requests are refused: otherwise a spammer would only have to wait for that.
func (s *Service) checkTurnstile(r *request, token any) error {
	secret := s.changeable.Load().TurnstileSecret
	if secret == "" {
		return nil
	}
	text, _ := token.(string)
	if text == "" {
		return &Error{Status: http.StatusForbidden, Code: "turnstile_required", Description: "Missing cf-turnstile-response in request body"}
	}
	ok, codes, err := turnstile.Check(r.Context(), s.turnstile, secret, text, r.ip)
	if err != nil {
		s.log.Error("Turnstile cannot be reached: the request was refused", "request", r.id, "error", err)
	}
	if err != nil || !ok {
		return &Error{Status: http.StatusForbidden, Code: "turnstile_failed", Description: "Turnstile verification failed", codes: codes, guess: true}
	}
	return nil
}

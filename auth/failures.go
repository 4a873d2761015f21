package auth

import (
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
)

func (s *Service) failureRules(r *request) []limit.Rule {
	return limit.PerClient("failures", r.ip, s.opts.Limits.FailuresPerIP, shortWindow)
}

// denialRules bound the recorded refusals of a client. They do not lock anyone out: a foreign
// page can make a visitor's browser cause them.
func (s *Service) denialRules(r *request) []limit.Rule {
	return limit.PerClient("denials", r.ip, s.opts.Limits.FailuresPerIP, shortWindow)
}

// failuresLeft refuses a client that has guessed too often.
func (s *Service) failuresLeft(r *request) error { return limited(s.limits.Wait(s.failureRules(r)...)) }

func (s *Service) countFailure(r *request) { s.limits.Count(s.failureRules(r)...) }

func limited(wait time.Duration, first bool) error {
	if wait == 0 {
		return nil
	}
	return &Error{Status: 429, Code: "rate_limited", Description: "Too many requests. Please try again later.", RetryAfter: wait, repeated: !first}
}

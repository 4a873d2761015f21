package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/lumenize/lmz/internal/httphead"
)

const bodyLimit = 16 << 10 // bytes of a request body

// ServeHTTP answers everything below the prefix. An unknown path or method is 404, as in the
// original, never 405.
func (s *Service) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := s.newRequest(hr)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	httphead.Protect(h)
	h.Set("X-Request-Id", r.id)
	if s.cors(w, r) {
		return
	}
	route, vars := s.find(r.Method, r.URL.Path)
	if route == nil {
		notFound(w)
		return
	}
	r.vars = vars
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	if err := s.answer(route, w, r); err != nil {
		s.refuse(route, w, r, err)
	}
	s.logEvents(r)
}

func (s *Service) answer(route *route, w http.ResponseWriter, r *request) error {
	// For every method that changes something: a foreign page must neither use the cookie nor
	// sign a visitor in with its own link.
	if s.forged(r.Request) {
		return errCrossOrigin
	}
	if err := s.failuresLeft(r); err != nil {
		return err
	}
	return route.handle(s, w, r)
}

// refuse answers a refused request, and counts and records the refusal.
func (s *Service) refuse(route *route, w http.ResponseWriter, r *request, err error) {
	refusal, known := errors.AsType[*Error](err)
	if !known {
		s.log.Error("sign-in request failed", "method", r.Method, "endpoint", route.path, "request", r.id, "error", err)
		refusal = errServer
	}
	s.recordRefusal(route, r, refusal)
	if refusal.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(refusal.RetryAfter))
	}
	if route.page && strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.errorPage(refusal).Write(w, refusal.Status)
		return
	}
	writeError(w, refusal)
}

// recordRefusal counts and records a relevant refusal. A visitor without a credential is not an
// event, nor is a malformed body. A client may repeat a forbidden request at any rate, so only
// the first refusals are recorded.
func (s *Service) recordRefusal(route *route, r *request, refusal *Error) {
	switch {
	case refusal == errNoRefresh, refusal == errNoCredential:
		return
	case refusal.Status == http.StatusTooManyRequests:
		if !refusal.repeated {
			s.recordFailure(r, event{name: "rate.limited", details: map[string]any{"endpoint": route.method + " " + route.path}})
		}
		return
	case refusal.Status != http.StatusUnauthorized && refusal.Status != http.StatusForbidden && !refusal.guess:
		return
	}
	if refusal.Status == http.StatusUnauthorized || refusal.guess {
		s.countFailure(r)
	} else if wait, first := s.limits.Take(s.denialRules(r)...); first {
		s.recordFailure(r, event{name: "rate.limited", details: map[string]any{"endpoint": route.method + " " + route.path}})
		return
	} else if wait > 0 {
		return
	}
	e := event{name: "access.denied", details: map[string]any{"endpoint": route.method + " " + route.path, "reason": refusal.Code}}
	if refusal == errCrossOrigin {
		e.details["reason"] = "cross_origin"
	}
	e.actor, e.email = r.actor, r.email
	s.recordFailure(r, e)
}

func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
	w.Write([]byte("Not Found"))
}

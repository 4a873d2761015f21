package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// Refusal is the error of a hook that refuses a connection or a request, with what the other
// side is told. Any other error also refuses, with 403, or with 401 if it is about a token,
// and its text is only logged.
type Refusal struct {
	Status     int           // HTTP status; 0 means 403
	Message    string        // for the other side
	RetryAfter time.Duration // when to try again; 0 for no advice
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// HTTPStatus returns the HTTP status of the refusal.
func (r *Refusal) HTTPStatus() int {
	if r.Status < 300 || r.Status > 599 {
		return http.StatusForbidden
	}
	return r.Status
}

// OAuthError returns the OAuth error code and description for the other side.
func (r *Refusal) OAuthError() (code, description string) {
	switch status := r.HTTPStatus(); {
	case status >= http.StatusInternalServerError:
		return "temporarily_unavailable", r.Message
	case status != http.StatusUnauthorized:
		return "access_denied", r.Message
	}
	return "invalid_token", r.Message
}

// publicError is an error of Options.Verify that says what the client may learn of it.
type publicError interface {
	HTTPStatus() int
	OAuthError() (code, description string) // RFC 6750 section 3.1
}

// refuse answers with a text without a trailing newline, as the original does.
func refuse(w http.ResponseWriter, status int, message string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	io.WriteString(w, message)
}

// unspoken tells a client that offers none of our subprotocols which ones exist.
const unspoken = "This server speaks the WebSocket subprotocols " + proto.SubprotocolCBOR + " and " + proto.SubprotocolJSON +
	" (version 0.26 of @lumenize/mesh). Offer one of them."

// refuseUpgrade tells the client to upgrade to a WebSocket (RFC 9110 section 15.5.22).
func refuseUpgrade(w http.ResponseWriter, message string) {
	w.Header().Add("Connection", "Upgrade") // a proxy in front may have asked to close it
	w.Header().Set("Upgrade", "websocket")
	refuse(w, http.StatusUpgradeRequired, message)
}

// refuseFor answers with what the other side may learn of a hook's error.
func refuseFor(w http.ResponseWriter, err error) {
	var r *Refusal
	var public publicError
	switch {
	case errors.As(err, &r):
		setRetryAfter(w, r.RetryAfter)
		refuse(w, r.HTTPStatus(), http.StatusText(r.HTTPStatus())+": "+r.Message)
	case errors.As(err, &public):
		refuseToken(w, err)
	default:
		refuse(w, http.StatusForbidden, "Forbidden")
	}
}

// refuseToken answers as the original does (PROTOCOL.md, "Connecting").
func refuseToken(w http.ResponseWriter, err error) {
	status, code, description := http.StatusUnauthorized, "invalid_token", "Token is invalid or expired"
	var public publicError
	if errors.As(err, &public) {
		status = public.HTTPStatus()
		code, description = public.OAuthError()
	}
	var r *Refusal
	if errors.As(err, &r) {
		setRetryAfter(w, r.RetryAfter)
	}
	oauthError(w, status, code, description)
}

// challenge returns the value of WWW-Authenticate. RFC 6750 has one code for an unusable
// token, whether it was ever valid or not. A description with characters not allowed there is
// only in the body.
func challenge(code, description string) string {
	if code == "token_expired" { // of package auth
		code = "invalid_token"
	}
	c := `Bearer realm="Lumenize", error="` + code + `"`
	if strings.ContainsFunc(description, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return c
	}
	return c + `, error_description="` + description + `"`
}

// refuseRate answers 429 and says when the subject may try again.
func refuseRate(w http.ResponseWriter, refused *lmz.Error) {
	wait, ok := lmz.RetryAfter(refused)
	if !ok {
		wait = time.Minute // until it has released something
	}
	setRetryAfter(w, wait)
	oauthError(w, http.StatusTooManyRequests, "rate_limited", "Too many requests. Please try again later.")
}

// setRetryAfter rounds up to whole seconds, the unit of HTTP (RFC 9110 section 10.2.3).
func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
}

// oauthError answers as package auth does: with a challenge if the status is 401 (RFC 6750
// section 3).
func oauthError(w http.ResponseWriter, status int, code, description string) {
	h := w.Header()
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(code, description))
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	body, _ := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description}) // two strings can always be encoded
	w.Write(body)
}

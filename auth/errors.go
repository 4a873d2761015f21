package auth

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/httphead"
)

// Error is a refusal as reported to the client. Its texts are public: they contain no secret,
// path or internal detail.
type Error struct {
	// Status is the HTTP status: 400, 401, 403, 404, 413, 429, 500 or 503.
	Status int
	// Code is one word for programs, such as "invalid_token".
	Code string
	// Description is one sentence for people.
	Description string
	// RetryAfter is how long to wait, with status 429.
	RetryAfter time.Duration

	repeated bool     // a 429 that follows another one, which is in the audit log
	guess    bool     // a wrong secret or proof, which counts as a failure of the client
	codes    []string // from Turnstile
}

// Error returns the code and the description.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// sentence returns the description as a complete sentence.
func (e *Error) sentence() string { return strings.TrimSuffix(e.Description, ".") + "." }

// HTTPStatus returns Status.
func (e *Error) HTTPStatus() int { return e.Status }

// OAuthError returns the code and the description, for a gateway that refuses a
// client with this error.
func (e *Error) OAuthError() (code, description string) { return e.Code, e.Description }

var (
	errInvalidJSON   = badRequest("invalid_request", "Invalid JSON body")
	errMissingToken  = badRequest("invalid_request", "Missing one_time_token")
	errBadEmail      = badRequest("invalid_request", "Valid email required")
	errTooLarge      = &Error{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: "Request body too large"}
	errCrossOrigin   = forbidden("Cross-origin request refused")
	errServer        = &Error{Status: http.StatusInternalServerError, Code: "server_error", Description: "Internal server error"}
	errBadToken      = unauthorized("invalid_token", "Token is invalid or expired")
	errExpiredToken  = unauthorized("token_expired", "Token expired") // it was valid
	errMissingInvite = badRequest("invalid_request", "Missing invite_token")
	errUnknown       = notFoundError("Subject not found")
)

func badRequest(code, description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Description: description}
}

func unauthorized(code, description string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: code, Description: description}
}

func forbidden(description string) *Error {
	return &Error{Status: http.StatusForbidden, Code: "forbidden", Description: description}
}

func notFoundError(description string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "not_found", Description: description}
}

// writeJSON writes v without a trailing newline, as the original does.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("auth: answer cannot be encoded: %v", err)) // our own structs can always be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func writeError(w http.ResponseWriter, e *Error) {
	writeJSON(w, e.Status, struct {
		Error       string   `json:"error"`
		Description string   `json:"error_description"`
		Codes       []string `json:"error_codes,omitempty"`
	}{e.Code, e.Description, e.codes})
}

// writeChallenge writes the refusal of a protected route. Only these carry
// WWW-Authenticate, and only with status 401.
func writeChallenge(w http.ResponseWriter, e *Error) {
	httphead.Protect(w.Header())
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate",
			fmt.Sprintf("Bearer realm=\"Lumenize\", error=%q, error_description=%q", challengeCode(e.Code), e.Description))
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	}
	writeError(w, e)
}

// challengeCode returns the code for a challenge: RFC 6750 has only one for every invalid token.
func challengeCode(code string) string {
	if code == errExpiredToken.Code {
		return errBadToken.Code
	}
	return code
}

// seconds formats a duration for Retry-After, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

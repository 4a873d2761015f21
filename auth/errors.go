package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Error is a refusal as it is told to the other side. Its texts are public: they
// name no secret, path or internal detail.
type Error struct {
	// Status is the HTTP status: 400, 401, 403, 413 or 500.
	Status int
	// Code is one word for programs, such as "invalid_token".
	Code string
	// Description is one sentence for people.
	Description string
}

// Error returns the code and the description.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// HTTPStatus returns Status.
func (e *Error) HTTPStatus() int { return e.Status }

// OAuthError returns the code and the description, for a gateway that refuses a
// client with this error.
func (e *Error) OAuthError() (code, description string) { return e.Code, e.Description }

var (
	errInvalidJSON  = &Error{http.StatusBadRequest, "invalid_request", "Invalid JSON body"}
	errTooLarge     = &Error{http.StatusRequestEntityTooLarge, "invalid_request", "Request body too large"}
	errCrossOrigin  = &Error{http.StatusForbidden, "forbidden", "Cross-origin request refused"}
	errServer       = &Error{http.StatusInternalServerError, "server_error", "Internal server error"}
	errMissingToken = &Error{http.StatusBadRequest, "invalid_request", "Missing one_time_token"}
)

func badRequest(code, description string) *Error {
	return &Error{http.StatusBadRequest, code, description}
}

func unauthorized(code, description string) *Error {
	return &Error{http.StatusUnauthorized, code, description}
}

// writeJSON writes v without a trailing newline, as the original does.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("auth: answer cannot be encoded: %v", err)) // our own structs always can
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func writeError(w http.ResponseWriter, e *Error) {
	writeJSON(w, e.Status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{e.Code, e.Description})
}

// writeChallenge writes the refusal of a protected route. Only these carry
// WWW-Authenticate, and only with status 401.
func writeChallenge(w http.ResponseWriter, e *Error) {
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate",
			fmt.Sprintf("Bearer realm=\"Lumenize\", error=%q, error_description=%q", e.Code, e.Description))
	}
	writeError(w, e)
}

// decode reads a JSON object from the body. The Content-Type is not looked at.
func decode(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return errTooLarge
	}
	// Unmarshal takes a bare null for any target and leaves it untouched.
	if err != nil || json.Unmarshal(body, v) != nil || isNull(body) {
		return errInvalidJSON
	}
	return nil
}

func isNull(body []byte) bool {
	var v any
	return json.Unmarshal(body, &v) == nil && v == nil
}

// jsonBool is a boolean member that may be absent but not null, a number or a
// string: "no" must not come to mean yes.
type jsonBool struct{ set, value bool }

func (b *jsonBool) UnmarshalJSON(data []byte) error {
	b.set = true
	switch string(data) {
	case "true":
		b.value = true
	case "false":
		b.value = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}

package auth

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// readBody reads the whole body. A handler that holds the database calls it before the transaction,
// because clients may be slow.
func readBody(r *request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, errInvalidJSON
	}
	return body, nil
}

// decode reads a JSON object from the body, whatever the Content-Type.
func decode(r *request, v any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	return decodeBody(body, v)
}

func decodeBody(body []byte, v any) error {
	// Unmarshal accepts null for any target and leaves the target unchanged.
	if json.Unmarshal(body, v) != nil || isNull(body) {
		return errInvalidJSON
	}
	return nil
}

func isNull(body []byte) bool {
	var v any
	return json.Unmarshal(body, &v) == nil && v == nil
}

// jsonBool is a boolean member that may be absent but must not be null, a number or a string:
// "no" must not mean yes.
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

package client

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/lumenize/lmz/internal/proto"
)

// subjectOf reads the subject from an access token without verifying it: the
// gateway does that, and refuses an instance name that is not the user's.
func subjectOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the access token is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("the access token cannot be decoded")
	}
	claims, err := proto.ParseJSON(payload)
	if err != nil {
		return "", errors.New("the access token's claims cannot be read")
	}
	object, _ := claims.(map[string]any)
	subject, _ := object["sub"].(string)
	if subject == "" {
		return "", errors.New("the access token names no subject")
	}
	return subject, nil
}

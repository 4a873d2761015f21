package client

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// claims are what the client reads from an access token.
type claims struct {
	subject string
	expires time.Time // zero if the token does not say
}

// claimsOf reads an access token without verifying it: the gateway does that, and
// refuses an instance name that is not the user's.
func claimsOf(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("the access token is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errors.New("the access token cannot be decoded")
	}
	parsed, err := proto.ParseJSON(payload)
	if err != nil {
		return c, errors.New("the access token's claims cannot be read")
	}
	object, _ := parsed.(map[string]any)
	if c.subject, _ = object["sub"].(string); c.subject == "" {
		return c, errors.New("the access token names no subject")
	}
	if exp, ok := object["exp"].(float64); ok && exp > 0 && exp < 1<<40 {
		c.expires = time.Unix(int64(exp), 0)
	}
	return c, nil
}

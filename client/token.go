package client

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/jsonwire"
)

// claims are what the client reads from an access token, empty for an opaque one.
type claims struct {
	subject string    // "" if the token has none
	expires time.Time // by the local clock; zero if the token has none
}

// claimsOf reads an access token without verifying it: the gateway does that, and refuses an
// instance name that does not belong to the user.
func claimsOf(token string) (c claims) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c
	}
	parsed, err := jsonwire.Parse(payload)
	if err != nil {
		return c
	}
	object, _ := parsed.(map[string]any)
	c.subject, _ = object["sub"].(string)
	exp, _ := object["exp"].(float64)
	iat, _ := object["iat"].(float64)
	if exp > 0 && exp < 1<<40 {
		c.expires = expiry(time.Now(), iat, exp)
	}
	return c
}

// ending is the remaining life of a token below which no issuer would hand it out.
const ending = 30 * time.Second

// expiry returns when a token that was received now expires, by the local clock. That clock may
// differ from the clock of the server that set iat and exp (0 if missing). If the result is
// implausible, because the token would have expired or would last longer than its life, the token
// counts as new.
func expiry(now time.Time, iat, exp float64) time.Time {
	end := time.Unix(int64(exp), 0)
	life := time.Duration(exp-iat) * time.Second
	if left := end.Sub(now); iat > 0 && life > 0 && (left < min(ending, life) || left > life) {
		return now.Add(life)
	}
	return end
}

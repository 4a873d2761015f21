package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// Each process of a client has a different subject, and all share the client's name, as a hook
// may allow: none may resume the session of another.

// subjectClaim is the claim of a token whose subject differs from the user in the tab's name.
const subjectClaim = "as"

// verify accepts the tokens of meshtest.
func verify(_ context.Context, token string) (*lmz.Auth, error) {
	body, _, _ := strings.Cut(strings.TrimPrefix(token, "meshtest."), ".")
	payload, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return nil, err
	}
	var claims struct {
		Sub, As string
		Exp     int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, err
	}
	auth := &lmz.Auth{Subject: claims.Sub}
	if claims.As != "" {
		auth.Subject = claims.As
	}
	if claims.Exp != 0 {
		if auth.Expires = time.Unix(claims.Exp, 0); !time.Now().Before(auth.Expires) {
			return nil, errors.New("the token has expired")
		}
	}
	return auth, nil
}

// shared allows each subject the name of its client.
func shared(_ context.Context, name lmz.Address, auth *lmz.Auth) (map[string]any, error) {
	user, _, _ := strings.Cut(auth.Subject, "-")
	if !strings.HasPrefix(name.Instance, user+".") {
		return nil, errors.New("the name is another's")
	}
	return nil, nil
}

// separate is the oracle that no process has resumed the session of another subject: each
// connected process has begun a session.
func (v *verdict) separate() {
	for _, p := range v.w.processes {
		if p.State() == client.Connected && len(p.sessions) == 0 {
			v.add("process %d went on with the session of another subject", p.number)
		}
	}
}

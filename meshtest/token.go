package meshtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
)

// Token returns an access token of the user subject with the given claims. It is not signed, and
// only meshes of this package accept it. The claim "exp", in Unix seconds, is its expiry; without
// it the token does not expire. Claims must be JSON values.
func Token(subject string, claims map[string]any) string {
	all := map[string]any{}
	maps.Copy(all, claims)
	all["sub"] = subject
	payload, err := json.Marshal(all)
	if err != nil {
		panic("meshtest: Token: " + err.Error())
	}
	return "meshtest." + base64.RawURLEncoding.EncodeToString(payload) + ".unsigned"
}

// tokens issues the tokens of a client.
type tokens struct {
	subject string
	claims  map[string]any
	life    time.Duration // of each; 0: unlimited

	mu      sync.Mutex    // guards the following fields
	short   time.Duration // of the next one, if not 0
	held    string        // issued until it expires
	heldEnd time.Time
}

// expireNext makes the next token last for d. It is not replaced before it expires.
func (s *tokens) expireNext(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.short = d
}

// next is a client's Options.Token.
func (s *tokens) next(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.short > 0 {
		s.heldEnd = now.Add(s.short).Truncate(time.Second)
		s.held = s.with(s.heldEnd)
		s.short = 0
	}
	switch {
	case now.Before(s.heldEnd):
		return s.held, nil
	case s.life > 0:
		return s.with(now.Add(s.life)), nil
	}
	return Token(s.subject, s.claims), nil
}

// with returns a token that expires at a time.
func (s *tokens) with(expires time.Time) string {
	claims := map[string]any{}
	maps.Copy(claims, s.claims)
	claims["exp"] = expires.Unix()
	return Token(s.subject, claims)
}

// verify reads a token made by Token.
func verify(_ context.Context, token string) (*lmz.Auth, error) {
	body, ok := strings.CutPrefix(token, "meshtest.")
	body, unsigned := strings.CutSuffix(body, ".unsigned")
	payload, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || !unsigned || err != nil {
		return nil, errors.New("the token is not meshtest's")
	}
	auth := &lmz.Auth{}
	if err := json.Unmarshal(payload, &auth.Claims); err != nil {
		return nil, err
	}
	auth.Subject, _ = auth.Claims["sub"].(string)
	if exp, ok := auth.Claims["exp"].(float64); ok {
		auth.Expires = time.Unix(int64(exp), 0)
		if !time.Now().Before(auth.Expires) {
			return nil, errors.New("the token has expired")
		}
	}
	return auth, nil
}

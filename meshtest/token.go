package meshtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/lumenize/lmz"
)

// Token makes an access token of the user subject with any claims, which only meshes
// of this package accept: it is not signed. The claim "exp", in Unix seconds, is when
// it expires; without it never. Claims must be what JSON can hold.
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

// verify reads what Token made.
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

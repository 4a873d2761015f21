package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// KeysCached is how long verifiers elsewhere may keep the list of keys, and so not know
// a new one.
const KeysCached = 5 * time.Minute

// jwk is a public key as RFC 8037 writes it.
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// jwks shows the keys that tokens may be signed with, for verifiers elsewhere.
// They learn nothing of what was revoked: a token is good to them until it ends.
func (s *Service) jwks(w http.ResponseWriter, _ *request) error {
	k, err := s.keys.current()
	if err != nil {
		return err
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{[]jwk{}}
	for i, key := range k.public.Keys {
		public := key.(ed25519.PublicKey) // loadKeys puts nothing else there
		set.Keys = append(set.Keys, jwk{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(public), k.names[i], "sig", "EdDSA"})
	}
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(KeysCached/time.Second)))
	writeJSON(w, http.StatusOK, set)
	return nil
}

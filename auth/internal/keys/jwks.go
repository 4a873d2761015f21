package keys

import (
	"crypto/ed25519"
	"encoding/base64"
)

// JWK is a public key in the form of RFC 8037.
type JWK struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// JWKS is a list of public keys (RFC 7517).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// JWKS returns the verification keys.
func (s *Set) JWKS() JWKS {
	list := JWKS{Keys: []JWK{}}
	for _, public := range s.Public {
		list.Keys = append(list.Keys, jwk(public.Slot, public.Key))
	}
	return list
}

func jwk(id string, key ed25519.PublicKey) JWK {
	return JWK{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(key), id, "sig", "EdDSA"}
}

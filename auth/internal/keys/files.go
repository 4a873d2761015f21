package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/lumenize/lmz/auth/internal/private"
	"github.com/lumenize/lmz/internal/wholefile"
)

// loadSlot returns nil keys for an empty slot. With create it creates the missing key file.
func loadSlot(dir, slot string, getenv func(string) string, create bool) (ed25519.PrivateKey, ed25519.PublicKey, error) {
	privatePEM, publicPEM := getenv("JWT_PRIVATE_KEY_"+slot), getenv("JWT_PUBLIC_KEY_"+slot)
	if privatePEM == "" && publicPEM == "" {
		key, err := loadKeyFile(keyPath(dir, slot), create)
		if key == nil || err != nil {
			return nil, nil, err
		}
		return key, key.Public().(ed25519.PublicKey), nil
	}
	var signing ed25519.PrivateKey
	var public ed25519.PublicKey
	if privatePEM != "" {
		key, err := parseKey[ed25519.PrivateKey](privatePEM, x509.ParsePKCS8PrivateKey)
		if err != nil {
			return nil, nil, fmt.Errorf("JWT_PRIVATE_KEY_%s is not an Ed25519 key in PKCS#8 PEM form: %w", slot, err)
		}
		signing, public = key, key.Public().(ed25519.PublicKey)
	}
	if publicPEM != "" {
		key, err := parseKey[ed25519.PublicKey](publicPEM, x509.ParsePKIXPublicKey)
		if err != nil {
			return nil, nil, fmt.Errorf("JWT_PUBLIC_KEY_%s is not an Ed25519 key in SPKI PEM form: %w", slot, err)
		}
		if public != nil && !public.Equal(key) {
			return nil, nil, fmt.Errorf("JWT_PUBLIC_KEY_%s does not belong to JWT_PRIVATE_KEY_%s: set the matching pair, or only the private key", slot, slot)
		}
		public = key
	}
	return signing, public, nil
}

func loadKeyFile(path string, create bool) (ed25519.PrivateKey, error) {
	data, err := private.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if create {
			return makeKeyFile(path)
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := parseKey[ed25519.PrivateKey](data, x509.ParsePKCS8PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("%s is not an Ed25519 key in PKCS#8 PEM form: %w", path, err)
	}
	return key, nil
}

func makeKeyFile(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, wholefile.Write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// loadSecret reads a file of 32 random bytes in base64.
func loadSecret(path string, create bool) ([]byte, error) {
	data, err := private.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		secret := make([]byte, 32)
		rand.Read(secret)
		return secret, wholefile.Write(path, []byte(base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("%s is damaged: restore it, or delete it and restart to make a new one (refreshes in progress cannot be repeated then)", path)
	}
	return secret, nil
}

var armour = regexp.MustCompile(`-----(BEGIN|END)[^-]*-----`)

// parseKey reads PEM text as environment variables preserve it: line breaks may be spaces,
// the two characters \n, or missing.
func parseKey[K any](text string, parse func(der []byte) (any, error)) (K, error) {
	var none K
	text = armour.ReplaceAllString(strings.ReplaceAll(text, `\n`, "\n"), "")
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return none, errors.New("the base64 text is damaged")
	}
	key, err := parse(der)
	if err != nil {
		return none, errors.New("the key cannot be parsed")
	}
	k, ok := key.(K)
	if !ok {
		return none, fmt.Errorf("it is a different kind of key (%T)", key)
	}
	return k, nil
}

func keyPath(dir, slot string) string { return filepath.Join(dir, strings.ToLower(slot)+".pem") }

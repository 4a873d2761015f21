package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lumenize/lmz/internal/wholefile"
)

// slots are the two places for a signing key. Rotation fills the idle one and
// makes it the primary; the other goes on verifying until its tokens are gone.
var slots = []string{"BLUE", "GREEN"}

// keyring is what a service signs and verifies with. It does not change.
type keyring struct {
	primary string             // slot that signs, the kid of new tokens
	signing ed25519.PrivateKey // its private key
	public  jwt.VerificationKeySet
	names   []string // the slots of public.Keys
	secret  []byte   // from which the keys for everything else are made
}

// keys is the keyring of a directory, read again when something in it changed, so
// that a rotation needs no restart.
type keys struct {
	dir    string
	getenv func(string) string

	dropped atomic.Uint64 // keys that verified once and do not any more

	mu     sync.Mutex // guards the following fields
	ring   *keyring
	loaded time.Time // modification time of dir when ring was read
}

// openKeys makes what is missing to sign.
func openKeys(dir string, getenv func(string) string) (*keys, error) {
	ring, err := loadKeys(dir, getenv, true)
	if err != nil {
		return nil, err
	}
	k := &keys{dir: dir, getenv: getenv, ring: ring}
	k.loaded, err = modified(dir)
	return k, err
}

func modified(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// current returns the keys as they are now. Files are replaced by renaming, which
// changes the directory's time.
func (k *keys) current() (*keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, err := modified(k.dir)
	if err != nil || changed.Equal(k.loaded) {
		return k.ring, err
	}
	ring, err := loadKeys(k.dir, k.getenv, false)
	if err != nil {
		return nil, err
	}
	for _, public := range k.ring.public.Keys {
		stays := func(other jwt.VerificationKey) bool { return public.(ed25519.PublicKey).Equal(other) } // loadKeys puts nothing else there
		if !slices.ContainsFunc(ring.public.Keys, stays) {
			k.dropped.Add(1)
		}
	}
	k.ring, k.loaded = ring, changed
	return ring, nil
}

// successor returns the refresh token that follows token. The same token always
// has the same successor, so a client that repeats a refresh whose answer was
// lost gets what it missed, although only hashes are stored.
func (k *keys) successor(token string) (string, error) {
	next, err := k.mac("refresh-token successor", token)
	if err != nil {
		return "", err
	}
	return token[:familyPart] + next[familyPart:], nil
}

// mac is a keyed hash of text for one purpose.
func (k *keys) mac(purpose, text string) (string, error) {
	ring, err := k.current()
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(ring.derive(purpose + "\x00" + text)), nil
}

func (k *keyring) derive(text string) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// seal encrypts what is stored although it holds secrets.
func (k *keys) seal(plain []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, nil), nil
}

func (k *keys) open(sealed []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, nil)
}

func (k *keys) aead() (cipher.AEAD, error) {
	ring, err := k.current()
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(ring.derive("outbox"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// loadKeys reads the keys of dir and of the environment. A slot for which the
// environment has a key is taken from there as a whole. With create, what is
// missing to sign is made.
func loadKeys(dir string, getenv func(string) string, create bool) (*keyring, error) {
	if create {
		if err := privateDir(dir); err != nil {
			return nil, err
		}
	}
	primary, err := primarySlot(dir, getenv)
	if err != nil {
		return nil, err
	}
	k := &keyring{primary: primary}
	for _, slot := range slots {
		private, public, err := loadSlot(dir, slot, getenv, create && slot == k.primary)
		if err != nil {
			return nil, err
		}
		if public != nil {
			k.public.Keys = append(k.public.Keys, public)
			k.names = append(k.names, slot)
		}
		if slot == k.primary {
			k.signing = private
		}
	}
	if k.signing == nil {
		return nil, fmt.Errorf("no private key in slot %s: set JWT_PRIVATE_KEY_%s or choose the other slot with PRIMARY_JWT_KEY", k.primary, k.primary)
	}
	if k.secret, err = loadSecret(filepath.Join(dir, "refresh.key"), create); err != nil {
		return nil, err
	}
	return k, nil
}

// loadSlot returns nil keys for a slot that is empty.
func loadSlot(dir, slot string, getenv func(string) string, create bool) (ed25519.PrivateKey, ed25519.PublicKey, error) {
	privatePEM, publicPEM := getenv("JWT_PRIVATE_KEY_"+slot), getenv("JWT_PUBLIC_KEY_"+slot)
	if privatePEM == "" && publicPEM == "" {
		private, err := loadKeyFile(keyPath(dir, slot), create)
		if private == nil || err != nil {
			return nil, nil, err
		}
		return private, private.Public().(ed25519.PublicKey), nil
	}
	var private ed25519.PrivateKey
	var public ed25519.PublicKey
	if privatePEM != "" {
		key, err := parseKey[ed25519.PrivateKey](privatePEM, x509.ParsePKCS8PrivateKey)
		if err != nil {
			return nil, nil, fmt.Errorf("JWT_PRIVATE_KEY_%s is not an Ed25519 key in PKCS#8 PEM form: %w", slot, err)
		}
		private, public = key, key.Public().(ed25519.PublicKey)
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
	return private, public, nil
}

func loadKeyFile(path string, create bool) (ed25519.PrivateKey, error) {
	data, err := readPrivate(path)
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

// loadSecret reads 32 random bytes kept in base64.
func loadSecret(path string, create bool) ([]byte, error) {
	data, err := readPrivate(path)
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
		return nil, fmt.Errorf("%s is damaged: restore it, or delete it to make a new one (a refresh under way is then not repeatable)", path)
	}
	return secret, nil
}

var armour = regexp.MustCompile(`-----(BEGIN|END)[^-]*-----`)

// parseKey reads PEM as it survives environment variables: newlines may be
// literal \n, spaces or missing altogether.
func parseKey[K any](text string, parse func(der []byte) (any, error)) (K, error) {
	var none K
	text = armour.ReplaceAllString(strings.ReplaceAll(text, `\n`, "\n"), "")
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return none, errors.New("its base64 text is damaged")
	}
	key, err := parse(der)
	if err != nil {
		return none, errors.New("it cannot be parsed")
	}
	k, ok := key.(K)
	if !ok {
		return none, fmt.Errorf("it is of another kind (%T)", key)
	}
	return k, nil
}

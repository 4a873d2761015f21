package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const audience = "https://mesh.example.com"

// provider is an identity provider that signs with RS256.
type provider struct {
	*httptest.Server

	mu   sync.Mutex // guards the following fields
	keys map[string]*rsa.PrivateKey
	asks int
}

func startProvider(t *testing.T) *provider {
	p := &provider{keys: make(map[string]*rsa.PrivateKey)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serveKeys))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections() // of the key set
		p.Close()
	})
	return p
}

func (p *provider) serveKeys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asks++
	var keys []map[string]string
	for id, key := range p.keys {
		keys = append(keys, map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		})
	}
	json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

// rotate retires one key and introduces another.
func (p *provider) rotate(t *testing.T, old, next string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.keys, old)
	p.keys[next] = key
}

// sign returns a token that is valid except for what edit changes.
func (p *provider) sign(t *testing.T, id string, edit func(jwt.MapClaims)) string {
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": audience, "sub": "ann", "email": "ann@example.com", "exp": time.Now().Add(time.Hour).Unix(),
	}
	if edit != nil {
		edit(claims)
	}
	p.mu.Lock()
	key := p.keys[id]
	p.mu.Unlock()
	return signed(t, jwt.SigningMethodRS256, id, claims, key)
}

func signed(t *testing.T, method jwt.SigningMethod, id string, claims jwt.MapClaims, key any) string {
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = id
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestForeignProviderAfterKeyRotation(t *testing.T) {
	p := startProvider(t)
	p.rotate(t, "", "blue")
	mesh, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: tokens(t.Context(), p.URL, p.URL, audience, new(denylist))})
	if err != nil {
		t.Fatal(err)
	}
	mesh.HandleWorker("WHO_WORKER", whoAmI)
	server := httptest.NewServer(mesh)
	defer server.Close()
	defer mesh.Close()

	whoami := func(token string) (map[string]any, error) {
		peer, err := client.New(client.Options{
			URL: server.URL, Tab: "t", Token: func(context.Context, string) (string, error) { return token, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Wait()
		defer peer.Close()
		if err := peer.Connect(t.Context()); err != nil {
			return nil, err
		}
		return lmz.Call[map[string]any](t.Context(), peer, lmz.Worker("WHO_WORKER"), lmz.Ctn("whoami"))
	}
	connects := func(when, token string) {
		t.Helper()
		got, err := whoami(token)
		if err != nil || got["sub"] != "ann" || got["email"] != "ann@example.com" || got["node"] != "LUMENIZE_CLIENT_GATEWAY/ann.t" {
			t.Errorf("%s: %v, %v", when, got, err)
		}
	}
	blue := p.sign(t, "blue", nil)
	connects("with the first key", blue)
	connects("with the first key again", blue)
	if p.asks != 1 {
		t.Errorf("the keys were fetched %d times", p.asks)
	}
	p.rotate(t, "blue", "green")
	connects("with the next key", p.sign(t, "green", nil))

	public := p.keys["green"].Public().(*rsa.PublicKey)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := jwt.MapClaims{"iss": p.URL, "aud": audience, "sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
	for name, token := range map[string]string{
		"with the key that is out of use": blue,
		"of another issuer":               p.sign(t, "green", func(c jwt.MapClaims) { c["iss"] = "https://evil.example" }),
		"for somebody else":               p.sign(t, "green", func(c jwt.MapClaims) { c["aud"] = "https://other.example" }),
		"that has expired":                p.sign(t, "green", func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() }),
		"that never expires":              p.sign(t, "green", func(c jwt.MapClaims) { delete(c, "exp") }),
		"of nobody":                       p.sign(t, "green", func(c jwt.MapClaims) { delete(c, "sub") }),
		"of a stranger":                   signed(t, jwt.SigningMethodRS256, "green", good, stranger),
		"signed with the public key":      signed(t, jwt.SigningMethodHS256, "green", good, x509.MarshalPKCS1PublicKey(public)),
		"without a signature":             signed(t, jwt.SigningMethodNone, "green", good, jwt.UnsafeAllowNoneSignatureType),
		"that is none":                    "a.b.c",
	} {
		_, response, err := websocket.Dial(t.Context(), server.URL+"/gateway/LUMENIZE_CLIENT_GATEWAY/ann.t", &websocket.DialOptions{
			Subprotocols: []string{"lmz.cbor", "lmz.access-token." + token},
		})
		if err == nil || response == nil || response.StatusCode != http.StatusUnauthorized {
			t.Errorf("a token %s: %v, %v", name, response, err)
		}
	}
}

func TestTheDenylistEndsConnections(t *testing.T) {
	for _, id := range []string{"ann", "session-1", "token-1"} {
		p := startProvider(t)
		p.rotate(t, "", "blue")
		denied := new(denylist)
		mesh, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: tokens(t.Context(), p.URL, p.URL, audience, denied)})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(mesh)
		token := p.sign(t, "blue", func(c jwt.MapClaims) { c["jti"], c["sid"] = "token-1", "session-1" })
		over := make(chan *client.LoginRequiredError, 1)
		peer, err := client.New(client.Options{
			URL: server.URL, Tab: "t",
			Token: func(_ context.Context, refused string) (string, error) {
				if refused != "" {
					return "", client.ErrLoginRequired
				}
				return token, nil
			},
			OnLoginRequired: func(err *client.LoginRequiredError) { over <- err },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := peer.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Close()          // the provider is unreachable
		mesh.Revoke("ann") // and triggers a check
		operator := deny(mesh, denied)
		r := httptest.NewRequest("POST", "/deny?id="+id, nil)
		operator.ServeHTTP(httptest.NewRecorder(), r)
		if err := <-over; err.Code != 4401 || err.Reason != "Signed out by the operator" {
			t.Errorf("%s: told %v", id, err)
		}
		peer.Close()
		peer.Wait()
		server.Close()
		mesh.Close()
	}
}

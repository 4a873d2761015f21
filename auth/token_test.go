package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lumenize/lmz/auth/internal/store"
)

const (
	invalidToken = "Token is invalid or expired"
	expiredToken = "Token expired"
)

func goodClaims(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{"iss": defaultIssuer, "aud": defaultIssuer, "sub": "s", "exp": now.Add(time.Minute).Unix(),
		"iat": now.Unix(), "jti": "j", "emailVerified": true, "adminApproved": true, "email": ada}
}

func TestStrictVerification(t *testing.T) {
	f := start(t, Options{})
	f.insert(store.Subject{Sub: "s", Email: ada, EmailVerified: true, AdminApproved: true, IsAdmin: true})
	now := f.now()
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	own := f.keys().Signing
	public := []byte(own.Public().(ed25519.PublicKey))
	token := func(method jwt.SigningMethod, key any, change jwt.MapClaims) string {
		claims := goodClaims(now)
		maps.Copy(claims, change)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		out, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ok := token(jwt.SigningMethodEdDSA, own, nil)
	parts := strings.Split(ok, ".")
	otherPayload := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"` + defaultIssuer + `","aud":"` + defaultIssuer + `","sub":"x","exp":9999999999,"isAdmin":true}`))
	with := func(change jwt.MapClaims) string { return token(jwt.SigningMethodEdDSA, own, change) }
	// A token that names the key to verify it with, or where to find one.
	foreign := func(header string) string {
		token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, goodClaims(now))
		token.Header[header] = "https://evil.example/keys"
		if header == "jwk" {
			x := base64.RawURLEncoding.EncodeToString(stranger.Public().(ed25519.PublicKey))
			token.Header[header] = map[string]string{"kty": "OKP", "crv": "Ed25519", "x": x}
		}
		out, err := token.SignedString(stranger)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }

	for _, test := range []struct{ name, token, want string }{
		{"good", ok, ""},
		{"audience among several", with(jwt.MapClaims{"aud": []string{"x", defaultIssuer}}), ""},
		{"issued a little ahead", with(jwt.MapClaims{"iat": at(20 * time.Second), "nbf": at(20 * time.Second)}), ""},
		{"admin who is neither verified nor approved", with(jwt.MapClaims{"isAdmin": true, "emailVerified": false, "adminApproved": nil}), ""},
		{"empty", "", invalidToken},
		{"not a token", "a.b.c", invalidToken},
		{"two parts", parts[0] + "." + parts[1], invalidToken},
		{"no signature", parts[0] + "." + parts[1] + ".", invalidToken},
		{"padded", parts[0] + "=." + parts[1] + "." + parts[2], invalidToken},
		{"with a line end", ok[:len(ok)-3] + "\r\n" + ok[len(ok)-3:], invalidToken},
		{"forged payload", parts[0] + "." + otherPayload + "." + parts[2], invalidToken},
		{"foreign key", token(jwt.SigningMethodEdDSA, stranger, nil), invalidToken},
		{"alg none", token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), invalidToken},
		{"HS256 with the public key", token(jwt.SigningMethodHS256, public, nil), invalidToken},
		{"a key of its own", foreign("jwk"), invalidToken},
		{"a place for keys of its own", foreign("jku"), invalidToken},
		{"a certificate of its own", foreign("x5u"), invalidToken},
		{"expired", with(jwt.MapClaims{"exp": at(-time.Second)}), expiredToken},
		{"expired, with a foreign key", token(jwt.SigningMethodEdDSA, stranger, jwt.MapClaims{"exp": at(-time.Second)}), invalidToken},
		{"expires now", with(jwt.MapClaims{"exp": at(0)}), expiredToken},
		{"never expires", with(jwt.MapClaims{"exp": nil}), invalidToken},
		{"exp zero", with(jwt.MapClaims{"exp": 0}), invalidToken},
		{"exp a string", with(jwt.MapClaims{"exp": "9999999999"}), invalidToken},
		{"not yet valid", with(jwt.MapClaims{"nbf": at(40 * time.Second)}), invalidToken},
		{"issued in the future", with(jwt.MapClaims{"iat": at(40 * time.Second)}), invalidToken},
		{"expired and of another audience", with(jwt.MapClaims{"exp": at(-time.Second), "aud": "x"}), expiredToken},
		{"other audience", with(jwt.MapClaims{"aud": "x", "iss": "x"}), "Token audience mismatch"},
		{"no audience", with(jwt.MapClaims{"aud": nil}), "Token audience mismatch"},
		{"other issuer", with(jwt.MapClaims{"iss": "x", "sub": ""}), "Token issuer mismatch"},
		{"no issuer", with(jwt.MapClaims{"iss": nil}), "Token issuer mismatch"},
		{"no subject", with(jwt.MapClaims{"sub": nil}), "Token missing subject claim"},
		{"subject not a string", with(jwt.MapClaims{"sub": 7}), "Token missing subject claim"},
		{"unverified", with(jwt.MapClaims{"emailVerified": false}), "Account not yet approved"},
		{"unapproved", with(jwt.MapClaims{"adminApproved": false}), "Account not yet approved"},
		{"flags of the wrong type", with(jwt.MapClaims{"emailVerified": "true", "isAdmin": 1}), "Account not yet approved"},
	} {
		claims, err := f.svc.Verify(t.Context(), test.token)
		if test.want == "" {
			if err != nil || claims.Subject != "s" || claims.Email != ada || claims.All["jti"] != "j" || claims.Expires.Before(time.Unix(at(time.Minute+4*time.Second), 0)) || claims.Expires.After(time.Unix(at(time.Minute+6*time.Second), 0)) {
				t.Errorf("%s: got %+v, %v", test.name, claims, err)
			}
			continue
		}
		refusal, _ := errors.AsType[*Error](err)
		if refusal == nil || refusal.Description != test.want {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
			continue
		}
		want := unauthorized("invalid_token", test.want)
		switch test.want {
		case expiredToken:
			want.Code = "token_expired"
		case "Account not yet approved":
			want = &Error{Status: 403, Code: "access_denied", Description: test.want}
		}
		if refusal.Error() != want.Error() || refusal.Status != want.Status || refusal.HTTPStatus() != want.Status || claims.All != nil {
			t.Errorf("%s: got %+v with %+v, want %+v", test.name, refusal, claims, want)
		}
	}
}

func TestAccessTokenClaims(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	access := f.access(f.signIn(ada))
	all := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(access, all)
	if err != nil {
		t.Fatal(err)
	}
	if token.Header["alg"] != "EdDSA" || token.Header["typ"] != "JWT" || token.Header["kid"] != "BLUE" {
		t.Errorf("header %v", token.Header)
	}
	if _, isString := all["aud"].(string); !isString || all["sub"] != f.subject(ada).Sub || all["email"] != ada ||
		all["exp"].(float64)-all["iat"].(float64) != 900 || len(all["jti"].(string)) != 36 {
		t.Errorf("claims %v", all)
	}
	if _, present := all["isAdmin"]; present {
		t.Error("isAdmin is there although it is false")
	}
}

func TestMiddlewareAdmission(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	access := f.access(session)
	handler := f.svc.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := ClaimsFrom(r.Context())
		if !ok {
			t.Error("no claims")
		}
		w.Write([]byte(claims.Email))
	}))
	call := func(authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", cookieName+"="+session)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for _, good := range []string{"Bearer " + access, "bearer " + access} {
		if w := call(good); w.Code != 200 || w.Body.String() != ada {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	const missing = `{"error":"invalid_request","error_description":"Missing Authorization header with Bearer token"}`
	for _, bad := range []string{"", "Basic x", "Bearer", "Bearer ", "Bearer  " + access, "Bearer " + access + " x"} {
		w := call(bad)
		want := `Bearer realm="Lumenize", error="invalid_request", error_description="Missing Authorization header with Bearer token"`
		if w.Code != 401 || w.Body.String() != missing || w.Header().Get("WWW-Authenticate") != want {
			t.Errorf("%q: got %d %s %s", bad, w.Code, w.Body, w.Header().Get("WWW-Authenticate"))
		}
	}
	if w := call("Bearer x"); w.Code != 401 || w.Body.String() != `{"error":"invalid_token","error_description":"Token is invalid or expired"}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	f.insert(store.Subject{Sub: "s", Email: bob})
	unapproved, err := f.svc.signAccess(grantTo(store.Subject{Sub: "s", Email: bob}, f.now().Add(time.Minute)), f.now())
	if err != nil {
		t.Fatal(err)
	}
	if w := call("Bearer " + unapproved.AccessToken); w.Code != 403 || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if _, ok := ClaimsFrom(t.Context()); ok {
		t.Error("claims from nowhere")
	}
}

func TestMintWhileRunning(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, Issuer: "https://issuer.example", Limits: Limits{MailsPerAddress: -1}})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			token, err := Mint(dir, noEnv, "Ada@example.com", false, 0)
			if err != nil {
				t.Error(err)
				return
			}
			claims, err := f.svc.Verify(t.Context(), token)
			if err != nil || claims.Email != ada || claims.IsAdmin || claims.Expires.Sub(claims.IssuedAt) != time.Hour+30*time.Second {
				t.Errorf("got %+v, %v", claims, err)
			}
		})
		wg.Go(func() { f.link(bob) })
	}
	wg.Wait()
	if f.count("Subjects") != 1 {
		t.Errorf("%d subjects", f.count("Subjects"))
	}
	token, err := Mint(dir, noEnv, ada, true, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := f.svc.Verify(t.Context(), token); err != nil || !claims.IsAdmin || !f.subject(ada).IsAdmin {
		t.Errorf("got %+v, %v", claims, err)
	}
	token, err = Mint(dir, noEnv, ada, false, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := f.svc.Verify(t.Context(), token); err != nil || claims.IsAdmin {
		t.Errorf("without admin: got %+v, %v", claims, err)
	}
}

func TestInvalidMintArguments(t *testing.T) {
	if _, err := Mint(t.TempDir(), noEnv, ada, false, 0); err == nil || !strings.Contains(err.Error(), "start the server on it once") {
		t.Errorf("a directory never opened: %v", err)
	}
	dir := t.TempDir()
	start(t, Options{Dir: dir})
	for _, bad := range []struct {
		email string
		ttl   time.Duration
	}{{"nobody", 0}, {ada, -time.Hour}, {ada, time.Millisecond}} {
		if token, err := Mint(dir, noEnv, bad.email, false, bad.ttl); err == nil || token != "" {
			t.Errorf("%+v: got %q, %v", bad, token, err)
		}
	}
}

func TestMintAfterARevocation(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, AutoApprove: true, TestMode: true})
	session := f.signIn(ada)
	f.access(session)
	f.want(f.do("POST", "/auth/test/set-subject-data", `{"email":"`+ada+`","adminApproved":false}`), 204, "")
	f.want(f.refresh(session), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)

	for _, admin := range []bool{false, true} {
		if token, err := Mint(dir, noEnv, ada, admin, 0); !errors.Is(err, errRevoked) || token != "" {
			t.Errorf("Mint: got %q, %v", token, err)
		}
	}
	access := f.access(f.signIn(ada))
	if _, err := f.svc.Verify(t.Context(), access); err == nil || f.subject(ada).AdminApproved {
		t.Errorf("a new sign-in: %v", err)
	}
	f.want(f.do("POST", "/auth/test/set-subject-data", `{"email":"`+ada+`","adminApproved":true}`), 204, "")
	if _, err := Mint(dir, noEnv, ada, false, 0); err != nil {
		t.Errorf("after an admin gave it back: %v", err)
	}
}

func TestAutoApproveAtFirstVerificationOnly(t *testing.T) {
	dir := t.TempDir()
	t.Run("without", func(t *testing.T) {
		f := start(t, Options{Dir: dir})
		f.signIn(ada)
	})
	f := start(t, Options{Dir: dir, AutoApprove: true})
	f.signIn(ada)
	f.signIn(bob)
	if f.subject(ada).AdminApproved || !f.subject(bob).AdminApproved {
		t.Errorf("ada %+v, bob %+v", f.subject(ada), f.subject(bob))
	}
}

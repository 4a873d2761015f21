package token

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
)

var (
	names = Names{Issuer: "https://issuer.example", Audience: "https://audience.example"}
	start = time.Unix(1_700_000_000, 0)
)

func keySet(t *testing.T) *keys.Set {
	t.Helper()
	dir, err := keys.Open(t.TempDir(), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	set, err := dir.Current()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

func sign(t *testing.T, set *keys.Set, n Names, g Grant) string {
	t.Helper()
	token, err := Sign(set, n, g, start)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSignedClaims(t *testing.T) {
	set := keySet(t)
	token := sign(t, set, names, Grant{Subject: "ada", Email: "ada@example.com", EmailVerified: true, IsAdmin: true,
		Session: "s1", Actors: []string{"bob", "carol"}, Expires: start.Add(15 * time.Minute)})
	c, err := NewVerifier(names, at(start)).Verify(set, token)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "ada" || c.Email != "ada@example.com" || !c.EmailVerified || c.AdminApproved || !c.IsAdmin || c.Session != "s1" ||
		!slices.Equal(c.Actors, []string{"bob", "carol"}) || !c.IssuedAt.Equal(start) {
		t.Errorf("got %+v", c)
	}
	if !c.NominalEnd().Equal(start.Add(15*time.Minute)) || !c.Expires.Equal(start.Add(15*time.Minute+leeway)) {
		t.Errorf("ends at %v, is refused from %v", c.NominalEnd(), c.Expires)
	}
}

func TestRefusedTokens(t *testing.T) {
	set := keySet(t)
	grant := Grant{Subject: "ada", Expires: start.Add(time.Minute)}
	good := sign(t, set, names, grant)
	for _, test := range []struct {
		name, token string
		now         time.Time
		want        error
	}{
		{"valid", good, start, nil},
		{"at the end", good, start.Add(time.Minute + 5*time.Second), nil},
		{"after the leeway", good, start.Add(time.Minute + 6*time.Second), ErrExpired},
		{"signed in the future", good, start.Add(-31 * time.Second), ErrInvalid},
		{"other keys", sign(t, keySet(t), names, grant), start, ErrInvalid},
		{"other audience", sign(t, set, Names{names.Issuer, "x"}, grant), start, ErrAudience},
		{"other issuer", sign(t, set, Names{"x", names.Audience}, grant), start, ErrIssuer},
		{"no subject", sign(t, set, names, Grant{Expires: grant.Expires}), start, ErrSubject},
		{"a long chain", sign(t, set, names, Grant{Subject: "ada", Actors: []string{"1", "2", "3", "4"}, Expires: grant.Expires}), start, ErrInvalid},
		{"a line break", strings.Replace(good, ".", ".\n", 1), start, ErrInvalid},
		{"a token with a name", NewNamed(Named{Subject: "ada"}), start, ErrInvalid},
		{"nothing", "", start, ErrInvalid},
	} {
		if _, err := NewVerifier(names, at(test.now)).Verify(set, test.token); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

func TestLeewayOfShortTokens(t *testing.T) {
	for lifetime, want := range map[time.Duration]time.Duration{
		time.Second: 100 * time.Millisecond, time.Minute: 6 * time.Second, time.Hour: leeway, -time.Hour: 0,
	} {
		if got := grantedLeeway(lifetime); got != want {
			t.Errorf("a lifetime of %v: %v, want %v", lifetime, got, want)
		}
	}
}

func TestActorChain(t *testing.T) {
	for _, actors := range [][]string{nil, {"a"}, {"a", "b", "c"}} {
		var claim any // as decoded from JSON
		if act := nest(actors); act != nil {
			claim = act
		}
		if got, ok := unnest(claim); !ok || !slices.Equal(got, actors) {
			t.Errorf("%v became %v, %v", actors, got, ok)
		}
	}
	for _, bad := range []any{"a", 7, map[string]any{}, map[string]any{"sub": 7}, map[string]any{"sub": "a", "act": "b"}} {
		if got, ok := unnest(bad); ok {
			t.Errorf("%v became %v", bad, got)
		}
	}
}

func TestTokenWithAName(t *testing.T) {
	set := keySet(t)
	first, second := NewNamed(Named{ID: "1", Name: "ci"}), NewNamed(Named{ID: "1", Name: "ci"})
	if !IsNamed(first) || first == second || strings.Count(first, ".") != 2 {
		t.Errorf("made %s and %s", first, second)
	}
	if IsNamed(sign(t, set, names, Grant{Expires: start})) {
		t.Error("a signed token was taken for one with a name")
	}
}

package secret

import (
	"regexp"
	"testing"
)

func TestSecretsAreUnique(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		seen[New()] = true
		seen[UUID()] = true
	}
	if len(seen) != 2000 {
		t.Errorf("%d of 2000 are different", len(seen))
	}
	if n := len(New()); n != 43 {
		t.Errorf("a secret has %d characters, want 43", n)
	}
}

func TestUUIDForm(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if id := UUID(); !form.MatchString(id) {
		t.Errorf("%s is not a UUID of version 4", id)
	}
}

func TestHashOfAKnownText(t *testing.T) { // FIPS 180-2, B.1
	if got := Hash("abc"); got != "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0" {
		t.Errorf("got %s", got)
	}
}

func TestFamilyOfTokens(t *testing.T) {
	first, second := New(), New()
	next := InFamily(first, second)
	if len(next) != 43 || next == first || FamilyHash(next) != FamilyHash(first) || FamilyHash(second) == FamilyHash(first) {
		t.Errorf("%s follows %s", next, first)
	}
	if FamilyHash("short") == "" {
		t.Error("text of any length has a family")
	}
}

package proto

import (
	"strings"
	"testing"
)

func TestEveryTokenFitsASubprotocol(t *testing.T) {
	for _, token := range []string{
		"a.b.c", "opaque", "sk_live-1~2", "a/b+c==", "with a space", "schlüssel", ",", strings.Repeat("/", MaxToken),
	} {
		p := TokenProtocol(token)
		for i := range len(p) {
			if !fitsProtocol(p[i]) {
				t.Fatalf("%.40s is offered as %.60s", token, p)
			}
		}
		if got, ok, err := OfferedToken([]string{SubprotocolCBOR, SubprotocolJSON, p}); got != token || !ok || err != nil {
			t.Errorf("%.40s arrives as %.40s, %v, %v", token, got, ok, err)
		}
	}
	if p := TokenProtocol("a.b.c"); p != "lmz.access-token.a.b.c" {
		t.Errorf("a JWT is offered as %s", p)
	}
}

func TestOffersOfTokensThatAreNone(t *testing.T) {
	for name, offered := range map[string][]string{
		"padding":               {"lmz.access-token-b64.YQ=="},
		"base64, not base64url": {"lmz.access-token-b64.a+/b"},
		"left-over bits":        {"lmz.access-token-b64.YR"},
		"one letter":            {"lmz.access-token-b64.Y"},
		"not UTF-8":             {"lmz.access-token-b64._w"},
		"both forms":            {"lmz.access-token.a", "lmz.access-token-b64.YQ"},
		"one form twice":        {"lmz.access-token.a", "lmz.access-token.b"},
		"too long":              {TokenPrefixBase64 + strings.Repeat("A", MaxToken*4/3+2)},
	} {
		if token, ok, err := OfferedToken(offered); err == nil || !ok || token != "" {
			t.Errorf("%s: %q, %v, %v", name, token, ok, err)
		}
	}
	if _, ok, err := OfferedToken([]string{"lmz.access-tokens", "lmz"}); ok || err != nil {
		t.Errorf("none: %v, %v", ok, err)
	}
	for _, token := range []string{"", "a\n", "a\x00b", "a\x7f", strings.Repeat("a", MaxToken+1)} {
		if CheckToken(token) == nil {
			t.Errorf("%.10q can be a token", token)
		}
	}
}

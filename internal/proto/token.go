package proto

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"
)

// The prefixes of the subprotocol that carries a client's token, plain or in base64 (PROTOCOL.md,
// "Connecting").
const (
	TokenPrefix       = "lmz.access-token."
	TokenPrefixBase64 = "lmz.access-token-b64."
)

// MaxToken is the longest access token, in bytes.
const MaxToken = 16 << 10

// Myself, as the first part of the instance name that a client dials, stands for the subject of
// its token. No subject may have this name.
const Myself = "~"

// TokenProtocol returns the subprotocol that carries a token.
func TokenProtocol(token string) string {
	for i := range len(token) {
		if !fitsProtocol(token[i]) {
			return base64URL(TokenPrefixBase64, token)
		}
	}
	return TokenPrefix + token
}

// base64URL returns prefix and text in base64url without padding. Package encoding/base64
// would cost a browser 6 kB.
func base64URL(prefix, text string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	out := []byte(prefix)
	bits, n := uint32(0), 0 // bits not written yet, n of them
	for i := range len(text) {
		bits, n = bits<<8|uint32(text[i]), n+8
		for ; n >= 6; n -= 6 {
			out = append(out, digits[bits>>(n-6)&63])
		}
	}
	if n > 0 {
		out = append(out, digits[bits<<(6-n)&63])
	}
	return string(out)
}

// fitsProtocol reports whether a subprotocol name may contain c (RFC 6455 section 4.1, RFC 9110
// section 5.6.2).
func fitsProtocol(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// CarriesToken reports whether a subprotocol carries a token.
func CarriesToken(p string) bool {
	return strings.HasPrefix(p, TokenPrefix) || strings.HasPrefix(p, TokenPrefixBase64)
}

// OfferedToken finds the access token among the subprotocols that a client offers; ok is
// false if there is none.
func OfferedToken(offered []string) (token string, ok bool, err error) {
	for _, p := range offered {
		plain, isPlain := strings.CutPrefix(p, TokenPrefix)
		encoded, isEncoded := strings.CutPrefix(p, TokenPrefixBase64)
		switch {
		case !isPlain && !isEncoded:
			continue
		case ok:
			return "", true, errors.New("several access tokens are offered")
		case isEncoded && len(encoded) > base64.RawURLEncoding.EncodedLen(MaxToken):
			return "", true, errTokenTooLong
		case isEncoded:
			decoded, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
			if err != nil || !utf8.Valid(decoded) {
				return "", true, errors.New("the access token is not UTF-8 in base64url without padding")
			}
			plain = string(decoded)
		}
		token, ok = plain, true
	}
	return token, ok, nil
}

var errTokenTooLong = errors.New("the access token is longer than 16 KiB")

// CheckToken returns why a text cannot be an access token, or nil.
func CheckToken(token string) error {
	switch {
	case token == "":
		return errors.New("the access token is empty")
	case len(token) > MaxToken:
		return errTokenTooLong
	}
	for i := range len(token) {
		if token[i] < ' ' || token[i] == 0x7f {
			return errors.New("the access token has a control character, such as the end of a line")
		}
	}
	return nil
}

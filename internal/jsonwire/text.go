package jsonwire

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// jsonEscapes are the characters that follow a backslash, and their meanings.
var jsonEscapes = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case isDigit(c):
		return rune(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

// chars returns the raw characters of a token.
func (d *jsonDoc) chars(i int32) []byte {
	t := d.tokens[i]
	return d.text[t.start:t.end]
}

// is reports whether token i is this text, written without escapes.
func (d *jsonDoc) is(i int32, text string) bool {
	return d.tokens[i].kind == jsonText && string(d.chars(i)) == text
}

// string returns the text of token i. Half a surrogate pair, which a JavaScript string can hold,
// is an error.
func (d *jsonDoc) string(i int32) (string, error) {
	raw := d.chars(i)
	if !d.tokens[i].escaped {
		return string(raw), nil
	}
	b := make([]byte, 0, len(raw))
	for pos := 0; pos < len(raw); {
		if raw[pos] != '\\' {
			b = append(b, raw[pos])
			pos++
			continue
		}
		if raw[pos+1] != 'u' {
			b = append(b, jsonEscapes[raw[pos+1]])
			pos += 2
			continue
		}
		r := unhex4(raw[pos+2:])
		pos += 6
		if utf16.IsSurrogate(r) {
			var low rune
			if pos < len(raw) && raw[pos] == '\\' && raw[pos+1] == 'u' {
				low = unhex4(raw[pos+2:])
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return "", &cbordoc.Error{What: "the string holds half of a surrogate pair, which is not a character"}
			}
			pos += 6
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b), nil
}

// unhex4 reads four hexadecimal digits, which have been checked.
func unhex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		digit, _ := hexDigit(c)
		r = r<<4 | digit
	}
	return r
}

// float returns the number of token i as JavaScript reads it: infinite if it is too large.
func (d *jsonDoc) float(i int32) float64 {
	f, _ := strconv.ParseFloat(string(d.chars(i)), 64)
	return f
}

// appendJSONFloat writes f, which is finite, as JavaScript does. It preserves the sign of -0,
// which JavaScript reads but does not write.
func appendJSONFloat(dst []byte, f float64) []byte {
	if f == 0 && math.Signbit(f) {
		return append(dst, "-0"...)
	}
	abs := math.Abs(f)
	if f == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent: 1e-07.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// arrayIndex returns the index that JavaScript reads from a member name, if it is one: such
// members come first in an object, in ascending order.
func arrayIndex(name []byte) (n uint64, ok bool) {
	if len(name) == 0 || len(name) > 10 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	for _, c := range name {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n < math.MaxUint32
}

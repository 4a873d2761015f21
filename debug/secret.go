package debug

import "strings"

const redacted = "[redacted]"

// secretWords are parts of the keys of secret values.
var secretWords = []string{"token", "secret", "password", "authorization", "cookie", "apikey", "privatekey", "credential"}

// isSecret reports whether the value of a key is secret.
func isSecret(key string) bool {
	key = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(key))
	for _, word := range secretWords {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// withoutSecrets removes what looks like a secret from a text: words after "Bearer", JWTs
// anywhere, and the values of parameters with the name of a secret.
func withoutSecrets(text string) string {
	if !strings.Contains(text, "eyJ") && !strings.ContainsAny(text, " =") {
		return text
	}
	var out strings.Builder
	bearer := false
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(r rune) bool { return !ofWord(r) })
		if n < 0 {
			n = len(text)
		}
		word := text[:n]
		switch name, _, param := strings.Cut(word, "="); {
		case bearer && word != "", isJWT(word):
			out.WriteString(redacted)
		case param && (isSecret(name) || name == "code"):
			out.WriteString(name + "=" + redacted)
		default:
			out.WriteString(word)
		}
		if word != "" {
			bearer = strings.EqualFold(word, "bearer")
		}
		if text = text[n:]; text != "" {
			out.WriteByte(text[0])
			if text[0] != ' ' {
				bearer = false
			}
			text = text[1:]
		}
	}
	return out.String()
}

// ofWord reports whether a token can have the character, or a parameter with one.
func ofWord(r rune) bool {
	return r > 0x7f || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.=~+/", r)
}

// isJWT reports whether a word has three parts with dots between them, one of which
// begins as the header of a JWT does.
func isJWT(word string) bool {
	i := strings.Index(word, "eyJ")
	return i >= 0 && strings.Count(word[i:], ".") >= 2
}

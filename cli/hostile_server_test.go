package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
)

// TestHostileServerText runs every command with a hostile name against a server whose every
// answer is hostile.
func TestHostileServerText(t *testing.T) {
	const hostile = "a\x1b]0;x\a\u009b31m\u202egpj.exe\u2028\u00ad\x7f" + "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"
	item := map[string]any{"id": hostile, "email": hostile, "sub": hostile, "kind": hostile, "label": hostile, "ip": hostile, "agent": hostile,
		"name": hostile, "event": hostile, "outcome": hostile, "actor": hostile, "target": hostile, "detail": map[string]any{hostile: hostile}}
	answers := map[bool]map[string]any{
		true: {"subjects": []any{item}, "sessions": []any{item}, "tokens": []any{item}, "events": []any{item}, "subject": item,
			"invited": []any{hostile}, "errors": []any{map[string]any{"email": hostile, "error": hostile}}, "token": "x", "id": hostile, "name": hostile, "email": hostile},
		false: {"error": hostile, "error_description": hostile},
	}
	shown := map[string]int{} // outputs that have the name
	for _, good := range []bool{true, false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if !good {
				w.WriteHeader(http.StatusForbidden)
			}
			json.NewEncoder(w).Encode(answers[good])
		}))
		defer server.Close()
		for _, args := range [][]string{
			{"subjects"}, {"subjects", "--json"}, {"subjects", "set", hostile, "--approved"}, {"subjects", "rm", hostile}, {"invite", hostile}, {"approve", hostile},
			{"sessions"}, {"sessions", "--json"}, {"sessions", "rm", hostile}, {"tokens"}, {"tokens", "--json"}, {"tokens", "new", hostile}, {"tokens", "rm", hostile},
			{"audit"}, {"audit", "--json"}, {"whoami"}, {"login", "magic-link", "ann@example.com"}, {"login", "magic-link", hostile}, {"logout"}, {"accounts"},
			{"call", hostile, hostile, hostile}, {"call", "X", "-", hostile + "(" + hostile}, {"can", hostile, hostile, hostile}, {"contract", hostile},
			{"objects"}, {"objects", "sql", hostile, hostile, hostile}, {"alarms", hostile, hostile}, {"cat", hostile}, {"watch", hostile},
			{"edit", hostile}, {"edit", hostile, "--as", hostile}, {hostile}, {"--" + hostile}, {"help", hostile}, {"keys", hostile}, {"token", hostile},
			{"gateway", "--public-url", hostile}, {"gateway", "--config", hostile}, {"dev", "--addr", hostile},
		} {
			r := runLmz(t.Context(), server.URL, args...)
			for what, out := range map[string]string{"stdout": r.stdout, "stderr": r.err} {
				if strings.Contains(out, "gpj.exe") {
					shown[what]++
				}
				marks := 0
				for _, c := range out {
					if marks++; !unicode.Is(unicode.Mn, c) {
						marks = 0
					}
					if c != '\n' && c != '\t' && unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || marks > 6 {
						t.Errorf("%s of lmz %q has %q: %q", what, args, c, out)
						break
					}
				}
			}
			if strings.Contains(r.err, "a bug in lmz") {
				t.Errorf("lmz %q: %s", args, r.err)
			}
		}
	}
	if shown["stdout"] < 5 || shown["stderr"] < 20 {
		t.Errorf("the name was printed %v times: the test looks at nothing", shown)
	}
}

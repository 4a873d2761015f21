package hint

import "testing"

func TestQuotedWords(t *testing.T) {
	for word, want := range map[string]string{"a-b.c/d@e": "a-b.c/d@e", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := Quote(word); got != want {
			t.Errorf("%q is quoted as %s", word, got)
		}
	}
}

func TestAdminHint(t *testing.T) {
	for server, want := range map[string]string{
		DefaultServer: "stop the gateway, start it with --bootstrap-email ann@example.com, and sign in again: lmz login magic-link ann@example.com",
		"https://mesh.example": "have an admin run 'lmz subjects set ann@example.com --admin=true', or the operator start the gateway with --bootstrap-email ann@example.com, " +
			"and sign in again: lmz login magic-link ann@example.com --server https://mesh.example",
	} {
		if got := Admin(server, "Ann@example.com"); got != want {
			t.Errorf("%s: %s", server, got)
		}
	}
}

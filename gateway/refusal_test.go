package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusalsInTheOriginalsWords checks that bodies have no trailing newline, and that a
// challenge says what a client may know (RFC 6750 section 3).
func TestRefusalsInTheOriginalsWords(t *testing.T) {
	const (
		invalid  = `{"error":"invalid_token","error_description":"bad token"}`
		unspoken = "This server speaks the WebSocket subprotocols lmz.cbor and lmz (version 0.26 of @lumenize/mesh). Offer one of them."
		missing  = `{"error":"invalid_request","error_description":"Missing Authorization header with Bearer token"}`
	)
	challenge := func(code, description string) string {
		return fmt.Sprintf(`Bearer realm="Lumenize", error="%s", error_description="%s"`, code, description)
	}
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
		only := func(protocols string) []string {
			return append(upgrade[:len(upgrade):len(upgrade)], "Sec-WebSocket-Protocol", protocols)
		}
		offer := func(token string) []string { return only("lmz, lmz.access-token." + token) }
		const ann = "/gateway/LUMENIZE_CLIENT_GATEWAY/ann.tab"
		for name, tt := range map[string]struct {
			path, body, challenge string
			header                []string
			status                int
		}{
			"no upgrade":     {ann, "Expected WebSocket upgrade", "", nil, 426},
			"no subprotocol": {ann, unspoken, "", upgrade, 426},
			"only a token":   {ann, unspoken, "", only("lmz.access-token." + token("ann", time.Time{})), 426},
			"only the next":  {ann, unspoken, "", only("lmz.2, lmz.access-token." + token("ann", time.Time{})), 426},
			"only others":    {ann, unspoken, "", only("LMZ, lmz.json, graphql-ws"), 426},
			"no token":       {ann, "Unauthorized: Missing access token in WebSocket subprotocol", "", only("lmz.2, lmz"), 401},
			"a bad token":    {ann, invalid, challenge("invalid_token", "bad token"), offer("x.y.z"), 401},
			"another's name": {ann, "Forbidden: identity mismatch", "", offer(token("bob", time.Time{})), 403},
			"no bearer": {"/gateway/counter/a", missing, challenge("invalid_request", "Missing Authorization header with Bearer token"),
				nil, 401},
			"a bad bearer": {"/gateway/counter/a", invalid, challenge("invalid_token", "bad token"),
				[]string{"Authorization", "Bearer x.y.z"}, 401},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://mesh"+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			answer, err := m.network.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if got := answer.Header.Get("WWW-Authenticate"); answer.StatusCode != tt.status || string(body) != tt.body || got != tt.challenge {
				t.Errorf("%s: %d %q %s, want %d %q %s", name, answer.StatusCode, body, got, tt.status, tt.body, tt.challenge)
			}
			if got := answer.Header.Get("Upgrade"); (got == "websocket") != (tt.status == 426) {
				t.Errorf("%s: Upgrade %q", name, got)
			}
			if strings.HasPrefix(tt.body, "{") != (answer.Header.Get("Content-Type") == "application/json") {
				t.Errorf("%s: Content-Type %s", name, answer.Header.Get("Content-Type"))
			}
		}
	})
}

package gateway

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/lumenize/lmz"
)

func TestOriginSpellingsOfPages(t *testing.T) {
	g, err := New(Options{Dir: t.TempDir(), Verify: func(context.Context, string) (*lmz.Auth, error) { return nil, nil }, Origins: []string{"https://Müller.example", "*.app.example:8443", "http://[::1]:3000"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, c := range []struct {
		origin, host string
		want         bool
	}{
		{"https://mesh.example", "mesh.example:443", true},
		{"https://mesh.example.", "MESH.example", true},
		{"https://mesh.example", "mesh.example.", true},
		{"https://xn--bcher-kva.example", "bücher.example", true},
		{"https://mesh.example", "mesh.example:80", false},
		{"http://mesh.example", "mesh.example:80", true},
		{"https://xn--mller-kva.example", "mesh.example", true},
		{"http://xn--mller-kva.example", "mesh.example", false},
		{"https://a.app.example:8443", "mesh.example", true},
		{"https://a.app.example", "mesh.example", false},
		{"http://[0:0::1]:3000", "mesh.example", true},
		{"null", "null", false},
		{"https://mesh.example.evil.example", "mesh.example", false},
	} {
		r := httptest.NewRequest("GET", "/gateway/x/y", nil)
		r.Host = c.host
		if got := g.allows(c.origin, r); got != c.want {
			t.Errorf("%s at %s: %v", c.origin, c.host, got)
		}
	}
}

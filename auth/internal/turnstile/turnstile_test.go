package turnstile

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func serve(t *testing.T, answer func(r *http.Request) string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(answer(r))) }))
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL
}

func TestVerdicts(t *testing.T) {
	endpoint := serve(t, func(r *http.Request) string {
		if r.FormValue("secret") != "s" || r.FormValue("remoteip") != "192.0.2.1" {
			return `{"success":false,"error-codes":["bad-request"]}`
		}
		if r.FormValue("response") != "good" {
			return `{"success":false,"error-codes":["invalid-input-response"]}`
		}
		return `{"success":true}`
	})
	if ok, codes, err := Check(t.Context(), endpoint, "s", "good", "192.0.2.1"); !ok || codes != nil || err != nil {
		t.Errorf("a good token: %v, %q, %v", ok, codes, err)
	}
	if ok, codes, err := Check(t.Context(), endpoint, "s", "bad", "192.0.2.1"); ok || !slices.Equal(codes, []string{"invalid-input-response"}) || err != nil {
		t.Errorf("a bad token: %v, %q, %v", ok, codes, err)
	}
}

func TestUnusableAnswers(t *testing.T) {
	for _, answer := range []string{"", "nonsense", strings.Repeat(" ", answerLimit) + `{"success":true}`} {
		if ok, _, err := Check(t.Context(), serve(t, func(*http.Request) string { return answer }), "s", "t", ""); ok || err == nil {
			t.Errorf("%.10q: %v, %v", answer, ok, err)
		}
	}
	if ok, _, err := Check(t.Context(), "http://127.0.0.1:1", "s", "t", ""); ok || err == nil || strings.Contains(err.Error(), "http://") {
		t.Errorf("no server: %v, %v", ok, err)
	}
}

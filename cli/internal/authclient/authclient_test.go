package authclient

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lumenize/lmz/client"
)

// serve runs a sign-in service and returns its URL.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestRefusals(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"invalid_token","error_description":"Signed out"}`: "Signed out",
		"<html>": "the server answered 401 Unauthorized",
	} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, body)
		})
		err := Post(t.Context(), url, "x", nil, nil)
		if r := (*Refusal)(nil); !errors.As(err, &r) || r.Status != 401 || err.Error() != want || !errors.Is(err, client.ErrLoginRequired) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A redirect could lead a token elsewhere.
func TestUnfollowedRedirects(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) })
	_, err := Ask(t.Context(), url, Request{Endpoint: "x", Access: "secret"}, nil)
	if r := (*Refusal)(nil); !errors.As(err, &r) || r.Status != http.StatusFound {
		t.Errorf("a redirect: %v", err)
	}
	if _, err := Ask(t.Context(), url, Request{Endpoint: "x", Redirect: true}, nil); err != nil {
		t.Errorf("a redirect that is the answer: %v", err)
	}
}

func TestForeignAnswers(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	var answer struct{}
	if err := Post(t.Context(), url, "x", nil, &answer); err == nil || !strings.Contains(err.Error(), "is not an lmz server") {
		t.Errorf("got %v", err)
	}
}

// Our service returns the next refresh token in the body, the original as a cookie, and a
// service that does not rotate tokens returns none.
func TestNextRefreshToken(t *testing.T) {
	for what, want := range map[string]string{"body": "next", "cookie": "next", "__Host-cookie": "next", "none": "old"} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if c, err := r.Cookie("refresh-token"); err != nil || c.Value != "old" {
				t.Errorf("the old token is in no cookie: %v", err)
			}
			name, next := "refresh-token", ""
			switch what {
			case "body":
				next = `,"refresh_token":"next"`
			case "__Host-cookie":
				name = "__Host-" + name
				fallthrough
			case "cookie":
				http.SetCookie(w, &http.Cookie{Name: name, Value: "next", Secure: true, Path: "/"})
			}
			fmt.Fprintf(w, `{"access_token":"a","expires_in":60%s}`, next)
		})
		if got, err := Refresh(t.Context(), url, "old"); err != nil || got.Refresh != want || got.Access != "a" {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

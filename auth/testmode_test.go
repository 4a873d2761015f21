package auth

import (
	"strings"
	"testing"
)

func TestLinksInTestMode(t *testing.T) {
	f := start(t, Options{TestMode: true})
	a := f.do("POST", "/auth/email-magic-link?_test=true", `{"email":"`+ada+`"}`)
	f.want(a, 200, `{"message":"Magic link generated (test mode)","magic_link":"`+a.json("magic_link")+`","expires_in":1800}`)
	if len(f.box.newestFirst()) != 0 {
		t.Error("a mail was sent")
	}
	f.want(f.do("POST", strings.TrimPrefix(a.json("magic_link"), f.public), ""), 303, "")
	f.link(ada) // without the query: by mail
}

func TestLinksWithoutTestMode(t *testing.T) {
	f := start(t, Options{})
	f.want(f.do("POST", "/auth/email-magic-link?_test=true", `{"email":"`+ada+`"}`), 200,
		`{"message":"Check your email for the magic link","expires_in":1800}`)
	f.want(f.do("POST", "/auth/test/set-subject-data", `{"email":"`+ada+`","isAdmin":true}`), 403,
		`{"error":"forbidden","error_description":"Test mode not enabled"}`)
}

func TestSubjectDataInTestMode(t *testing.T) {
	f := start(t, Options{TestMode: true})
	set := func(status int, body string) {
		t.Helper()
		f.want(f.do("POST", "/auth/test/set-subject-data", body), status, "")
	}
	flags := func(approved, admin bool) {
		t.Helper()
		if s := f.subject(ada); s.AdminApproved != approved || s.IsAdmin != admin {
			t.Errorf("got %+v", s)
		}
	}
	set(404, `{"email":"`+ada+`"}`)
	f.signIn(ada)
	for _, bad := range []string{
		"", "null", "{}", `{"email":7}`, `{"email":"` + ada + `","isAdmin":"no"}`, `{"email":"` + ada + `","isAdmin":null}`,
		`{"email":"` + ada + `","adminApproved":1}`, `{"email":"` + ada + `","isAdmin":true,"adminApproved":false}`,
	} {
		set(400, bad)
	}
	flags(false, false)
	set(204, `{"email":"Ada@example.com","isAdmin":false}`)
	flags(false, false)
	set(204, `{"email":"`+ada+`","adminApproved":true}`)
	flags(true, false)
	set(204, `{"email":"`+ada+`","isAdmin":true}`)
	flags(true, true)
	set(204, `{"email":"`+ada+`","isAdmin":false}`)
	flags(true, false)
	set(204, `{"email":"`+ada+`","isAdmin":true}`)
	set(204, `{"email":"`+ada+`","adminApproved":false}`)
	flags(false, false)
}

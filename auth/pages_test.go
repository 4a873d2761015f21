package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// checkCSP checks that the policy of a page allows its own style, and that the page needs nothing
// else.
func checkCSP(t *testing.T, a answer) string {
	t.Helper()
	csp := a.Header.Get("Content-Security-Policy")
	found := styleElement.FindAllStringSubmatch(a.body, -1)
	if len(found) != 1 {
		t.Fatalf("%d style elements in %s", len(found), a.body)
	}
	sum := sha256.Sum256([]byte(found[0][1]))
	if !strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") ||
		!strings.HasPrefix(csp, "default-src 'none'; ") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("csp %q", csp)
	}
	for _, forbidden := range []string{"<script", "src=", "style=", "@import", "url("} {
		if strings.Contains(a.body, forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
	return csp
}

func TestMailboxOrderAndLimit(t *testing.T) {
	var seen []string
	box := &Mailbox{OnMail: func(m Mail) { seen = append(seen, m.Link) }}
	get := func(target, accept string) answer {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		box.ServeHTTP(w, r)
		return answer{w.Result(), w.Body.String()}
	}
	if a := get("/dev/mail?format=json", ""); a.body != "[]" {
		t.Errorf("empty: %s", a.body)
	}
	if a := get("/dev/mail", "text/html"); !strings.Contains(a.body, "No mail yet") {
		t.Errorf("empty: %s", a.body)
	}
	for i := range mailboxSize + 5 {
		box.Send(context.Background(), Mail{Kind: "k", To: ada, Subject: "<s>", Text: "t", Link: "https://x.example/" + strconv.Itoa(i)})
	}
	var mails []map[string]string
	a := get("/dev/mail", "application/json")
	if err := json.Unmarshal([]byte(a.body), &mails); err != nil || a.Header.Get("Content-Type") != "application/json" {
		t.Fatal(err)
	}
	if len(mails) != mailboxSize || mails[0]["link"] != "https://x.example/204" || mails[199]["link"] != "https://x.example/5" {
		t.Errorf("%d mails, first %v", len(mails), mails[0])
	}
	for _, member := range []string{"kind", "to", "subject", "link", "text", "time"} {
		if mails[0][member] == "" {
			t.Errorf("no %s in %v", member, mails[0])
		}
	}
	page := get("/dev/mail", "text/html")
	checkCSP(t, page)
	if !strings.Contains(page.body, `href="https://x.example/204"`) || strings.Contains(page.body, "<s>") {
		t.Errorf("page: %s", page.body)
	}
	if len(seen) != mailboxSize+5 {
		t.Errorf("OnMail was called %d times", len(seen))
	}
	w := httptest.NewRecorder()
	box.ServeHTTP(w, httptest.NewRequest("POST", "/dev/mail", nil))
	if w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

package auth

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
)

// anyPage is a page of any list.
type anyPage struct {
	Subjects []shownSubject
	Sessions []shownSession
	Events   []store.Event
	Next     any
}

// list requests a page, and returns the ids of its entries.
func (f *fixture) list(token, query string) (ids []string, next string) {
	f.t.Helper()
	var p anyPage
	a := f.as(token, "GET", query, "")
	f.want(a, 200, "")
	f.into(a, &p)
	for _, s := range p.Subjects {
		ids = append(ids, s.Sub)
	}
	for _, s := range p.Sessions {
		ids = append(ids, s.ID)
	}
	for _, e := range p.Events {
		ids = append(ids, fmt.Sprint(e.ID))
	}
	if len(a.body) > pageBytes+1000 {
		f.t.Errorf("%s: a page of %d bytes", query, len(a.body))
	}
	switch n := p.Next.(type) {
	case string:
		return ids, n
	case float64:
		return ids, fmt.Sprintf("%.0f", n)
	}
	return ids, ""
}

func TestSubjectPagesDuringChanges(t *testing.T) {
	f, admin := withAdmin(t)
	var all []string
	for i := range 7 { // two were created at each time
		sub := fmt.Sprintf("sub%d", i)
		f.insert(store.Subject{Sub: sub, Email: sub + "@example.com"})
		f.set(sub, "UPDATE Subjects SET createdAt = ?1 WHERE sub = ?2", int64(1000+i/2))
	}
	all = []string{"sub6", "sub4", "sub5", "sub2", "sub3", "sub0", "sub1"}
	root, next := f.list(admin, "subjects?limit=1")
	first, next := f.list(admin, "subjects?limit=3&after="+url.QueryEscape(next))
	if len(root) != 1 || !slices.Equal(first, all[:3]) || next == "" {
		t.Fatalf("got %v and %v, next %q", root, first, next)
	}
	// The last entry of the page is removed and others are added: none is skipped, none repeated.
	f.set("sub5", "DELETE FROM Subjects WHERE sub = ?2 AND ?1 = 0", 0)
	f.signIn(bob)
	f.insert(store.Subject{Sub: "sub2b", Email: "new@example.com"})
	f.set("sub2b", "UPDATE Subjects SET createdAt = ?1 WHERE sub = ?2", 1001)
	rest, next := f.list(admin, "subjects?limit=200&after="+url.QueryEscape(next))
	if want := []string{"sub2", "sub2b", "sub3", "sub0", "sub1"}; !slices.Equal(rest, want) || next != "" {
		t.Errorf("the second page is %v, want %v; next %q", rest, want, next)
	}
	for _, junk := range []string{"x", "1", "x.y"} {
		f.want(f.as(admin, "GET", "subjects?after="+junk, ""), 400, "")
	}
}

func TestSessionPages(t *testing.T) {
	f, _ := withAdmin(t)
	for range 5 {
		f.signIn(bob)
		f.pass(time.Second)
	}
	token := f.access(f.signIn(bob))
	all, next := f.list(token, "sessions")
	if len(all) != 6 || next != "" {
		t.Fatalf("got %d sessions, next %q", len(all), next)
	}
	var got []string
	for pages := 1; ; pages++ {
		page, after := f.list(token, "sessions?limit=4&after="+url.QueryEscape(next))
		got = append(got, page...)
		if next = after; next == "" {
			if !slices.Equal(got, all) || pages != 2 {
				t.Errorf("%d pages have %v, want %v", pages, got, all)
			}
			return
		}
	}
}

func TestAuditPageSize(t *testing.T) {
	f, admin := withAdmin(t)
	for range 400 {
		f.record(event{name: "test", details: map[string]any{"long": strings.Repeat("x", 2000)}})
	}
	all := 0
	for before, pages := "", 1; ; pages++ {
		page, next := f.list(admin, "audit?event=test&limit=500&before="+before)
		all += len(page)
		if before = next; before == "" {
			if all != 400 || pages < 3 {
				t.Errorf("%d pages have %d events", pages, all)
			}
			return
		}
	}
}

// set updates the row of a subject.
func (f *fixture) set(sub, query string, value int64) {
	f.t.Helper()
	f.sql(query, value, sub)
}

func (f *fixture) record(e event) {
	f.t.Helper()
	r := f.svc.newRequest(httptest.NewRequest("GET", "/", nil))
	if err := f.svc.store.Update(f.t.Context(), func(tx store.Tx) error { return f.svc.record(tx, r, e) }); err != nil {
		f.t.Fatal(err)
	}
}

func TestActorLimitOfASubject(t *testing.T) {
	f, admin := withAdmin(t)
	f.insert(store.Subject{Sub: "principal", Email: "principal@example.com"})
	const rows = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
	f.set("actor", rows+"INSERT INTO Subjects (sub, email, createdAt) SELECT ?2 || i, i || '@example.com', 0 FROM n", maxListed)
	f.set("actor", rows+"INSERT INTO AuthorizedActors (principalSub, actorSub) SELECT 'principal', ?2 || i FROM n", maxListed-2)
	add := func(i int) answer {
		return f.as(admin, "POST", "subject/principal/actors", fmt.Sprintf(`{"actorSub":"actor%d"}`, i))
	}
	f.want(add(maxListed-1), 200, "")
	f.want(add(maxListed-1), 200, "") // again
	f.want(add(maxListed), 400, "")
	f.want(f.as(admin, "GET", "subject/principal", ""), 200, "")
	if n := f.count("AuthorizedActors"); n != maxListed {
		t.Errorf("there are %d", n)
	}
}

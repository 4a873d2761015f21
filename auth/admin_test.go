package auth

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
)

const carol = "carol@example.com"

// admin returns an access token of the bootstrap admin, ada.
func (f *fixture) admin() string {
	f.t.Helper()
	return f.access(f.signIn(ada))
}

// as sends a request with a Bearer token.
func (f *fixture) as(token, method, path, body string) answer {
	f.t.Helper()
	return f.do(method, "/auth/"+path, body, "Authorization", "Bearer "+token)
}

// into unmarshals a body.
func (f *fixture) into(a answer, v any) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		f.t.Fatalf("%v in %s", err, a.body)
	}
}

// events returns the names of the audit events, oldest first.
func (f *fixture) events() []store.Event {
	f.t.Helper()
	var list []store.Event
	f.must(f.svc.store.View(f.t.Context(), func(tx store.Tx) error {
		return tx.Events(store.EventQuery{Before: 1 << 53, Limit: 1 << 53}, func(e store.Event) { list = append(list, e) })
	}))
	slices.Reverse(list)
	return list
}

func (f *fixture) event(name string) store.Event {
	f.t.Helper()
	list := f.events()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Event == name {
			return list[i]
		}
	}
	f.t.Fatalf("no event %s", name)
	return store.Event{}
}

// recorded returns the number of audit events with a name.
func (f *fixture) recorded(name string) (n int) {
	f.t.Helper()
	for _, e := range f.events() {
		if e.Event == name {
			n++
		}
	}
	return n
}

func withAdmin(t *testing.T) (f *fixture, admin string) {
	t.Helper()
	f = start(t, Options{BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1}})
	return f, f.admin()
}

func TestSubjectListForAdmins(t *testing.T) {
	f, admin := withAdmin(t)
	f.pass(time.Second)
	f.signIn(bob)
	sub := f.subject(bob).Sub
	a := f.as(admin, "GET", "subject/"+sub, "")
	f.want(a, 200, "")
	var one struct{ Subject map[string]any }
	f.into(a, &one)
	if !strings.HasPrefix(a.body, `{"subject":{"sub":"`+sub+`","email":"bob@example.com","emailVerified":true,"adminApproved":false,"isAdmin":false,"createdAt":`) ||
		!strings.HasSuffix(a.body, `,"authorizedActors":[]}}`) || one.Subject["lastLoginAt"] != float64(f.now().UnixMilli()) {
		t.Errorf("got %s", a.body)
	}
	for query, want := range map[string][]string{
		"":                                 {bob, ada},
		"?limit=1":                         {bob},
		"?limit=0":                         {bob, ada},
		"?limit=junk":                      {bob, ada},
		"?offset=1":                        {ada},
		"?role=admin":                      {ada},
		"?role=none":                       {bob},
		"?role=other":                      {bob, ada},
		"?email=Bob@example.com":           {bob},
		"?email=nobody@x.co":               {},
		"?limit=-5":                        {bob},
		"?offset=-5&limit=500&role=&email": {bob, ada},
	} {
		var list struct{ Subjects []shownSubject }
		a := f.as(admin, "GET", "subjects"+query, "")
		f.want(a, 200, "")
		f.into(a, &list)
		got := []string{}
		for _, s := range list.Subjects {
			got = append(got, s.Email)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	f.want(f.as(admin, "GET", "subject/unknown", ""), 404, `{"error":"not_found","error_description":"Subject not found"}`)
}

func TestSubjectChangesByAdmins(t *testing.T) {
	f, admin := withAdmin(t)
	session := f.signIn(bob)
	bobs, adas := "subject/"+f.subject(bob).Sub, "subject/"+f.subject(ada).Sub
	flags := func(approved, admin bool) {
		t.Helper()
		if s := f.subject(bob); s.AdminApproved != approved || s.IsAdmin != admin {
			t.Errorf("got %+v", s)
		}
	}
	f.want(f.as(admin, "PATCH", bobs, `{}`), 200, "")
	flags(false, false)
	f.want(f.as(admin, "PATCH", bobs, `{"adminApproved":true,"email":"x","unknown":null}`), 200, "")
	flags(true, false)
	if e := f.event("subject.updated"); e.Actor != f.subject(ada).Sub || e.Target != f.subject(bob).Sub || e.IP != "127.0.0.1" ||
		string(e.Detail) != `{"field":"adminApproved","from":false,"to":true}` || e.Request == "" || e.Agent == "" {
		t.Errorf("event %+v", e)
	}
	f.want(f.as(admin, "PATCH", bobs, `{"isAdmin":true}`), 200, "")
	flags(true, true)
	f.want(f.as(admin, "PATCH", bobs, `{"isAdmin":false}`), 200, "")
	flags(true, false)
	f.want(f.refresh(session), 200, "") // a demotion does not end sessions
	f.want(f.as(admin, "PATCH", bobs, `{"isAdmin":true}`), 200, "")
	f.want(f.as(admin, "PATCH", bobs, `{"adminApproved":false}`), 200, "")
	flags(false, false)
	if e := f.event("subject.updated"); string(e.Detail) != `{"field":"adminApproved","from":true,"to":false}` {
		t.Errorf("event %s", e.Detail)
	}
	for body, want := range map[string]string{
		"":                                       "Invalid JSON body",
		"null":                                   "Invalid JSON body",
		`{"isAdmin":"no"}`:                       "Invalid JSON body",
		`{"isAdmin":null}`:                       "Invalid JSON body",
		`{"adminApproved":1}`:                    "Invalid JSON body",
		`{"isAdmin":true,"adminApproved":false}`: "An admin cannot be unapproved",
	} {
		a := f.as(admin, "PATCH", bobs, body)
		f.want(a, 400, "")
		if a.json("error_description") != want {
			t.Errorf("%s: got %s", body, a.body)
		}
	}
	a := f.as(admin, "PATCH", bobs, `{"authorizedActors":null}`)
	f.want(a, 400, "")
	if !strings.Contains(a.body, "POST /subject/:id/actors") {
		t.Errorf("got %s", a.body)
	}
	flags(false, false)
	f.want(f.as(admin, "PATCH", adas, `{}`), 403, `{"error":"forbidden","error_description":"Cannot modify own admin status"}`)
	f.want(f.as(admin, "DELETE", adas, ""), 403, `{"error":"forbidden","error_description":"Cannot delete yourself"}`)
	f.want(f.as(admin, "PATCH", "subject/unknown", "not json"), 404, "")
	f.want(f.as(admin, "DELETE", bobs, ""), 204, "")
	f.want(f.as(admin, "DELETE", bobs, ""), 404, "")
	f.want(f.refresh(session), 401, "")
}

func TestRepeatedRevocationOfAnApproval(t *testing.T) {
	f, admin := withAdmin(t)
	for range 2 {
		session := f.signIn(bob)
		f.want(f.refresh(session), 200, "")
		f.want(f.as(admin, "PATCH", "subject/"+f.subject(bob).Sub, `{"adminApproved":false}`), 200, "")
		f.want(f.refresh(session), 401, "")
	}
	first := f.signIn(bob)
	f.signIn(bob) // a sign-in is not a revocation
	f.want(f.refresh(first), 200, "")
}

func TestBootstrapAdminProtection(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	f.want(f.as(admin, "PATCH", "subject/"+f.subject(bob).Sub, `{"isAdmin":true}`), 200, "")
	bobs := f.access(f.signIn(bob))
	const refused = `{"error":"forbidden","error_description":"Cannot modify bootstrap admin"}`
	f.want(f.as(bobs, "PATCH", "subject/"+f.subject(ada).Sub, `{"isAdmin":false}`), 403, refused)
	f.want(f.as(bobs, "DELETE", "subject/"+f.subject(ada).Sub, ""), 403, refused)
}

func TestAdminsRemovingEachOther(t *testing.T) {
	f, admin := withAdmin(t)
	tokens, subs := map[string]string{}, map[string]string{}
	for _, who := range []string{bob, carol} {
		f.signIn(who)
		f.want(f.as(admin, "PATCH", "subject/"+f.subject(who).Sub, `{"isAdmin":true}`), 200, "")
		f.pass(shortWindow)
		tokens[who], subs[who] = f.access(f.signIn(who)), f.subject(who).Sub
	}
	var wg sync.WaitGroup
	statuses := make(chan int, 2)
	wg.Go(func() { statuses <- f.as(tokens[bob], "PATCH", "subject/"+subs[carol], `{"isAdmin":false}`).StatusCode })
	wg.Go(func() { statuses <- f.as(tokens[carol], "DELETE", "subject/"+subs[bob], "").StatusCode })
	wg.Wait()
	if a, b := <-statuses, <-statuses; (a < 300) == (b < 300) {
		t.Errorf("statuses %d and %d: one of them must have come too late", a, b)
	}
}

func TestOwnSessions(t *testing.T) {
	f, admin := withAdmin(t)
	first, second := f.signIn(bob), f.signIn(bob)
	f.want(f.as(admin, "POST", "approve/"+f.subject(bob).Sub, ""), 200, "")
	access := f.access(second)
	var list sessionList
	a := f.as(access, "GET", "sessions", "")
	f.want(a, 200, "")
	f.into(a, &list)
	if len(list.Sessions) != 2 || list.Sessions[0].Current == list.Sessions[1].Current || list.Sessions[0].Kind != "browser" || list.Sessions[0].IP != "127.0.0.1" {
		t.Fatalf("got %s", a.body)
	}
	other := list.Sessions[0]
	if other.Current {
		other = list.Sessions[1]
	}
	f.want(f.as(access, "DELETE", "session/unknown", ""), 404, `{"error":"not_found","error_description":"Session not found"}`)
	f.want(f.as(access, "DELETE", "session/"+other.ID, ""), 204, "")
	f.want(f.refresh(first), 401, "")
	f.want(f.as(access, "GET", "sessions", ""), 200, "")

	third := f.signIn(bob)
	f.want(f.as(admin, "GET", "subject/"+f.subject(bob).Sub+"/sessions", ""), 200, "")
	f.want(f.as(access, "POST", "logout/all", ""), 200, `{"message":"Logged out everywhere","sessions":2}`)
	f.want(f.refresh(third), 401, "")
	f.want(f.as(access, "GET", "sessions", ""), 401, "")
	if _, err := f.svc.Verify(t.Context(), access); err == nil {
		t.Error("an access token outlives its session")
	}

	fourth := f.signIn(bob)
	f.want(f.as(admin, "DELETE", "subject/"+f.subject(bob).Sub+"/sessions", ""), 204, "")
	f.want(f.refresh(fourth), 401, "")
}

func TestSessionsAndTokensOfOthers(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	f.want(f.as(admin, "POST", "approve/"+f.subject(bob).Sub, ""), 200, "")
	bobs := f.access(f.signIn(bob))
	var list sessionList
	f.into(f.as(admin, "GET", "sessions", ""), &list)
	f.want(f.as(bobs, "DELETE", "session/"+list.Sessions[0].ID, ""), 404, "")
	made := f.as(admin, "POST", "tokens", `{"name":"ci"}`)
	f.want(made, 201, "")
	f.want(f.as(bobs, "DELETE", "token/"+made.json("id"), ""), 404, "")
	for _, path := range []string{"/sessions", "/tokens", ""} {
		f.want(f.as(bobs, "GET", "subject/"+f.subject(ada).Sub+path, ""), 403, `{"error":"forbidden","error_description":"Admin access required"}`)
	}
	f.want(f.as(admin, "GET", "sessions", ""), 200, "")
}

func TestNamedTokenUntilRevocation(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	f.want(f.as(admin, "POST", "approve/"+f.subject(bob).Sub, ""), 200, "")
	bobs := f.access(f.signIn(bob))
	a := f.as(bobs, "POST", "tokens", `{"name":"nightly build","expiresIn":86400}`)
	f.want(a, 201, "")
	token, id := a.json("token"), a.json("id")
	claims, err := f.svc.Verify(t.Context(), token)
	if err != nil || claims.Subject != f.subject(bob).Sub || claims.IsAdmin || claims.All["name"] != "nightly build" {
		t.Fatalf("got %+v, %v", claims, err)
	}
	if auth, err := f.svc.Authenticate(t.Context(), token); err != nil || auth.Expires.Sub(f.now()).Round(time.Second) != 15*time.Minute {
		t.Errorf("a connection would last until %v, %v", auth.Expires, err)
	}
	var list tokenList
	f.into(f.as(bobs, "GET", "tokens", ""), &list)
	if len(list.Tokens) != 1 || list.Tokens[0].ID != id || list.Tokens[0].Name != "nightly build" || list.Tokens[0].LastUsedAt == nil {
		t.Errorf("got %+v", list)
	}
	// It works where a script needs it, and cannot create further credentials.
	f.want(f.as(token, "GET", "tokens", ""), 403, "")
	f.want(f.as(token, "POST", "tokens", `{"name":"more"}`), 403, "")
	f.want(f.as(token, "GET", "subjects", ""), 403, "")
	f.want(f.as(bobs, "POST", "tokens", `{"name":"x","admin":true}`), 403, `{"error":"forbidden","error_description":"Admin access required"}`)
	for _, bad := range []string{`{}`, `{"name":" "}`, `{"name":"x","expiresIn":-1}`, `{"name":"x","expiresIn":99999999}`, `{"name":"x\u0007"}`, `null`} {
		f.want(f.as(bobs, "POST", "tokens", bad), 400, "")
	}
	if _, err := f.svc.Verify(t.Context(), token[:len(token)-1]+"A"); err == nil && token[len(token)-1] != 'A' {
		t.Error("another secret is as good")
	}
	f.want(f.as(bobs, "DELETE", "token/"+id, ""), 204, "")
	if _, err := f.svc.Verify(t.Context(), token); err == nil {
		t.Error("a revoked token works")
	}

	// The token of an admin carries admin rights only on request.
	plain := f.as(admin, "POST", "tokens", `{"name":"plain"}`).json("token")
	f.want(f.as(plain, "GET", "subjects", ""), 403, "")
	powerful := f.as(admin, "POST", "tokens", `{"name":"powerful","admin":true}`).json("token")
	f.want(f.as(powerful, "GET", "subjects", ""), 200, "")
	f.pass(91 * 24 * time.Hour)
	f.want(f.as(powerful, "GET", "subjects", ""), 401, "")
}

func TestDelegationChain(t *testing.T) {
	f, admin := withAdmin(t)
	subs, tokens := map[string]string{}, map[string]string{}
	for _, who := range []string{bob, carol, "dan@example.com", "eve@example.com", "fay@example.com"} {
		f.signIn(who)
		subs[who] = f.subject(who).Sub
		f.want(f.as(admin, "POST", "approve/"+subs[who], ""), 200, "")
		tokens[who] = f.access(f.signIn(who))
	}
	list := func(principal, actor string) {
		t.Helper()
		a := f.as(admin, "POST", "subject/"+subs[principal]+"/actors", `{"actorSub":"`+subs[actor]+`"}`)
		f.want(a, 200, "")
		if !strings.Contains(a.body, `"authorizedActors":["`+subs[actor]+`"]`) {
			t.Errorf("got %s", a.body)
		}
	}
	delegate := func(token, principal string) answer {
		t.Helper()
		return f.as(token, "POST", "delegated-token", `{"actFor":"`+subs[principal]+`"}`)
	}
	f.want(delegate(tokens[bob], carol), 403, `{"error":"forbidden","error_description":"Not authorized to act for this subject"}`)
	list(carol, bob)
	list(carol, bob)
	list("dan@example.com", carol)
	list("eve@example.com", "dan@example.com")
	list("fay@example.com", "eve@example.com")
	a := delegate(tokens[bob], carol)
	f.want(a, 200, `{"access_token":"`+a.json("access_token")+`","token_type":"Bearer","expires_in":900}`)
	token, chain := a.json("access_token"), []string{subs[bob]}
	for _, next := range []string{"dan@example.com", "eve@example.com"} {
		claims, err := f.svc.Verify(t.Context(), token)
		if err != nil || strings.Join(claims.Actors, " ") != strings.Join(chain, " ") {
			t.Fatalf("got %+v, %v, want actors %v", claims, err, chain)
		}
		chain = append([]string{claims.Subject}, chain...)
		a := delegate(token, next)
		f.want(a, 200, "")
		token = a.json("access_token")
	}
	claims, err := f.svc.Verify(t.Context(), token)
	act, _ := json.Marshal(claims.All["act"])
	want := `{"act":{"act":{"sub":"` + subs[bob] + `"},"sub":"` + subs[carol] + `"},"sub":"` + subs["dan@example.com"] + `"}`
	if err != nil || string(act) != want {
		t.Errorf("got %s, %v, want %s", act, err, want)
	}
	f.wantError(delegate(token, "fay@example.com"), 403, "forbidden") // a fourth token
	if e := f.event("token.delegated"); !strings.Contains(string(e.Detail), subs[bob]) || !strings.Contains(string(e.Detail), subs[carol]) {
		t.Errorf("event %s", e.Detail)
	}

	// Nobody gains admin rights by acting for an admin.
	list2 := f.as(admin, "POST", "subject/"+f.subject(ada).Sub+"/actors", `{"actorSub":"`+subs[bob]+`"}`)
	f.want(list2, 200, "")
	asAda := f.as(tokens[bob], "POST", "delegated-token", `{"actFor":"`+f.subject(ada).Sub+`"}`).json("access_token")
	if claims, err := f.svc.Verify(t.Context(), asAda); err != nil || claims.IsAdmin || claims.All["isAdmin"] != nil {
		t.Errorf("got %+v, %v", claims, err)
	}
	const refused = `{"error":"forbidden","error_description":"A delegated token cannot do this: sign in yourself"}`
	f.want(f.as(asAda, "GET", "subjects", ""), 403, refused)
	f.want(f.as(asAda, "PATCH", "subject/"+subs[bob], `{"isAdmin":true}`), 403, refused)
	f.want(f.as(asAda, "POST", "subject/"+subs[carol]+"/actors", `{"actorSub":"`+subs[bob]+`"}`), 403, refused)
	f.want(f.as(asAda, "GET", "sessions", ""), 403, refused)
	f.want(f.as(asAda, "POST", "tokens", `{"name":"x"}`), 403, refused)

	// Tokens of an actor lose its rights together with the actor.
	f.want(f.as(admin, "DELETE", "subject/"+subs[carol]+"/actors/"+subs[bob], ""), 200, "")
	if _, err := f.svc.Verify(t.Context(), token); err == nil {
		t.Error("a chain with a missing link still holds")
	}
	f.want(f.as(admin, "DELETE", "subject/"+subs[carol]+"/actors/unknown", ""), 200, "")
	f.want(f.as(admin, "POST", "subject/"+subs[carol]+"/actors", `{"actorSub":"nobody"}`), 400,
		`{"error":"invalid_request","error_description":"Actor ID not found: nobody"}`)
	for body, want := range map[string]int{`{}`: 400, `null`: 400, `{"actFor":"nobody"}`: 404} {
		f.want(f.as(tokens[bob], "POST", "delegated-token", body), want, "")
	}
}

func TestDelegatedTokenAfterItsSession(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	sub := f.subject(bob).Sub
	f.want(f.as(admin, "POST", "approve/"+sub, ""), 200, "")
	f.pass(14 * time.Minute)
	a := f.as(admin, "POST", "delegated-token", `{"actFor":"`+sub+`"}`)
	f.want(a, 200, "")
	if !strings.HasSuffix(a.body, `"expires_in":60}`) && !strings.HasSuffix(a.body, `"expires_in":59}`) {
		t.Errorf("got %s", a.body)
	}
	f.pass(80 * time.Second) // the leeway does not extend it
	f.want(f.as(admin, "POST", "delegated-token", `{"actFor":"`+sub+`"}`), 401, "")
}

func TestDelegatedTokenAfterItsNamedToken(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	sub := f.subject(bob).Sub
	f.want(f.as(admin, "POST", "approve/"+sub, ""), 200, "")
	ci := f.as(admin, "POST", "tokens", `{"name":"ci","admin":true}`)
	f.want(ci, 201, "")
	asBob := f.as(ci.json("token"), "POST", "delegated-token", `{"actFor":"`+sub+`"}`).json("access_token")
	claims, err := f.svc.Verify(t.Context(), asBob)
	if err != nil || claims.Session != ci.json("id") {
		t.Fatalf("got %+v, %v", claims, err)
	}
	f.want(f.as(admin, "DELETE", "token/"+ci.json("id"), ""), 204, "")
	if _, err := f.svc.Verify(t.Context(), asBob); err == nil {
		t.Error("what was delegated by a token that is revoked still works")
	}
}

func TestInvitations(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	a := f.as(admin, "POST", "invite", `{"emails":[" Carol@Example.com ","bob@example.com","nonsense",7,null,"carol@example.com"]}`)
	f.want(a, 200, `{"invited":["carol@example.com","bob@example.com","carol@example.com"],`+
		`"errors":[{"email":"nonsense","error":"Invalid email format"},{"email":7,"error":"Invalid email format"},{"email":null,"error":"Invalid email format"}]}`)
	if s := f.subject(carol); !s.AdminApproved || s.EmailVerified {
		t.Errorf("carol %+v", s)
	}
	if !f.subject(bob).AdminApproved {
		t.Error("bob is not approved")
	}
	mails := f.box.newestFirst()
	if mails[0].Kind != KindInviteNew || mails[1].Kind != KindInviteExisting || mails[1].Link != publicURL+"/" || mails[2].To != carol {
		t.Errorf("mails %+v", mails[:3])
	}
	void := strings.TrimPrefix(mails[2].Link, publicURL)
	f.want(f.do("POST", void, ""), 303, "")
	if got := f.do("POST", void, "").Header.Get("Location"); got != "/?error=invalid_token" {
		t.Errorf("the first of two invitations: %q", got)
	}
	link := strings.TrimPrefix(mails[0].Link, publicURL)
	page := f.do("GET", link, "")
	f.want(page, 200, "")
	checkCSP(t, page)
	a = f.do("POST", link, "")
	f.want(a, 303, "")
	if claims, err := f.svc.Verify(t.Context(), f.access(a.cookie())); err != nil || claims.Email != carol {
		t.Errorf("got %+v, %v", claims, err)
	}
	if got := f.do("POST", link, "").Header.Get("Location"); got != "/?error=invalid_token" {
		t.Errorf("used twice: %q", got)
	}
	for _, bad := range []string{"", "null", "{}", `{"emails":"x"}`, `{"emails":null}`, `{"emails":["` + strings.Repeat(`a@b.co","`, 100) + `a@b.co"]}`} {
		f.want(f.as(admin, "POST", "invite", bad), 400, "")
	}
	f.want(f.do("GET", "/auth/accept-invite", ""), 400, `{"error":"invalid_request","error_description":"Missing invite_token"}`)
}

func TestInvitationExpiryAndRevocation(t *testing.T) {
	f, admin := withAdmin(t)
	f.want(f.as(admin, "POST", "invite", `{"emails":["carol@example.com"]}`), 200, "")
	link := f.lastLink()
	f.want(f.as(admin, "PATCH", "subject/"+f.subject(carol).Sub, `{"adminApproved":false}`), 200, "")
	if got := f.do("GET", link, "").Header.Get("Location"); got != "/?error=invalid_token" {
		t.Errorf("Location %q", got)
	}
	f.want(f.as(admin, "POST", "invite", `{"emails":["carol@example.com"]}`), 200, "")
	link = f.lastLink()
	f.pass(7*24*time.Hour + time.Millisecond)
	if got := f.do("POST", link, "").Header.Get("Location"); got != "/?error=token_expired" {
		t.Errorf("Location %q", got)
	}
}

func TestDailyRequestForApproval(t *testing.T) {
	f, _ := withAdmin(t)
	asked := func() (n int) {
		for _, m := range f.box.newestFirst() {
			if m.Kind == KindAdminNotification {
				n++
			}
		}
		return n
	}
	f.signIn(bob)
	f.signIn(bob)
	if asked() != 1 {
		t.Errorf("asked %d times", asked())
	}
	f.pass(25 * time.Hour)
	f.signIn(bob)
	if asked() != 2 {
		t.Errorf("asked %d times", asked())
	}
}

func TestApprovalFromTheMail(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada})
	session := f.signIn(ada)
	f.signIn(bob)
	path := "/auth/approve/" + f.subject(bob).Sub
	if f.lastLink() != path {
		t.Fatalf("link %q", f.lastLink())
	}
	cookie := []string{"Cookie", cookieName + "=" + session, "Accept", "text/html"}
	page := f.do("GET", path, "", cookie...)
	f.want(page, 200, "")
	checkCSP(t, page)
	if !strings.Contains(page.body, bob) || f.subject(bob).AdminApproved {
		t.Errorf("page %s", page.body)
	}
	// A browser sends no cookie on the first request from a webmail.
	a := f.do("GET", path, "", "Sec-Fetch-Site", "cross-site", "Accept", "text/html")
	f.want(a, 200, "")
	if strings.Contains(a.body, bob) || !strings.Contains(a.body, `href="`+path+`"`) {
		t.Errorf("page %s", a.body)
	}
	a = f.do("GET", path, "", "Sec-Fetch-Site", "same-origin")
	f.want(a, 302, "")
	if got := a.Header.Get("Location"); got != "/?error=login_required" {
		t.Errorf("Location %q", got)
	}
	f.want(f.do("POST", path, "", cookie...), 200, "")
	if !f.subject(bob).AdminApproved || f.box.newestFirst()[0].Kind != KindApproval || f.box.newestFirst()[0].Link != publicURL+"/" {
		t.Errorf("%+v, mail %+v", f.subject(bob), f.box.newestFirst()[0])
	}
	before := len(f.box.newestFirst())
	f.want(f.do("POST", path, "", cookie...), 200, "")
	if len(f.box.newestFirst()) != before {
		t.Error("told twice")
	}
}

func TestAuditLogForAdmins(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	f.refresh("unknown")
	f.do("POST", "/auth/magic-link?one_time_token=unknown", "")
	var list struct{ Events []store.Event }
	a := f.as(admin, "GET", "audit?limit=2", "")
	f.want(a, 200, "")
	f.into(a, &list)
	if len(list.Events) != 2 || list.Events[0].Event != "login.failed" || list.Events[1].Event != "access.denied" || list.Events[1].Outcome != "failure" {
		t.Errorf("got %s", a.body)
	}
	next := f.as(admin, "GET", "audit?before="+jsonNumber(list.Events[1].ID)+"&event=login.succeeded&sub="+f.subject(bob).Sub, "")
	f.into(next, &list)
	if len(list.Events) != 1 || list.Events[0].Email != bob {
		t.Errorf("got %s", next.body)
	}
	f.want(f.as(admin, "GET", "audit?limit=1.5", ""), 400, "")
}

func TestPublicKeyList(t *testing.T) {
	f := start(t, Options{})
	a := f.do("GET", "/auth/.well-known/jwks.json", "")
	f.want(a, 200, "")
	var set struct{ Keys []map[string]string }
	f.into(a, &set)
	if len(set.Keys) != 1 || set.Keys[0]["kid"] != "BLUE" || set.Keys[0]["crv"] != "Ed25519" || len(set.Keys[0]["x"]) != 43 || strings.Contains(a.body, `"d"`) {
		t.Errorf("got %s", a.body)
	}
}

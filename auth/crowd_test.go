package auth

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
)

// crowd is a service with an approved account, ada, which has a session in the network
// 192.0.2.0/24, and can send requests from any address.
type crowd struct{ *fixture }

func newCrowd(t *testing.T, o Options) crowd {
	o.BootstrapEmail, o.Proxies = ada, 1
	f := crowd{start(t, o)}
	f.ask(ada, "192.0.2.77")
	f.want(f.do("POST", f.lastLink(), "", "X-Forwarded-For", "192.0.2.77"), 303, "")
	f.pass(day)
	return f
}

func (f crowd) ask(email, ip string) answer {
	f.t.Helper()
	return f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`, "X-Forwarded-For", ip)
}

// mailed returns the number of sign-in links mailed to an address.
func (f crowd) mailed(email string) (n int) {
	for _, m := range f.box.newestFirst() {
		if m.To == email && m.Kind == KindMagicLink {
			n++
		}
	}
	return n
}

// The attack: one customer of a provider, with all addresses of a /56, requests as many links as
// it can within a few seconds. Everybody else must still be able to sign in.
func TestMailsOfOthersUnderAttack(t *testing.T) {
	f := newCrowd(t, Options{Limits: Limits{FailuresPerIP: 20}})
	granted := 0
	for i := range 1060 {
		a := f.ask(fmt.Sprintf("x%d@evil.example", i), fmt.Sprintf("2001:db8:7:1%02x::%x", i%256, i))
		if a.StatusCode == 200 {
			granted++
		}
		if i%200 == 199 {
			f.pass(time.Second)
		}
	}
	if granted != 40 {
		t.Errorf("one /56 was granted %d links", granted)
	}
	f.want(f.ask(carol, "198.51.100.1"), 200, "") // a stranger elsewhere
	if f.mailed(carol) != 1 {
		t.Error("a stranger on another network got no mail")
	}
	// A /48 or a /24 does not get more either, and in the latter approved accounts still get
	// theirs.
	for i := range 100 {
		f.ask(fmt.Sprintf("y%d@evil.example", i), fmt.Sprintf("2001:db8:8:%x::1", i))
		f.ask(fmt.Sprintf("z%d@evil.example", i), fmt.Sprintf("203.0.113.%d", i%256))
	}
	if n := len(f.box.newestFirst()) - 2 - granted; n > 120 {
		t.Errorf("a /48 and a /24 were granted %d links", n)
	}
	known, unknown := f.ask(ada, "203.0.113.250"), f.ask(bob, "203.0.113.251")
	if known.body != unknown.body || f.mailed(ada) != 2 || f.mailed(bob) != 0 {
		t.Errorf("in a network that used up its share: %s, %s", known.body, unknown.body)
	}
	// Wrong tokens from one address do not lock its neighbours out,
	guesses := 0
	guess := func(ip string) answer {
		guesses++
		return f.do("POST", "/auth/refresh-token", fmt.Sprintf(`{"refresh_token":"x%d"}`, guesses), "X-Forwarded-For", ip)
	}
	for i := range 80 {
		guess(fmt.Sprintf("203.0.113.%d", i%4))
	}
	f.wantError(guess("203.0.113.1"), 429, "rate_limited")
	f.wantError(guess("203.0.113.9"), 401, "invalid_token")
	// but within one customer's /48 they do.
	for i := range 60 {
		guess(fmt.Sprintf("2001:db8:9:%x00::1", i))
	}
	f.wantError(guess("2001:db8:9:ffff::1"), 429, "rate_limited")
}

func TestAccountMailsInACrowd(t *testing.T) {
	f := newCrowd(t, Options{Limits: Limits{MailsPerHour: 20}})
	for i := range 200 { // from everywhere
		f.want(f.ask(fmt.Sprintf("x%d@evil.example", i), fmt.Sprintf("10.%d.0.1", i)), 200, "")
	}
	if n := len(f.box.newestFirst()); n != 11 { // ada's first, and half of the budget
		t.Errorf("%d mails", n)
	}
	rows := f.count("MagicLinks") + f.count("Audit") + f.count("Outbox")
	known, unknown := f.ask(ada, "198.51.100.7"), f.ask(carol, "198.51.100.8")
	if known.body != unknown.body || known.StatusCode != unknown.StatusCode || !strings.Contains(known.body, `"notice"`) {
		t.Errorf("the answers differ: %d %s, %d %s", known.StatusCode, known.body, unknown.StatusCode, unknown.body)
	}
	if f.mailed(ada) != 2 || f.mailed(carol) != 0 {
		t.Errorf("%d mails to ada and %d to carol", f.mailed(ada), f.mailed(carol))
	}
	if n := f.count("MagicLinks") + f.count("Audit") + f.count("Outbox") - rows; n != 2 {
		t.Errorf("%d rows for one mail: what is withheld is kept", n)
	}
	for _, path := range []string{"cli/start", "cli/device"} {
		for _, email := range []string{ada, carol} {
			body := `{"email":"` + email + `"}`
			if path == "cli/start" {
				body = cliStart(email, callback, verifier)
			}
			a := f.do("POST", "/auth/"+path, body, "X-Forwarded-For", "198.51.101.9")
			if a.StatusCode/100 != 2 || !strings.Contains(a.body, `"notice"`) {
				t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
			}
		}
	}
	if crowded := f.recorded("rate.limited"); crowded != 1 {
		t.Errorf("%d events tell of the crowd", crowded)
	}
	f.pass(time.Hour)
	if a := f.ask(carol, "198.51.100.8"); strings.Contains(a.body, "notice") || f.mailed(carol) != 1 {
		t.Errorf("an hour later: %s, %d mails", a.body, f.mailed(carol))
	}
}

// countWrites creates the table Writes, which gets a row for each row written to another table.
func (f *fixture) countWrites() {
	f.t.Helper()
	f.sql("CREATE TABLE Writes (name)")
	for _, table := range []string{"Subjects", "MagicLinks", "CliCodes", "RefreshTokens", "InviteTokens", "AuthorizedActors", "Sessions", "Devices", "NamedTokens", "Outbox", "Audit"} {
		for _, op := range []string{"INSERT", "UPDATE", "DELETE"} {
			f.sql(fmt.Sprintf("CREATE TRIGGER %[1]s%[2]s AFTER %[2]s ON %[1]s BEGIN INSERT INTO Writes VALUES ('%[1]s'); END", table, op))
		}
	}
}

// What a request writes is the same for every address, known or not: the rows, the bytes, the
// transaction, and therefore the response time.
func TestWithheldMailStatements(t *testing.T) {
	sender := &stuck{entered: make(chan struct{}, 10), release: make(chan error)}
	f := crowd{start(t, Options{Sender: sender, Proxies: 1, Limits: Limits{MailsPerHour: 2}})}
	const known, unknown = "known@lmz.example", "other@lmz.example"
	f.insert(store.Subject{Sub: "a", Email: known, EmailVerified: true, AdminApproved: true})
	f.ask(bob, "10.1.0.1")
	<-sender.entered // while that mail is being sent the queue does not change
	f.ask(carol, "10.2.0.1")
	f.countWrites()
	written := func(email string) (rows, bytes int64) {
		count := func() (rows, bytes int64) {
			return f.number("SELECT count(*) FROM Writes"), f.number("SELECT sum(length(sealed)) FROM Outbox")
		}
		rows, bytes = count()
		f.want(f.ask(email, "198.51.100.7"), 200, "")
		rowsNow, bytesNow := count()
		return rowsNow - rows, bytesNow - bytes
	}
	rows1, bytes1 := written(known)
	rows2, bytes2 := written(unknown)
	if rows1 != rows2 || bytes1 != bytes2 || rows1 != 3 {
		t.Errorf("%d rows and %d bytes are written for a known address, %d and %d for an unknown one", rows1, bytes1, rows2, bytes2)
	}
	sender.release <- nil
	<-sender.entered // the mail to the known address: the withheld ones are gone
	if outbox, links := f.count("Outbox"), f.count("MagicLinks"); outbox != 1 || links != 2 {
		t.Errorf("%d mails and %d links are left", outbox, links)
	}
	if asked := f.recorded("login.requested"); asked != 2 {
		t.Errorf("%d requests are recorded", asked)
	}
	sender.release <- nil
}

func TestOwnerDuringRequestsOfStrangers(t *testing.T) {
	f := newCrowd(t, Options{})
	attack := func(quarter int) {
		for i := range 12 {
			f.ask(ada, fmt.Sprintf("10.%d.%d.1", quarter, i))
		}
	}
	// Requests arrive from new networks, day and night; ada is travelling, with a new phone.
	var last time.Time
	var gaps []time.Duration
	for quarter := range 4 * 24 {
		before := f.mailed(ada)
		attack(quarter)
		if f.mailed(ada) > before { // its link works for her as well
			if !last.IsZero() {
				gaps = append(gaps, f.now().Sub(last))
			}
			last = f.now()
		}
		f.pass(15 * time.Minute)
	}
	if longest := slices.Max(gaps); longest > time.Hour {
		t.Errorf("no mail for %v", longest)
	}
	if n := f.mailed(ada); n > 1+2*30 {
		t.Errorf("%d mails in a day", n)
	}
	// They do not count where she has a session.
	attack(100)
	before := f.mailed(ada)
	f.want(f.ask(ada, "192.0.2.5"), 200, "")
	if f.mailed(ada) != before+1 {
		t.Error("no mail in a network where she is signed in")
	}
	// The answer for a stranger's address is the same.
	if a := f.ask(ada, "198.51.100.1"); a.StatusCode != 200 || !strings.Contains(a.body, "notice") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// Whatever one party does all day takes neither disk space nor queue slots from the others.
func TestRepeatedWorkBounds(t *testing.T) {
	f := newCrowd(t, Options{})
	session := f.signIn(ada)
	access := f.access(session)
	made := 0
	before := f.count("Audit")
	for range 2 * namedMax {
		a := f.as(access, "POST", "tokens", `{"name":"ci"}`)
		if a.StatusCode == 201 {
			made++
			f.want(f.as(access, "DELETE", "token/"+a.json("id"), ""), 204, "")
		} else {
			f.wantError(a, 429, "rate_limited")
		}
	}
	if rows := f.count("Audit") - before; made != namedMax || rows > 2*namedMax+1 {
		t.Errorf("%d tokens were made, and %d rows", made, rows)
	}
	for range callsPerMinute {
		if a := f.as(access, "GET", "sessions", ""); a.StatusCode == 429 { // the calls before count too
			break
		}
	}
	f.wantError(f.as(access, "GET", "sessions", ""), 429, "rate_limited")
	refreshed := 0
	for range refreshesPerSession + 50 {
		a := f.refresh(session)
		if a.StatusCode == 200 {
			refreshed, session = refreshed+1, a.cookie()
		}
	}
	if refreshed != refreshesPerSession-1 {
		t.Errorf("%d refreshes", refreshed)
	}
	code, _, _ := f.device(ada)
	f.wantError(f.poll(code), 400, "authorization_pending")
	for range pollsPerDevice {
		f.wantError(f.poll(code), 400, "slow_down")
	}
	interval := func() int64 { return f.number("SELECT interval FROM Devices") }
	was := interval()
	f.wantError(f.poll(code), 400, "slow_down")
	if interval() != was {
		t.Error("a poll too many is written down")
	}
}

func TestRecordedFailureBound(t *testing.T) {
	f := newCrowd(t, Options{})
	before := f.count("Audit")
	for range failuresPerHour - 10 { // as if that many had been recorded
		f.svc.limits.Take(failuresRule)
	}
	for i := range 30 {
		r := f.svc.newRequest(httptest.NewRequest("GET", "/auth/magic-link?one_time_token=x", nil))
		r.ip = fmt.Sprintf("10.%d.%d.1", i/250, i%250)
		f.svc.recordFailure(r, event{name: "login.failed", actor: bySystem})
	}
	if rows := f.count("Audit") - before; rows != 10+1 {
		t.Errorf("%d rows", rows)
	}
}

func TestSignUpMailBound(t *testing.T) {
	f := newCrowd(t, Options{})
	told := func() (n int) {
		for _, m := range f.box.newestFirst() {
			if m.Kind == KindAdminNotification {
				n++
			}
		}
		return n
	}
	for i := range 30 {
		f.ask(fmt.Sprintf("x%d@evil.example", i), fmt.Sprintf("2001:db8:7:%x::1", i))
		f.do("POST", f.mailedLink(fmt.Sprintf("x%d@evil.example", i), KindMagicLink), "", "X-Forwarded-For", "2001:db8:7::1")
	}
	if n := told(); n != signUpsPerIP {
		t.Errorf("the admin got %d mails", n)
	}
	f.ask(carol, "198.51.100.8")
	f.do("POST", f.mailedLink(carol, KindMagicLink), "", "X-Forwarded-For", "198.51.100.8")
	if n := told(); n != signUpsPerIP+1 {
		t.Error("the admin is not told of somebody elsewhere")
	}
}

// mailedLink returns the path of the last link of a kind mailed to an address.
func (f *fixture) mailedLink(email, kind string) string {
	f.t.Helper()
	for _, m := range f.box.newestFirst() {
		if m.To == email && m.Kind == kind {
			return strings.TrimPrefix(m.Link, publicURL)
		}
	}
	f.t.Fatalf("no mail to %s", email)
	return ""
}

// A mail server takes its time; mails to accounts do not wait behind those to strangers.
func TestOutboxOrder(t *testing.T) {
	sender := slowSender{gate: make(chan struct{}), to: make(chan string, 10)}
	f := start(t, Options{Sender: sender, BootstrapEmail: ada})
	f.insert(store.Subject{Sub: "a", Email: ada, EmailVerified: true, IsAdmin: true, AdminApproved: true})
	for i := range 4 {
		f.want(f.do("POST", "/auth/email-magic-link", fmt.Sprintf(`{"email":"x%d@evil.example"}`, i)), 200, "")
	}
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200, "")
	var order []string
	for range 5 {
		sender.gate <- struct{}{}
		order = append(order, <-sender.to)
	}
	if i := slices.Index(order, ada); i < 0 || i > 1 { // one may have been in progress
		t.Errorf("sent in this order: %v", order)
	}
}

// slowSender completes each mail only when the test tells it to.
type slowSender struct {
	gate chan struct{}
	to   chan string
}

func (s slowSender) Send(ctx context.Context, m Mail) error {
	select {
	case <-s.gate:
	case <-ctx.Done():
	}
	s.to <- m.To
	return ctx.Err()
}

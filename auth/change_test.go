package auth

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestOptionChangesWhileRunning(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada, AppName: "Before", Limits: Limits{MailsPerAddress: -1, MailsPerIP: -1}})
	f.signIn(bob)
	if f.subject(bob).IsAdmin {
		t.Fatal("bob is an admin already")
	}
	var wg sync.WaitGroup
	for i := range 4 { // requests continue meanwhile
		wg.Go(func() { f.do("GET", "/auth/magic-link", "", "Accept", "text/html", "X", fmt.Sprint(i)) })
	}
	if err := f.svc.Change(Changeable{AppName: "After", BootstrapEmail: "Bob@Example.com"}); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if a := f.do("GET", "/auth/magic-link", "", "Accept", "text/html"); !strings.Contains(a.body, "Go to After") {
		t.Errorf("page %s", a.body)
	}
	f.signIn(bob)
	if !f.subject(bob).IsAdmin {
		t.Error("the new first admin is none")
	}
	if err := f.svc.Change(Changeable{BootstrapEmail: "nobody"}); err == nil || f.svc.changeable.Load().AppName != "After" {
		t.Errorf("got %v, %+v", err, f.svc.changeable.Load())
	}
	f.svc.refusals.RefuseAll("a wrong password")
	if err := f.svc.Change(Changeable{TurnstileSecret: "secret"}); err != nil || f.svc.refusedTo(ada) != nil {
		t.Errorf("got %v, and still refused", err)
	}
	f.wantError(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 403, "turnstile_required")
}

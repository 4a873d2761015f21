package test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/faultnet"
	"github.com/lumenize/lmz/internal/poll"
)

// TestKeystrokesAcrossCutLine lets a page and two terminals edit one document through a proxy that
// is cut: for 2 s, within the grace period, and for 8 s, beyond it.
func TestKeystrokesAcrossCutLine(t *testing.T) {
	dev := startDev(t, t.TempDir(), "")
	line, err := faultnet.Listen(dev.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	page := openTab(t)
	page.signIn(dev, line.URL(), "pat@example.com", "cut")
	ann := startTerminal(t, line.URL(), dev.token("ann@example.com"), "cut")
	bob := startTerminal(t, line.URL(), dev.token("bob@example.com"), "cut")
	subscriptions := map[string]func() string{
		"page": page.subscriptions, "ann": ann.subscriptions, "bob": bob.subscriptions,
	}
	everywhere := func(want string) {
		t.Helper()
		for name, text := range map[string]func() string{"page": page.text, "ann": ann.text, "bob": bob.text} {
			poll.Until(t, name+" shows "+want, func() bool { return strings.TrimSpace(text()) == want })
		}
	}
	count := func(when string, want func(name string) string) {
		t.Helper()
		for name, got := range subscriptions {
			if got() != want(name) {
				t.Errorf("%s: OnSubscriptionRequired of %s ran %s times, want %s", when, name, got(), want(name))
			}
		}
	}
	typeSlowly := func(write func(string), text string, over time.Duration) {
		next := time.Now()
		for _, r := range text { // keystrokes throughout the cut, which a busy machine must not prolong
			write(string(r))
			next = next.Add(over / time.Duration(len(text)))
			pause(t.Context(), time.Until(next))
		}
	}

	for name, s := range subscriptions {
		poll.Until(t, name+" has the document open", func() bool { return s() == "1" })
	}
	page.typeText("start")
	everywhere("start")
	count("before any cut", func(string) string { return "1" })

	const grace = 5 * time.Second // of the program
	cut := time.Now()
	line.Set(faultnet.Cut)
	typeSlowly(page.typeText, " abcdefgh", 2*time.Second)
	line.Set(faultnet.Pass)
	everywhere("start abcdefgh")
	if long := time.Since(cut); long < grace {
		count("after 2 s", func(string) string { return "1" })
	} else { // clients that returned late have a new session
		t.Logf("the machine is busy: it took %v until everybody was back, longer than the grace period", long)
	}
	next := make(map[string]string) // expected states after another session
	for name, s := range subscriptions {
		n, err := strconv.Atoi(s())
		if err != nil {
			t.Fatal(err)
		}
		next[name] = strconv.Itoa(n + 1)
	}

	line.Set(faultnet.Cut)
	typeSlowly(func(s string) { ann.typeText(s) }, "ijklmnop ", 8*time.Second)
	line.Set(faultnet.Pass)
	for name, s := range subscriptions {
		poll.Until(t, name+" subscribes again", func() bool { return s() == next[name] })
	}
	everywhere("ijklmnop start abcdefgh")

	bob.typeText("and bob ")
	everywhere("and bob ijklmnop start abcdefgh")
	count("after 8 s", func(name string) string { return next[name] })
}

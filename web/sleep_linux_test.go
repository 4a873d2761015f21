package web

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/faultnet"
	"github.com/lumenize/lmz/internal/poll"
)

// These tests put a browser's machine to sleep, or stall its connection without closing
// it.

// processes returns the browser's process and all its descendants.
func (b *tab) processes() []int {
	b.t.Helper()
	all := []int{chromedp.FromContext(b.browser).Browser.Process().Pid}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.t.Fatal(err)
	}
	children := make(map[int][]int)
	for _, name := range stats {
		stat, _ := os.ReadFile(name) // it may have exited
		var pid, parent int
		var state string
		fmt.Sscan(string(stat), &pid)
		_, rest, _ := strings.Cut(string(stat), ") ")
		fmt.Sscan(rest, &state, &parent)
		children[parent] = append(children[parent], pid)
	}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// sleep stops all processes of the browser until wake is called.
func (b *tab) sleep() (wake func()) {
	b.t.Helper()
	stopped := b.processes()
	wake = func() {
		for _, pid := range stopped {
			syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	b.t.Cleanup(wake) // a stopped browser cannot exit
	for _, pid := range stopped {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil && err != syscall.ESRCH {
			b.t.Fatal(err)
		}
	}
	return wake
}

// recordStates makes the page record every change of its displayed state, and what it then
// says about unsaved edits.
const recordStates = `
	const shown = document.getElementById('state-text');
	let last = shown.textContent;
	window.states = [];
	new MutationObserver(() => {
		if (last === shown.textContent) return;
		states.push(last = shown.textContent);
		window.savedThen = document.getElementById('saved').textContent;
	}).observe(shown, { childList: true });`

func TestTextAfterSleep(t *testing.T) {
	t.Parallel()
	d := lifeTimes()
	for _, tt := range []struct {
		name          string
		grace         time.Duration
		subscriptions int
	}{
		{"shorter than the grace period: the session goes on", 2 * time.Minute, 1},
		{"longer than the grace period: one new session", 100 * time.Millisecond, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startSiteOf(t, gateway.Options{Grace: tt.grace, Heartbeat: d.heartbeat})
			b := openOwnBrowser(t)
			b.signIn(s, "ada@example.com")
			b.open("notes")
			bob := s.terminal("bob@example.com", "notes")
			b.typeText("a")
			bob.shows("a")
			b.shows("a", 1)
			instance := b.run(recordStates + `return document.body.dataset.instance`)

			wake := b.sleep()
			poll.Until(t, "the gateway gives up the connection", s.line.givenUp)
			bob.write("a bob")
			bob.until("saved", bob.doc.Saved)
			if tt.subscriptions > 1 {
				s.sessionEnds(instance)
			}
			wake()

			b.until(`states.join() === 'Reconnecting,Connected'`)
			b.shows("a bob", tt.subscriptions)
			b.typeText("!")
			bob.shows("a! bob")
			b.shows("a! bob", tt.subscriptions)
		})
	}
}

func TestTextAfterHalfOpenLine(t *testing.T) {
	t.Parallel()
	d := lifeTimes()
	for _, tt := range []struct {
		name             string
		heartbeat, grace time.Duration
		found            string // code that triggers a probe, if any
		subscriptions    int
	}{
		{"found by the heartbeat, and the grace period is over: one new session", d.heartbeat, 100 * time.Millisecond, ``, 2},
		{"found by a probe when the network changes: the session goes on", 10 * time.Minute, 2 * time.Minute, `dispatchEvent(new Event('online'))`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, line := startSiteBehindProxy(t, gateway.Options{Grace: tt.grace, Heartbeat: tt.heartbeat})
			b := openBrowser(t)
			b.signIn(s, "ada@example.com")
			b.open("notes")
			bob := s.terminal("bob@example.com", "notes")
			b.typeText("a")
			bob.shows("a")
			b.shows("a", 1)
			instance := b.run(recordStates + `return document.body.dataset.instance`)

			line.Set(faultnet.Stall)
			b.typeText("b")
			bob.write("bob a")
			bob.until("saved", bob.doc.Saved)
			b.run(tt.found)
			b.until(`states.join() === 'Reconnecting'`)
			b.run(`same(savedThen.startsWith('Not sent yet'), true)`)
			if tt.subscriptions > 1 {
				s.sessionEnds(instance)
			}
			line.Set(faultnet.Pass)

			b.until(`states.join() === 'Reconnecting,Connected'`)
			b.shows("bob ab", tt.subscriptions)
			bob.shows("bob ab")
		})
	}
}

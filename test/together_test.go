package test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/lumenize/lmz/internal/faultnet"
	"github.com/lumenize/lmz/internal/poll"
)

// writer types words at random places in its own lines. Each writer has its own, because the
// letters of two writers at the same place may interleave.
type writer struct {
	name  string
	line  *faultnet.Proxy
	up    string // keys
	down  string
	ends  []string
	press func(keys ...string)
	write func(string)
	text  func() string
	words []string
}

// move moves to another of the writer's lines.
func (w *writer) move(from, to int) {
	key := w.down
	if to < from {
		from, to, key = to, from, w.up
	}
	w.press(slices.Repeat([]string{key}, len(writerNames)*(to-from))...)
}

var writerNames = []string{"ann", "bob", "pat"}

// work types until the time is over, starting on the last line.
func (w *writer) work(r *rand.Rand, lines int, until time.Time) {
	w.press(slices.Repeat([]string{w.up}, slices.Index(writerNames, w.name)+1)...)
	at := lines - 1
	for time.Now().Before(until) {
		next := (at + 1 + r.IntN(3)) % lines
		w.move(at, next)
		at = next
		w.press(w.ends[r.IntN(len(w.ends))])
		word := fmt.Sprintf("%s%d%s", w.name[:1], len(w.words), strings.Repeat("é日", r.IntN(2)))
		for _, part := range []string{" " + word[:2], word[2:] + " "} {
			w.write(part)
			pause(context.Background(), time.Duration(r.IntN(150))*time.Millisecond)
		}
		w.words = append(w.words, word)
	}
}

// disturb cuts, stalls, and heals a line until the time is over, and leaves it healed.
func disturb(line *faultnet.Proxy, r *rand.Rand, until time.Time) {
	pause := func(limit int) {
		pause(context.Background(), min(time.Until(until), time.Duration(r.IntN(limit))*time.Millisecond))
	}
	for time.Now().Before(until) {
		pause(1500)
		switch r.IntN(4) {
		case 0:
			line.Set(faultnet.Stall)
		case 1:
			line.Set(faultnet.Split)
		case 2:
			line.Set(faultnet.Lose) // a line that has lost data is useless from then on
			pause(1000)
			line.Set(faultnet.Cut)
		default:
			line.Set(faultnet.Cut)
		}
		pause(1500)
		if r.IntN(8) == 0 && soak() {
			pause(12_000) // longer than the grace period
		}
		line.Set(faultnet.Pass)
	}
}

// TestConcurrentEditorsOverCutLines lets two terminals and a page type random words at random
// places of one document at the same time, each over a line that is cut, stalled, and healed.
// make soak does so for 60 s.
func TestConcurrentEditorsOverCutLines(t *testing.T) {
	long, lines := 8*time.Second, 6 // lines for each
	if soak() {
		long, lines = time.Minute, 30
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dev := startDev(t, t.TempDir(), "")
	line := func() *faultnet.Proxy {
		p, err := faultnet.Listen(dev.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}

	var writers []*writer
	for _, name := range writerNames[:2] {
		w := &writer{name: name, line: line(), up: "Up", down: "Down", ends: []string{"Home", "End"}}
		term := startTerminal(t, w.line.URL(), dev.token(name+"@example.com"), "all")
		term.resize(200, 100)
		w.press, w.write, w.text = term.keys, term.typeText, term.text
		writers = append(writers, w)
		poll.Until(t, name+" has the document open", func() bool { return strings.Contains(term.screen(), "saved") })
	}
	pat := &writer{name: "pat", line: line(), up: kb.ArrowUp, down: kb.ArrowDown, ends: []string{kb.Home, kb.End}}
	page := openTab(t)
	page.signIn(dev, pat.line.URL(), "pat@example.com", "all")
	pat.press = func(keys ...string) { page.typeText(strings.Join(keys, "")) }
	pat.write, pat.text = page.typeText, page.text
	writers = append(writers, pat)
	writers[0].press(slices.Repeat([]string{"Enter"}, 3*lines)...)
	poll.Until(t, "everybody has the lines", func() bool { return strings.Count(page.text(), "\n") == 3*lines })
	for _, w := range writers { // all lines to their ends
		w.press(slices.Repeat([]string{w.down}, 3*lines)...)
	}

	until := time.Now().Add(long)
	var all sync.WaitGroup
	for i, w := range writers {
		all.Go(func() { w.work(rand.New(rand.NewPCG(seed, uint64(i))), lines, until) })
		all.Go(func() { disturb(w.line, rand.New(rand.NewPCG(seed, uint64(10+i))), until) })
	}
	all.Wait()

	typed := 0
	for _, w := range writers {
		typed += len(w.words)
	}
	same := func() bool {
		first := strings.Fields(writers[0].text())
		return len(first) >= typed && !slices.ContainsFunc(writers, func(w *writer) bool {
			return !slices.Equal(strings.Fields(w.text()), first)
		})
	}
	poll.UntilNil(t, func() error {
		if same() {
			return nil
		}
		shown := "not all show the same:"
		for _, w := range writers {
			shown += fmt.Sprintf("\n%s: %q", w.name, w.text())
		}
		return errors.New(shown)
	})
	count := make(map[string]int)
	for _, word := range strings.Fields(pat.text()) {
		count[word]++
	}
	for _, w := range writers {
		if len(w.words) == 0 {
			t.Errorf("%s typed nothing", w.name)
		}
		for _, word := range w.words {
			if count[word] != 1 {
				t.Errorf("%s of %s is in the text %d times", word, w.name, count[word])
			}
		}
	}
	cat := exec.Command(program, "cat", "all", "--server", dev.url())
	cat.Env = environ(dev.url(), dev.token("cat@example.com"))
	if out, err := cat.Output(); err != nil || !slices.Equal(strings.Fields(string(out)), strings.Fields(pat.text())) {
		t.Errorf("lmz cat prints %q, %v", out, err)
	}
	t.Logf("%d words in %v", typed, long)
}

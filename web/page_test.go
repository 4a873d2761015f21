package web

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
)

// quote writes a text as JavaScript.
func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

func mustSub() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err)
	}
	return files
}

func TestTypingInThePageReachesATerminalAndBack(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	terminal, changes := s.terminal("bob@example.com", "notes")
	b.do(chromedp.SendKeys(chromedp.CSS("#text"), "The teh fox"))
	s.waitChange(changes, "The teh fox")
	b.until(`document.body.dataset.dirty === 'false'`)
	b.until(`document.querySelector('#mirror mark')?.textContent === 'teh'`)

	if _, err := terminal.Save(t.Context(), "The quick teh fox"); err != nil {
		t.Fatal(err)
	}
	b.until(`document.getElementById('text').value === 'The quick teh fox'`)
	b.until(`document.getElementById('saved').textContent === 'Changed by bob'`)

	b.do(chromedp.Click(chromedp.CSS("#findings .fix")))
	s.waitChange(changes, "The quick the fox")

	b.until(`document.body.dataset.dirty === 'false'`)
	b.do(chromedp.Reload())
	b.until(`document.body.dataset.document === 'notes'`)
	b.until(`document.getElementById('text').value === 'The quick the fox'`)
	b.until(`document.querySelector('#documents a[aria-current]')?.textContent === 'notes'`)
}

func TestATextThatArrivesDuringACutIsHeldOverUnsavedTyping(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	terminal, changes := s.terminal("bob@example.com", "notes")
	b.do(chromedp.SendKeys(chromedp.CSS("#text"), "mine"))
	s.waitChange(changes, "mine")
	b.until(`document.body.dataset.dirty === 'false'`)

	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.do(chromedp.SendKeys(chromedp.CSS("#text"), " and more"))
	if _, err := terminal.Save(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	s.line.cut(false)
	b.until(`document.body.dataset.state === 'connected' && document.body.dataset.dirty === 'false'`)
	b.until(`document.getElementById('held-by').textContent === 'bob'`)
	b.until(`document.getElementById('text').value === 'mine and more'`)
	s.waitChange(changes, "mine and more")
	b.until(`document.body.dataset.subscriptions === '1'`) // the session went on

	b.do(chromedp.KeyEvent("r", chromedp.KeyModifiers(chromedp.ModifierAlt)))
	b.until(`document.getElementById('text').value === 'theirs' && document.getElementById('held').hidden`)
	s.waitChange(changes, "theirs")
}

func TestASessionThatIsOverSubscribesAgainAndLosesNoKeystroke(t *testing.T) {
	s := startSiteWith(t, 100*time.Millisecond)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	_, changes := s.terminal("bob@example.com", "notes")
	b.do(chromedp.SendKeys(chromedp.CSS("#text"), "one "))
	s.waitChange(changes, "one ")
	b.until(`document.body.dataset.subscriptions === '1'`)

	page := b.run(`return document.body.dataset.instance`)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.do(chromedp.SendKeys(chromedp.CSS("#text"), "two "))
	_, err := lmz.Call[string](t.Context(), s.client("eve@example.com"), lmz.At(lmz.DefaultGateway, page), lmz.Ctn("x"))
	if _, gone := lmz.DisconnectedClient(err); !gone { // the answer comes when the grace period is over
		t.Fatalf("the session has not ended: %v", err)
	}
	s.line.cut(false)
	b.do(chromedp.SendKeys(chromedp.CSS("#text"), "three"))
	s.waitChange(changes, "one two three")
	b.until(`document.body.dataset.subscriptions === '2' && document.body.dataset.dirty === 'false'`)
	b.until(`document.getElementById('text').value === 'one two three' && document.getElementById('held').hidden`)
}

func TestALinkThatDoesNotWorkIsExplained(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url + "/auth/magic-link?one_time_token=wrong"))
	b.until(`document.body.dataset.state === 'signed-out'`)
	b.until(`document.getElementById('sign-in-error').textContent.includes('used already')`)
	b.until(`location.search === ''`)
}

func TestDocumentsOfEveryNameOpen(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	for _, name := range []string{"a/b", "..", "with spaces. And #100% ?", "fox \U0001F98A", strings.Repeat("long ", 60) + "end", "<b>bold</b>"} {
		b.run(`location.hash = encodeURIComponent(` + quote(name) + `)`)
		b.until(`document.body.dataset.document === ` + quote(name))
		b.until(`document.getElementById('name').textContent === ` + quote(name))
		b.do(chromedp.SendKeys(chromedp.CSS("#text"), "x"))
		b.until(`document.body.dataset.dirty === 'false' && document.getElementById('problem').hidden`)
		b.until(`[...document.querySelectorAll('#documents a')].some((a) => a.textContent === ` + quote(name) + `)`)
	}
	b.do(chromedp.NavigateBack())
	b.until(`document.body.dataset.document.endsWith('end')`)
	b.until(`document.getElementById('text').value === 'x'`)
}

func TestSigningOutLeadsToTheForm(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.do(chromedp.Click(chromedp.CSS("#sign-out")))
	b.until(`document.body.dataset.state === 'signed-out' && document.body.dataset.view === 'sign-in'`)
}

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/poll"
)

// quote returns a text as a JavaScript literal.
func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

func mustSub() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err)
	}
	return files
}

func TestPageAndTerminal(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	terminal := s.terminal("bob@example.com", "notes")
	b.typeText("The teh fox")
	terminal.shows("The teh fox")
	b.until(`document.body.dataset.dirty === 'false'`)
	b.until(`document.getElementById('text').findings[0]?.word === 'teh'`)

	terminal.write("The quick teh fox")
	b.until(`document.getElementById('text').text === 'The quick teh fox'`)
	b.until(`document.getElementById('saved').textContent === 'Changed by bob'`)

	b.do(chromedp.Click(chromedp.CSS("#findings .fix")))
	terminal.shows("The quick the fox")

	b.until(`document.body.dataset.dirty === 'false'`)
	b.do(chromedp.Reload())
	b.until(`document.body.dataset.document === 'notes'`)
	b.until(`document.getElementById('text').text === 'The quick the fox'`)
	b.until(`document.querySelector('#documents a[aria-current]')?.textContent === 'notes'`)
}

func TestMergeAndUndoAfterCut(t *testing.T) {
	s := startSiteWith(t, time.Minute) // however busy the machine is
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	terminal := s.terminal("bob@example.com", "notes")
	b.typeText("mine")
	terminal.shows("mine")
	b.until(`document.body.dataset.dirty === 'false'`)

	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.pauses()
	b.typeText(" and more")
	b.until(`document.getElementById('saved').textContent.startsWith('Not sent yet')`)
	terminal.write("his mine")
	s.line.cut(false)
	b.until(`document.body.dataset.state === 'connected' && document.body.dataset.dirty === 'false'`)
	b.until(`document.getElementById('text').text === 'his mine and more'`)
	terminal.shows("his mine and more")
	b.until(`document.body.dataset.subscriptions === '1'`) // the session survived

	b.do(chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	terminal.shows("his mine")
	b.do(chromedp.KeyEvent("y", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	terminal.shows("his mine and more")
}

func TestTwoPages(t *testing.T) {
	s := startSite(t)
	ada, bob := openBrowser(t), openBrowser(t)
	ada.signIn(s, "ada@example.com")
	ada.open("notes")
	bob.signIn(s, "bob@example.com")
	bob.open("notes")
	ada.typeText("one three")
	bob.until(`document.getElementById('text').text === 'one three'`)
	bob.run(`document.getElementById('text').insert(4, 'two ')`)
	ada.until(`document.getElementById('text').text === 'one two three'`)
	ada.until(`document.querySelector('#people li')?.textContent === 'bob'`)
	ada.until(`document.getElementById('text').shadowRoot.querySelector('.peer-name')?.textContent === 'bob'`)
	bob.do(chromedp.Navigate("about:blank"))
	ada.until(`document.querySelectorAll('#people li').length === 0`) // its session has ended
}

func TestPresenceDuringSlowOpen(t *testing.T) {
	reading, cameIn := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(reading); <-cameIn })
	s := startSiteOf(t, gateway.Options{Clients: gateway.ClientOptions{BeforeCallToMesh: func(_ context.Context, call *gateway.Call) error {
		if methods, err := call.Methods(); err != nil || methods[0] != "read" {
			return err
		}
		first()
		return nil
	}}})
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	bob, eve := s.terminal("bob@example.com", "notes"), s.terminal("eve@example.com", "notes")
	bob.write(strings.Repeat("a long text ", editor.PartLength/8))
	bob.until("it is saved", bob.doc.Saved)
	b.do(chromedp.Navigate(s.url + "/#notes"))
	<-reading
	bob.doc.SetCursor(0, 0)
	eve.until("bob is there", func() bool { return len(eve.doc.People()) == 1 })
	s.reaches(b.run(`return document.body.dataset.instance`)) // after the page's news of bob
	close(cameIn)
	b.until(`document.getElementById('text').text.startsWith('a long text')`)
	b.typeText("!")
	b.until(`document.body.dataset.dirty === 'false'`) // opening is complete
	b.until(`document.querySelector('#people li')?.textContent === 'bob'`)
}

// kept waits until a typed, unsent text is on disk.
func (b *tab) kept(text string) {
	b.t.Helper()
	b.keeps("the text is kept", `kept.includes(JSON.stringify(`+quote(text)+`).slice(1, -1))`)
}

// keeps waits until a JavaScript condition holds for kept, the unsent edits on disk.
func (b *tab) keeps(what, condition string) {
	b.t.Helper()
	look := `const kept = await new Promise((done) => {
		const request = indexedDB.open('lmz');
		request.onsuccess = () => {
			const all = request.result.transaction('unsaved').objectStore('unsaved').getAll();
			all.onsuccess = () => { request.result.close(); done(JSON.stringify(all.result)); };
		};
	});
	return ` + condition
	poll.Until(b.t, what, func() bool { return b.run(look) == "true" })
}

func TestOfflineTypingAfterDeathOfTab(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("before")
	b.until(`document.body.dataset.dirty === 'false'`)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.typeText(" and after")
	b.kept(" and after")
	terminal := s.terminal("bob@example.com", "notes")
	b.crash()
	s.line.cut(false)
	again := b.newTab()
	again.do(chromedp.Navigate(s.url + "/#notes"))
	again.until(`document.getElementById('text').text === 'before and after'`)
	terminal.shows("before and after")
	again.until(`document.body.dataset.dirty === 'false'`)
	terminal.write("before and after it")
	again.until(`document.getElementById('text').text === 'before and after it' && document.body.dataset.dirty === 'false'`)
}

func TestRecordOfTabThatDiesLater(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openOwnBrowser(t) // a tab whose focus is emulated is not frozen
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("before")
	b.until(`document.body.dataset.dirty === 'false'`)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.typeText(" and after")
	b.kept(" and after")
	b.lifecycle(page.SetWebLifecycleStateStateFrozen)
	s.line.cut(false)
	again := b.newTab()
	again.do(chromedp.Navigate(s.url + "/#"))
	again.until(`document.body.dataset.state === 'connected'`)
	again.run(`const all = IDBObjectStore.prototype.getAllKeys;
		IDBObjectStore.prototype.getAllKeys = function(...args) { window.looked = true; return all.apply(this, args); };
		location.hash = 'notes'`)
	again.until(`document.getElementById('text').text === 'before' && window.looked`) // for other tabs' leftovers
	b.crash()
	again.until(`document.getElementById('text').text === 'before and after'`)
	again.until(`document.body.dataset.dirty === 'false'`)
}

func TestOddTextInPage(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	terminal := s.terminal("bob@example.com", "notes")
	const odd = "family \U0001F468\u200D\U0001F469\u200D\U0001F467 and e\u0301"
	b.run(`document.getElementById('text').insert(0, ` + quote(odd) + `)`)
	terminal.shows(odd)
	b.run(`document.getElementById('text').insert(0, '\uD83D')`)
	b.until(`document.getElementById('refused').textContent.includes('half a character')`)
	b.until(`document.getElementById('text').text === ` + quote(odd))
}

func TestTypingThroughEndOfSession(t *testing.T) {
	s := startSiteWith(t, 100*time.Millisecond)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	terminal := s.terminal("bob@example.com", "notes")
	b.typeText("one ")
	terminal.shows("one ")
	b.until(`document.body.dataset.subscriptions === '1'`)

	page := b.run(`return document.body.dataset.instance`)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.typeText("two ")
	s.sessionEnds(page)
	s.line.cut(false)
	b.typeText("three")
	terminal.shows("one two three")
	b.until(`document.body.dataset.subscriptions === '2' && document.body.dataset.dirty === 'false'`)
	b.until(`document.getElementById('text').text === 'one two three'`)
}

func TestInvalidLink(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url + "/auth/magic-link?one_time_token=wrong"))
	b.until(`document.body.dataset.state === 'signed-out'`)
	b.until(`document.getElementById('sign-in-error').textContent.includes('used already')`)
	b.until(`location.search === ''`)
}

func TestNamesOfDocuments(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	for _, name := range []string{"a/b", "..", "with spaces. And #100% ?", "fox \U0001F98A", strings.Repeat("long ", 50) + "end", "<b>bold</b>"} {
		b.run(`location.hash = encodeURIComponent(` + quote(name) + `)`)
		b.until(`document.body.dataset.document === ` + quote(name))
		b.until(`document.getElementById('name').textContent === ` + quote(name))
		b.typeText("x")
		b.until(`document.body.dataset.dirty === 'false' && document.getElementById('problem').hidden`)
		b.until(`[...document.querySelectorAll('#documents a')].some((a) => a.textContent === ` + quote(name) + `)`)
	}
	b.do(chromedp.NavigateBack())
	b.until(`document.body.dataset.document.endsWith('end')`)
	b.until(`document.getElementById('text').text === 'x'`)
}

func TestSignOut(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.do(chromedp.Click(chromedp.CSS("#sign-out")))
	b.until(`document.body.dataset.state === 'signed-out' && document.body.dataset.view === 'sign-in'`)
}

func TestReasonsWithoutConnection(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("mine")
	b.until(`document.body.dataset.dirty === 'false'`)

	// Everything fits in one line on a phone.
	b.do(chromedp.EmulateViewport(360, 740))
	inOneLine := `document.querySelector('.top').offsetHeight <= ` + b.run(`return document.querySelector('.top').offsetHeight`)

	// Another client takes the address.
	b.run(`
		const thief = new lmz.LumenizeClient({ tab: document.body.dataset.instance.split('.')[1] });
		await thief.connect();`)
	b.until(`document.getElementById('state-text').textContent === 'Open elsewhere'`)
	b.until(`document.getElementById('retry').textContent === 'Continue here' && ` + inOneLine)
	b.do(chromedp.Click(chromedp.CSS("#retry")))
	b.until(`document.body.dataset.state === 'connected' && document.getElementById('retry').hidden`)
	b.typeText("!")
	b.until(`document.body.dataset.dirty === 'false'`) // so it has subscribed

	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.until(`!document.getElementById('retry').hidden && ` + inOneLine)
	b.typeText(" more")
	b.until(`document.body.dataset.dirty === 'true'`)

	// Meanwhile the user has signed out in another tab.
	s.line.cut(false)
	b.until(`document.body.dataset.state === 'connected' && document.body.dataset.dirty === 'false'`)
	access := b.accessToken()
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.typeText(" and more")
	s.auth(access, "POST", "logout/all", "")
	s.line.cut(false)
	b.until(`document.body.dataset.view === 'sign-in'`)
	b.until(`document.getElementById('signed-out').textContent.endsWith('Unsent changes are stored on this device.')`)
	b.newTab().signIn(s, "ada@example.com")
	b.run(`dispatchEvent(new Event('focus'))`)
	b.until(`document.body.dataset.dirty === 'false' && document.getElementById('text').text === 'mine! more and more'`)
}

// accessToken returns a token of the page's user.
func (b *tab) accessToken() string {
	b.t.Helper()
	return b.run(`return (await (await fetch('/auth/refresh-token', { method: 'POST' })).json()).access_token`)
}

// auth makes a request to the sign-in service from another machine.
func (s *site) auth(access, method, endpoint, body string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.direct+"/auth/"+endpoint, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode >= 400 {
		s.t.Fatalf("%s %s: %d %s", method, endpoint, answer.StatusCode, text)
	}
}

func TestReasonsAfterRevocation(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	admin, err := auth.Mint(s.dir, func(string) string { return "" }, "root@example.com", true, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		take func(access, sub string)
		want string
	}{
		{func(string, string) { b.run(`await fetch('/auth/logout', { method: 'POST' })`) }, "You were signed out in another tab."},
		{func(access, _ string) { s.auth(access, "POST", "logout/all", "") }, "You were signed out on another device."},
		{func(_, sub string) { s.auth(admin, "DELETE", "subject/"+sub+"/sessions", "") }, "An administrator signed you out."},
		{func(_, sub string) { s.auth(admin, "PATCH", "subject/"+sub, `{"adminApproved":false}`) }, "An administrator has withdrawn your access."},
		{func(_, sub string) { s.auth(admin, "DELETE", "subject/"+sub, "") }, "Your account has been removed."},
	} {
		b.signIn(s, fmt.Sprintf("user%d@example.com", i))
		b.open("notes")
		b.typeText("x")
		b.until(`document.body.dataset.dirty === 'false'`)
		tt.take(b.accessToken(), b.run(`return document.body.dataset.instance.split('.')[0]`))
		b.until(`document.body.dataset.view === 'sign-in' && document.getElementById('signed-out').textContent.startsWith(` + quote(tt.want) + `)`)
	}
}

func TestBackAfterSignOut(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("secret")
	b.until(`document.body.dataset.dirty === 'false'`)

	// The page is hidden when it is cached, and shown when it is connected again.
	b.run(`dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))`)
	if got := b.run(`return document.getElementById('desk').checkVisibility()`); got != "false" {
		t.Error("the page is put away with the document on it")
	}
	b.run(`dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`)
	b.until(`document.body.dataset.state === 'connected' && document.getElementById('desk').checkVisibility()`)

	access := b.accessToken()
	b.do(chromedp.Navigate(s.url + "/dev/mail"))
	s.auth(access, "POST", "logout/all", "")
	history, err := chromedp.Call(b.ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	before := page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID}
	if _, err := chromedp.Call(b.ctx, page.NavigateToHistoryEntry, before); err != nil { // chromedp.NavigateBack waits for a load event
		t.Fatal(err)
	}
	b.until(`document.body.dataset.view === 'sign-in' || document.getElementById('desk')?.checkVisibility()`)
	if got := b.run(`return document.body.innerText.includes('secret')`); got != "false" {
		t.Error("Back shows the document")
	}
}

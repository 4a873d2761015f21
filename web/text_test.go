package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
)

// These tests check the page's text through the usual events of tabs, with the displayed
// state and how often the page was told to subscribe: once for each session.

// shows waits until the page has a text, all of it is saved, and the page was told to
// subscribe that often.
func (b *tab) shows(text string, subscriptions int) {
	b.t.Helper()
	b.until(`document.getElementById('text').text === ` + quote(text))
	b.until(`document.body.dataset.state === 'connected' && document.body.dataset.dirty === 'false'`)
	b.until(`document.getElementById('state-text').textContent === 'Connected'`)
	if got := b.run(`return document.body.dataset.subscriptions`); got != fmt.Sprint(subscriptions) {
		b.t.Errorf("OnSubscriptionRequired ran %s times, want %d", got, subscriptions)
	}
}

func TestTextThroughLifeOfTab(t *testing.T) {
	t.Parallel()
	d := lifeTimes()
	s := startSiteOf(t, gateway.Options{Grace: d.grace, Heartbeat: d.heartbeat})
	b := openOwnBrowser(t) // a tab whose focus is emulated is not frozen
	b.signIn(s, "ada@example.com")
	b.open("notes")
	bob := s.terminal("bob@example.com", "notes")
	write := func(text string) {
		t.Helper()
		bob.write(text)
		bob.until("saved", bob.doc.Saved)
	}
	b.typeText("a")
	bob.shows("a")
	b.shows("a", 1)

	instance := b.run(`return document.body.dataset.instance`)
	b.lifecycle(page.SetWebLifecycleStateStateFrozen)
	write("a bob")
	s.sessionEnds(instance)
	write("a bob 2")
	b.lifecycle(page.SetWebLifecycleStateStateActive)
	b.until(`document.body.dataset.subscriptions === '2'`)
	b.shows("a bob 2", 2)

	s.line.cut(true) // the gateway is unreachable
	b.until(`document.getElementById('state-text').textContent === 'Reconnecting'`)
	b.typeText("b")
	b.until(`document.getElementById('saved').textContent.startsWith('Not sent yet')`)
	s.sessionEnds(instance)
	s.line.cut(false)
	b.until(`document.body.dataset.subscriptions === '3'`)
	b.shows("ab bob 2", 3)
	bob.shows("ab bob 2")

	b.do(chromedp.Reload())
	b.until(`document.body.dataset.document === 'notes'`)
	b.shows("ab bob 2", 1)
	if got := b.run(`return document.body.dataset.instance`); got != instance {
		t.Errorf("it is %s after the reload, and was %s", got, instance)
	}

	// A copy of the tab is another client and a separate person.
	b.run(`window.copy = window.open(location.href)`)
	b.until(`copy.document.body.dataset.document === 'notes'`)
	b.until(`copy.document.body.dataset.instance !== document.body.dataset.instance`)
	b.until(`document.querySelectorAll('#people li').length === 1`)
	b.run(`copy.document.getElementById('text').insert(0, 'copy ')`)
	b.shows("copy ab bob 2", 1)
	b.run(`copy.close()`)
	b.until(`document.querySelectorAll('#people li').length === 0`)

	// Away and back.
	b.run(`window.marker = 1; setTimeout(() => { location.href = '/dev/mail'; });`)
	b.until(`location.pathname === '/dev/mail'`)
	bob.shows("copy ab bob 2")
	write("copy ab bob 3")
	s.sessionEnds(instance)
	b.until(`(setTimeout(() => history.back()), true)`) // that page's policy allows nothing else
	b.until(`document.body.dataset.document === 'notes'`)
	if got := b.run(`return window.marker`); got != "1" {
		t.Errorf("the page was loaded anew, not taken from the cache: %s", got)
	}
	b.until(`document.getElementById('text').text === 'copy ab bob 3'`)
	b.typeText("!")
	b.until(`document.getElementById('text').text.includes('!') && document.body.dataset.dirty === 'false'`)
	b.until(`document.body.dataset.subscriptions === '2'`) // its session was over
}

func TestLongPasteOfDeadTab(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("before")
	b.until(`document.body.dataset.dirty === 'false'`)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.run(`document.getElementById('text').insert(6, 'What is pasted. '.repeat(100_000))`) // more than fits in a frame
	b.kept("What is pasted. What is pasted. ")
	bob := s.terminal("bob@example.com", "notes")
	bob.write("his before")
	bob.until("saved", bob.doc.Saved)
	b.crash()
	s.line.cut(false)
	again := b.newTab()
	again.do(chromedp.Navigate(s.url + "/#notes"))
	again.until(`document.getElementById('text').text === 'his before' + 'What is pasted. '.repeat(100_000)`)
	content, _, err := editor.ReadAll(t.Context(), s.client("eve@example.com"), "notes")
	if want := "his before" + strings.Repeat("What is pasted. ", 100_000); err != nil || content != want {
		t.Errorf("the document has %d units, want %d: %v", len(content), len(want), err)
	}
}

func TestBrowserWithoutStorage(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.run(`window.put = IDBObjectStore.prototype.put;
		IDBObjectStore.prototype.put = () => { throw new DOMException('the disk is full', 'QuotaExceededError'); };`)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	b.typeText("typed")
	b.until(`document.getElementById('saved').textContent.startsWith('Not sent yet, and this browser cannot store it')`)

	// Another document would replace it, so the user is asked.
	b.run(`window.asked = 0; window.confirm = () => { window.asked++; return false; }; location.hash = 'other'`)
	b.until(`window.asked === 1 && location.hash === '#notes' && document.getElementById('text').text === 'typed'`)

	b.run(`IDBObjectStore.prototype.put = window.put`)
	b.until(`document.getElementById('saved').textContent.startsWith('Not sent yet: stored on this device')`)
	b.crash()
	s.line.cut(false)

	// The page retries until it can read the leftover edits.
	again := b.newTab()
	again.do(chromedp.Navigate(s.url + "/#"))
	again.until(`document.body.dataset.state === 'connected'`)
	again.run(`window.all = IDBObjectStore.prototype.getAllKeys; window.failed = 0;
		IDBObjectStore.prototype.getAllKeys = () => { window.failed++; throw new DOMException('not now', 'UnknownError'); };
		location.hash = 'notes'`)
	again.until(`window.failed > 0`)
	again.until(`document.body.dataset.document === 'notes' && document.getElementById('problem').hidden`)
	again.run(`IDBObjectStore.prototype.getAllKeys = window.all`)
	again.until(`document.getElementById('text').text === 'typed'`)
}

func TestRefusedTextInPage(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("fine")
	b.until(`document.body.dataset.dirty === 'false'`)
	// Edits that no editor makes, as on a damaged disk.
	b.run(`const request = indexedDB.open('lmz', 1);
		const database = await new Promise((done) => { request.onsuccess = () => done(request.result); });
		const claims = JSON.parse(atob((await (await fetch('/auth/refresh-token', { method: 'POST' })).json()).access_token.split('.')[1]));
		const store = database.transaction('unsaved', 'readwrite').objectStore('unsaved');
		const put = store.put({ version: 1, edits: [{ clientID: 'dead', number: 1, changes: [999, [0, 'lost words']] }] }, [claims.sub, 'notes', 'dead']);
		await new Promise((done) => { put.onsuccess = done; });
		database.close();`)
	for range 2 {
		b.do(chromedp.Reload())
		b.until(`!document.getElementById('kept').hidden && document.getElementById('kept-text').textContent === 'lost words'`)
		b.until(`document.getElementById('text').text === 'fine'`)
	}
	b.do(chromedp.Click(chromedp.CSS("#kept-drop")))
	b.until(`document.getElementById('kept').hidden && document.activeElement.id === 'text'`)
	b.keeps("every text is dropped", "kept === '[]'")
	b.do(chromedp.Reload())
	b.until(`document.body.dataset.document === 'notes' && document.getElementById('text').text === 'fine'`)
	b.until(`document.getElementById('kept').hidden`)
}

func TestVersionsPanel(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	bob := s.terminal("bob@example.com", "notes")
	b.typeText("first")
	bob.shows("first")
	bob.write("first second")
	b.until(`document.getElementById('text').text === 'first second'`)
	b.do(chromedp.Click(chromedp.CSS("#versions > summary")))
	b.until(`document.querySelectorAll('#revisions button').length === 2`)
	b.until(`document.querySelector('#revisions button').textContent.endsWith(' bob (now)')`)
	b.do(chromedp.Click(chromedp.CSS("#revisions li:nth-child(2) button")))
	b.until(`document.getElementById('version-text').textContent === 'first'`)
	b.do(chromedp.Click(chromedp.CSS("#restore")))
	b.until(`document.getElementById('text').text === 'first'`)
	bob.shows("first")
	b.until(`document.getElementById('versions-note').textContent.startsWith('Restored')`)
	b.until(`document.querySelectorAll('#revisions button').length === 3`)
}

func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	b.typeText("teh")
	b.until(`document.querySelectorAll('#findings .fix').length > 0`)

	// The skip link moves the focus to the text, and opens no document.
	b.run(`document.getElementById('skip').focus()`)
	for _, event := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		enter := input.DispatchKeyEventParams{Type: event, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if event == input.DispatchKeyEventTypeKeyDown {
			enter.Text = "\r"
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, enter); err != nil { // KeyEvent sends the text twice
			t.Fatal(err)
		}
	}
	b.until(`document.activeElement.id === 'text' && location.hash === '#notes'`)
	b.until(`document.getElementById('text').text === 'teh'`)
	// Escape closes the suggestions in the text; Tab leaves the text for those after it.
	const menu = `document.getElementById('text').shadowRoot.querySelector('.suggest')`
	b.until(menu + ` !== null`)
	b.do(chromedp.KeyEvent("\u001b"))
	b.until(menu + ` === null`)
	b.do(chromedp.KeyEvent("\t"))
	b.until(`document.activeElement.closest('#findings') !== null && document.getElementById('text').text === 'teh'`)
	b.until(`document.activeElement.getAttribute('aria-label').startsWith('Replace teh by ')`)
	b.run(`document.activeElement.blur(); document.getElementById('text').focus()`)
	b.do(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierAlt)))
	b.until(`document.getElementById('text').text === 'the'`)
	b.until(`document.activeElement.id === 'text'`)
	b.until(`document.getElementById('text').shadowRoot.querySelector('[role=textbox][aria-multiline=true]').getAttribute('aria-label') === 'Text of notes'`)

	// Every control has an accessible name.
	nameless := b.run(`return [...document.querySelectorAll('button, input, a, summary, [role=region]')].filter((e) => e.checkVisibility()
		&& !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML).join('\n')`)
	if nameless != "" {
		t.Errorf("without a name: %s", nameless)
	}
}

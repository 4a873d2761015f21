package test

import (
	"context"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/lumenize/lmz/internal/poll"
)

// tab is a tab of a browser on the page that the gateway serves.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func openTab(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no browser: install Chromium (on Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1200, 800))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		closeTab()
		stop()
	})
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as this ctx
		t.Fatal(err)
	}
	return &tab{t, ctx}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, poll.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// value evaluates a string expression. It is empty while the page loads.
func (b *tab) value(expression string) string {
	s, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	return s
}

func (b *tab) text() string          { return b.value("document.getElementById('text').text") }
func (b *tab) state() string         { return b.value("document.body.dataset.state") }
func (b *tab) subscriptions() string { return b.value("document.body.dataset.subscriptions") }

// signIn requests a link, clicks it in the mailbox, confirms it, and opens a document on the page
// at url.
func (b *tab) signIn(dev *devServer, url, email, document string) {
	b.t.Helper()
	b.do(chromedp.Navigate(dev.url()))
	poll.Until(b.t, "the page asks to sign in", func() bool { return b.state() == "signed-out" })
	b.do(
		chromedp.SendKeys(chromedp.CSS("#address"), email),
		chromedp.Click(chromedp.CSS("#link-form button")),
		chromedp.WaitVisible(chromedp.CSS("#mailbox a")),
		chromedp.Click(chromedp.CSS("#mailbox a")),
		chromedp.WaitVisible(chromedp.CSS("li .button")),
		chromedp.Click(chromedp.CSS("li .button")),
		chromedp.WaitVisible(chromedp.CSS("form .button")),
		chromedp.Click(chromedp.CSS("form .button")),
	)
	poll.Until(b.t, "the page is signed in", func() bool { return b.state() == "connected" })
	b.do(chromedp.Navigate(url + "/#" + document))
	poll.Until(b.t, "the document is open", func() bool {
		return b.value("document.body.dataset.document") == document && b.state() == "connected"
	})
}

func (b *tab) typeText(text string) {
	b.value("document.getElementById('text').focus()")
	b.do(chromedp.KeyEvent(text))
}

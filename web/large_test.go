package web

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/examples/editor"
)

// TestLargeDocumentInPage pastes 1 MB several times, with the gateway's default limits,
// reopens the document, types in it, and prints how long each took. make soak uses 10 MB.
func TestLargeDocumentInPage(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("book")
	paste := func(at string) {
		b.run(`document.getElementById('text').insert(` + at + `, 'All work and no play makes Jack a dull boy, 日本語 👍\n'.repeat(20_000))`)
		b.until(`document.body.dataset.dirty === 'false'`)
	}
	took := func(what string, f func()) {
		start := time.Now()
		f()
		t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond))
	}
	pastes := 2
	if os.Getenv("LMZ_SOAK") != "" {
		pastes = 10
	}
	for range pastes {
		took("a paste of 1 MB, saved", func() { paste("0") })
	}
	took("opened", func() {
		b.do(chromedp.Reload())
		b.until(`document.body.dataset.document === 'book' && document.getElementById('text').text.length === ` + fmt.Sprint(pastes*1_020_000))
	})
	t.Logf("a key: %s", b.run(`const area = document.getElementById('text');
		const times = [], middle = Math.floor(area.text.length / 2);
		for (let i = 0; i < 60; i++) {
			const start = performance.now();
			area.insert(middle, 'x');
			times.push(performance.now() - start);
			await new Promise((done) => requestAnimationFrame(done));
		}
		times.sort((a, b) => a - b);
		return 'p50 ' + times[30].toFixed(1) + ' ms, longest ' + times[59].toFixed(1) + ' ms';`))
	took("saved", func() { b.until(`document.body.dataset.dirty === 'false'`) })
	content, _, err := editor.ReadAll(t.Context(), s.client("eve@example.com"), "book")
	if got := b.run(`return document.getElementById('text').text.length`); err != nil || got != fmt.Sprint(editorUnits(content)) {
		t.Errorf("the page has %s units, the document %d: %v", got, editorUnits(content), err)
	}
}

func editorUnits(s string) (n int) {
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

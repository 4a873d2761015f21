package web

import (
	"strings"
	"testing"

	"github.com/lumenize/lmz/internal/printable"
)

// TestBidiNamesInPage opens documents with hostile names, and compares what the page shows
// with what a terminal would.
func TestBidiNamesInPage(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	for _, name := range []string{
		"a\u202egpj.exe", "\u009b31m\u200bx\u00ad\u2028y\U000e0041", "ad\u200dmin", "z" + strings.Repeat("\u0301", 20) + "algo", "👩‍👩‍👧 क्‍ष עברית", "🏴󠁧󠁢󠁥󠁮󠁧󠁿🏴\U000e0067\U000e0041 \U0001fae9‍🔥",
	} {
		b.run("location.hash = encodeURIComponent(" + quote(name) + ");")
		b.until(`document.body.dataset.document === ` + quote(name))
		want := printable.Line(name)
		if got := b.run("return document.getElementById('name').textContent;"); got != want {
			t.Errorf("the heading of %q is %q, want %q", name, got, want)
		}
		if got := b.run("return document.title;"); got != "\u2068"+want+"\u2069 · lmz" {
			t.Errorf("the title of %q is %q", name, got)
		}
		if got := b.run("return getComputedStyle(document.querySelector('#name bdi')).unicodeBidi;"); got != "isolate" {
			t.Errorf("the name is no isolate: %s", got)
		}
	}
}

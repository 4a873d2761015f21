package web

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/text"
)

// TestNamesakesInPage lets a second Ann change her editor again and again.
func TestNamesakesInPage(t *testing.T) {
	s := startSite(t)
	ann, at := openBrowser(t), lmz.At(editor.DocumentBinding, "notes")
	ann.signIn(s, "ann@one.example")
	ann.open("notes")
	ann.typeText("one ")
	ann.until(`document.body.dataset.dirty === 'false'`)
	other := s.client("ann@two.example")
	o, err := editor.Subscribe.Call(t.Context(), other, at)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		c := editor.Cursor{ClientID: fmt.Sprint("ghost", i), Version: o.Version, Anchor: i % 4, Head: 2}
		if _, err := editor.Present.Call(t.Context(), other, at, c); err != nil {
			t.Fatal(err)
		}
	}
	edits := []text.Edit{{Editor: "ghost29", Number: 1, Changes: text.Insert(o.Length, o.Length, "two")}}
	if _, err := editor.Push.Call(t.Context(), other, at, o.Version, text.Updates(edits)); err != nil {
		t.Fatal(err)
	}
	ann.until(`document.getElementById('text').text === 'one two'`)
	ann.until(`[...document.querySelectorAll('#people li')].map((li) => li.textContent).join() === 'ann@two.example'`)
	ann.until(`document.getElementById('text').shadowRoot.querySelectorAll('.peer-caret').length === 1`)
	ann.until(`document.getElementById('saved').textContent === 'Changed by ann@two.example'`)
	ann.do(chromedp.Click("#versions summary"))
	ann.until(`document.querySelectorAll('#revisions li').length === 2`)
	ann.until(`/ann@two.example/.test(document.querySelector('#revisions li').textContent) && /ann@one.example/.test(document.querySelector('#revisions li:last-child').textContent)`)
}

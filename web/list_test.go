package web

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
)

func TestLongListInPage(t *testing.T) {
	s := startSite(t)
	maker := s.client("bob@example.com")
	var making sync.WaitGroup
	for part := range 8 {
		making.Go(func() {
			for i := part; i < 210; i += 8 {
				at := lmz.At(editor.DocumentBinding, fmt.Sprintf("doc%03d", i))
				if _, err := editor.Subscribe.Call(t.Context(), maker, at); err != nil {
					t.Error(err)
				}
				if _, err := editor.Update.Call(t.Context(), maker, at, "text"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	making.Wait()
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	const shown = `document.querySelectorAll('#documents a').length`
	b.until(shown + ` === 200 && !document.getElementById('more-documents').parentElement.hidden`)
	b.run(`document.getElementById('more-documents').scrollIntoView()`)
	b.until(shown + ` === 210 && document.getElementById('more-documents').parentElement.hidden`)
	b.run(`location.hash = 'doc205'`) // reloading the list keeps all of it
	b.until(`document.querySelector('#documents a[aria-current]')?.textContent === 'doc205'`)
	b.until(shown + ` === 210`)

	// A name that is too long for a new document is refused in the form, and when it comes
	// from elsewhere.
	long := strings.Repeat("n", editor.MaxName+1)
	b.run(`document.getElementById('open-name').value = ` + quote(long))
	b.do(chromedp.Click(chromedp.CSS("#open-form button")))
	b.until(`document.getElementById('open-name').validationMessage === 'A document’s name has at most 256 bytes, and this one has 257.'`)
	b.until(`document.body.dataset.document === 'doc205'`)
	b.run(`location.hash = ` + quote(long))
	b.until(`document.getElementById('problem').textContent.includes('at most 256 bytes')`)
}

package web

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestPastedLineBreaks(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.open("notes")
	bob := s.terminal("bob@example.com", "notes")
	b.typeText("x")
	b.run(`const data = new DataTransfer();
		data.setData('text/plain', 'one\r\ntwo\rthree\n');
		document.getElementById('text').shadowRoot.querySelector('.cm-content')
			.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true, composed: true }));`)
	b.do(chromedp.KeyEvent("y"))
	b.until(`document.getElementById('text').text === 'xone\ntwo\nthree\ny'`)
	bob.shows("xone\ntwo\nthree\ny")
	b.run(`document.getElementById('text').insert(0, '\r\n')`) // by a script
	b.until(`document.getElementById('text').text === '\nxone\ntwo\nthree\ny'`)
	bob.shows("\nxone\ntwo\nthree\ny")
}

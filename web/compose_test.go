package web

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// compose makes the browser's input method show an unfinished word, or none.
func (b *tab) compose(word string) {
	b.t.Helper()
	n := int64(len([]rune(word)))
	if _, err := chromedp.Call(b.ctx, input.ImeSetComposition, input.ImeSetCompositionParams{Text: word, SelectionStart: n, SelectionEnd: n}); err != nil {
		b.t.Fatal(err)
	}
}

// commit ends the composition with a word.
func (b *tab) commit(word string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: word}); err != nil {
		b.t.Fatal(err)
	}
}

// has waits until the page shows a text, saved or not.
func (b *tab) has(text string) {
	b.t.Helper()
	b.until(`document.getElementById('text').text === ` + quote(text))
}

// saved waits until the document has all the page's edits.
func (b *tab) saved() {
	b.t.Helper()
	b.until(`document.body.dataset.state === 'connected' && document.body.dataset.dirty === 'false'`)
}

// composing is a page and a terminal that share a document.
type composing struct {
	*tab
	bob  *terminal
	seen []string // every text that bob had
}

// startComposing signs in to a page with a browser whose user agent is agent; "" keeps its
// own.
func startComposing(t *testing.T, agent string) *composing {
	t.Helper()
	s := startSite(t)
	b := openBrowser(t)
	if agent != "" {
		if _, err := chromedp.Call(b.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent}); err != nil {
			t.Fatal(err)
		}
	}
	b.signIn(s, "ada@example.com")
	b.open("notes")
	return &composing{tab: b, bob: s.terminal("bob@example.com", "notes")}
}

// begins types the document's initial text in the page.
func (c *composing) begins(text string) {
	c.t.Helper()
	c.typeText(text)
	c.saved()
	c.bob.shows(text)
}

// writes makes bob write text, and waits until the page shows want.
func (c *composing) writes(text, want string) {
	c.t.Helper()
	c.bob.write(text)
	c.bob.until("it is saved", c.bob.doc.Saved)
	c.has(want)
}

// sees waits until bob has a text, and records his texts until then.
func (c *composing) sees(want string) {
	c.t.Helper()
	c.bob.until("bob has "+want, func() bool {
		has := c.bob.doc.Text().String()
		if !slices.Contains(c.seen, has) {
			c.seen = append(c.seen, has)
		}
		return has == want
	})
}

// pauses makes the page believe that 2 s have passed, which ends a step of undo.
func (b *tab) pauses() {
	b.t.Helper()
	b.run(`const now = performance.now.bind(performance); performance.now = () => now() + 2000`)
}

// browsers are those for which the page's editor treats composed words differently.
var browsers = map[string]string{
	"Desktop": "",
	"Android": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
}

func TestCompositionIsOneEdit(t *testing.T) {
	for name, agent := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startComposing(t, agent)
			c.begins("The ")
			version := c.bob.doc.Version()
			words := []string{"に", "にほ", "にほn", "にほん", "日本"}
			for i, word := range words {
				c.compose(word)
				c.has(hashes(i) + "The " + word)
				c.writes(hashes(i+1)+"The ", hashes(i+1)+"The "+word) // at the start of the same line
				c.sees(hashes(i+1) + "The ")
			}
			c.until(`document.body.dataset.dirty === 'true'`)
			c.pauses()
			c.commit("日本")
			c.sees("#####The 日本")
			c.saved()
			c.has("#####The 日本")
			if got, want := c.bob.doc.Version(), version+len(words)+1; got != want {
				t.Errorf("the composition made %d edits, of which others saw %q", got-version-len(words), c.seen)
			}
			c.do(chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
			c.sees("#####The ")
			c.do(chromedp.KeyEvent("y", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
			c.sees("#####The 日本")
		})
	}
}

func hashes(n int) string { return "#####"[:n] }

func TestCompositionAmongRemoteEdits(t *testing.T) {
	for name, agent := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startComposing(t, agent)
			c.begins("one two")
			c.writes("one two\nthree", "one two\nthree")
			c.saved()
			c.compose("か")
			c.has("one twoか\nthree")
			c.writes("zero\none two\nthree", "zero\none twoか\nthree") // in an earlier line
			c.compose("かん")
			c.has("zero\none twoかん\nthree")
			c.writes("zero\none two!\nthree", "zero\none twoかん\nthree") // at the word: it waits
			c.compose("かんじ")
			c.has("zero\none twoかんじ\nthree")
			c.writes("zero\n\nthree, four", "zero\none twoかんじ\nthree") // around it, and elsewhere
			c.compose("漢字")
			c.has("zero\none two漢字\nthree")
			c.commit("漢字")
			c.sees("zero\n漢字\nthree, four")
			c.saved()
			c.has("zero\n漢字\nthree, four")
			c.typeText("x")
			c.sees("zero\n漢字x\nthree, four")
			if i := slices.IndexFunc(c.seen, func(s string) bool { return strings.Contains(s, "か") }); i >= 0 {
				t.Errorf("bob had %q", c.seen)
			}
		})
	}
}

// Phone keyboards compose each word and do not end the last one.
func TestLeftCompositionOnPhone(t *testing.T) {
	c := startComposing(t, browsers["Android"])
	c.begins("The ")
	c.compose("fox")
	c.sees("The fox")
	c.saved()
	c.compose("foxes")
	c.sees("The foxes")
	c.commit("foxes")
	c.saved()
	c.has("The foxes")
}

func TestCompositionThatEndsOtherwise(t *testing.T) {
	c := startComposing(t, "")
	c.begins("The ")
	version := c.bob.doc.Version()
	// Cancelled: nothing was typed.
	c.compose("に")
	c.has("The に")
	c.compose("")
	c.has("The ")
	c.saved()
	// One word directly after another, as in typing Korean.
	c.compose("하")
	c.compose("한")
	c.commit("한")
	c.compose("그")
	c.has("The 한그")
	c.sees("The 한")
	// Left for another place.
	c.compose("글")
	c.run(`document.getElementById('open-name').focus()`)
	c.sees("The 한글")
	c.saved()
	c.has("The 한글")
	if got := c.bob.doc.Version(); got != version+2 {
		t.Errorf("two words made %d edits: bob had %q", got-version, c.seen)
	}
	// Left for another document.
	c.typeText(kb.End)
	c.compose("글")
	c.has("The 한글글")
	c.run(`location.hash = '#other'`)
	c.until(`document.body.dataset.document === 'other'`)
	c.has("")
	c.sees("The 한글글")
}

func TestUndoOfCompositionAfterPauses(t *testing.T) {
	c := startComposing(t, "")
	c.begins("The ")
	for _, word := range []string{"k", "か", "かn", "かん"} {
		c.compose(word)
		c.has("The " + word)
		c.pauses()
	}
	c.commit("感")
	c.has("The 感")
	c.sees("The 感")
	c.do(chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	c.has("The ")
	c.sees("The ")
}

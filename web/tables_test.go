package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Codes in a page's address are looked up in tables that have only our members.
func TestPageTablesOwnKeys(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	for _, code := range []string{"constructor", "__proto__", "toString", "valueOf", "hasOwnProperty", "nonsense"} {
		b.do(chromedp.Navigate(s.url + "/?error=" + code))
		b.until(`document.body.dataset.view === 'sign-in' && !document.getElementById('sign-in-error').hidden`)
		b.run(`same(document.getElementById('sign-in-error').textContent, 'Signing in did not work. Ask for a new link.');`)
	}
}

// A refusal has an error code from the server, or from anything that answers in its place.
func TestRefusalTablesOwnKeys(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url + "/"))
	b.until(`document.body.dataset.view === 'sign-in'`)
	for _, answer := range []string{`{"error":"constructor"}`, `{"error":"__proto__"}`, `null`, `[]`, `"toString"`} {
		b.run(`window.fetch = async () => new Response(` + quote(answer) + `, { status: 418 });
			document.getElementById('sign-in-error').hidden = true;
			document.getElementById('address').value = 'ada@example.com';
			document.getElementById('link-form').requestSubmit();`)
		b.until(`!document.getElementById('sign-in-error').hidden`)
		b.run(`same(document.getElementById('sign-in-error').textContent, 'The server answered 418.');`)
	}
}

var (
	plainTable = regexp.MustCompile(`(?m)^\s*(?:export )?(?:const|let) (\w+) = \{`)
	memberOf   = `\b%s(?:\?\.)?\[[^\]'"\d]`
)

// None of our scripts looks up foreign keys in a plain object: maps, sets and objects
// without a prototype have no member called constructor.
func TestScriptTables(t *testing.T) {
	for _, pattern := range []string{"page/*.js", "../wasmclient/js/*.js"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 10 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range plainTable.FindAllStringSubmatch(string(text), -1) {
				use := regexp.MustCompile(strings.Replace(memberOf, "%s", table[1], 1))
				if found := use.FindString(string(text)); found != "" {
					t.Errorf("%s: %s…] looks a key up in a plain object", file, found)
				}
			}
		}
	}
}

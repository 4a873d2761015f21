package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/auth"
)

const startScript = `
const begun = performance.now();
const { LumenizeClient } = await import('/lmz/lmz.js');
const client = new LumenizeClient({ refresh: async () => ({ access_token: location.hash.slice(1) }) });
await client.connect();
document.body.dataset.start = Math.round(performance.now() - begun);
`

// TestAScriptIsConnectedSoon prints how long that takes: from the first line of a page's
// script until the client is connected, on this machine.
func TestAScriptIsConnectedSoon(t *testing.T) {
	s := startSite(t)
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.extra.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
			w.Write([]byte(startScript))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><title>start</title><body><script type="module" src="start.js"></script>`))
	}))
	b := openBrowser(t)
	for _, visit := range []string{"the first visit", "the second visit", "the third visit"} {
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/programs/start#"+token))
		b.until(`document.body.dataset.start !== undefined`)
		t.Logf("%s: connected %s ms after the script began", visit, b.run(`return document.body.dataset.start;`))
	}
}

package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/auth"
)

const startScript = `
const begun = performance.now();
const times = {}, since = (name, now = performance.now()) => { times[name] = now - begun; };
const { load, LumenizeClient } = await import('/lmz/lmz.js');
since('face');
const client = new LumenizeClient({ refresh: async () => ({ access_token: location.hash.slice(1) }) });
load().then(() => since('running'));
await client.connect();
since('connected');
since('module', performance.getEntriesByType('resource').find(({ name }) => name.endsWith('.wasm')).responseEnd);
document.body.dataset.start = JSON.stringify(times);
`

// startTimes are milliseconds after the first line of a page's script.
type startTimes struct {
	Face      float64 // the JavaScript face is loaded
	Module    float64 // the module has arrived
	Running   float64 // it runs
	Connected float64
}

// startPages are pages with that script: a plain one, and one that follows the advice in
// wasmclient's README.md.
var startPages = []struct{ name, head string }{
	{"plain", ``},
	{"preloaded", `<link rel="modulepreload" href="/lmz/lmz.js"><link rel="preload" href="/lmz/lmz.wasm" as="fetch" type="application/wasm" crossorigin>`},
}

// TestTimeToConnected prints the time from the first line of a page's script until the
// client is connected, on this machine: the first time, and with the files cached. With
// LMZ_SOAK=1 these are medians of 20 browsers.
func TestTimeToConnected(t *testing.T) {
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
		for _, page := range startPages {
			if strings.HasSuffix(r.URL.Path, page.name) {
				fmt.Fprintf(w, `<!doctype html><title>start</title>%s<body><script type="module" src="start.js"></script>`, page.head)
			}
		}
	}))
	browsers := 1
	if os.Getenv("LMZ_SOAK") != "" {
		browsers = 20
	}
	for _, page := range startPages {
		t.Run(page.name, func(t *testing.T) {
			var visits [2][]startTimes
			for range browsers {
				b := openOwnBrowser(t)
				for i := range visits {
					b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/programs/"+page.name+"#"+token))
					b.until(`document.body.dataset.start !== undefined`)
					var times startTimes
					if err := json.Unmarshal([]byte(b.run(`return document.body.dataset.start;`)), &times); err != nil {
						t.Fatal(err)
					}
					visits[i] = append(visits[i], times)
					b.run(`await new Promise((done) => requestIdleCallback(done));`) // it is still compiling
				}
				b.close()
			}
			for i, name := range []string{"first visit", "second visit"} {
				median := func(of func(startTimes) float64) float64 {
					var all []float64
					for _, v := range visits[i] {
						all = append(all, of(v))
					}
					slices.Sort(all)
					return all[len(all)/2]
				}
				t.Logf("%s: the face is there after %.0f ms, the module after %.0f, it runs after %.0f, connected after %.0f", name,
					median(func(s startTimes) float64 { return s.Face }), median(func(s startTimes) float64 { return s.Module }),
					median(func(s startTimes) float64 { return s.Running }), median(func(s startTimes) float64 { return s.Connected }))
			}
		})
	}
}

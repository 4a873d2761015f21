package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/gateway"
)

// turnstileKeys are a site's keys of a Turnstile widget. The zero value means no widget.
type turnstileKeys struct{ site, secret string }

var standInKeys = turnstileKeys{site: "1x00AA", secret: "s3cret"}

// cloudflare is a stand-in for challenges.cloudflare.com, for this process and for browsers
// started by its openBrowser.
type cloudflare struct {
	server *httptest.Server

	mu      sync.Mutex
	asked   map[string]int  // requests by path
	tokens  map[string]bool // valid tokens, each good once
	blocked bool            // no request is answered
	silent  bool            // nobody passes
}

// standInScript implements what the page uses of Cloudflare's script: its frame sends the
// tokens.
const standInScript = `
window.turnstile = {
	render(box, params) {
		if (params.sitekey !== '1x00AA') throw new Error('sitekey');
		this.params = params;
		this.frame = document.createElement('iframe');
		this.frame.title = 'Stand-in';
		this.frame.width = params.size === 'compact' ? 150 : '100%';
		this.frame.height = params.size === 'compact' ? 140 : 65;
		box.append(this.frame);
		addEventListener('message', ({ origin, source, data }) => {
			if (origin !== 'https://challenges.cloudflare.com' || source !== this.frame.contentWindow) return;
			document.body.dataset.token = data;
			params.callback(data);
		});
		this.reset('1');
		return '1';
	},
	reset(id) {
		if (id !== '1') throw new Error('id');
		delete document.body.dataset.token;
		this.frame.src = 'https://challenges.cloudflare.com/frame';
	},
	expire() {
		this.params['expired-callback']();
		this.reset('1');
	},
};`

// startCloudflare starts a stand-in, and makes this process use it for Cloudflare.
func startCloudflare(t *testing.T) *cloudflare {
	t.Helper()
	c := &cloudflare{asked: map[string]int{}, tokens: map[string]bool{}}
	c.server = httptest.NewTLSServer(c)
	transport := c.server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // the name in its certificate
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, c.server.Listener.Addr().String())
	}
	before := http.DefaultClient.Transport
	http.DefaultClient.Transport = transport
	t.Cleanup(func() {
		http.DefaultClient.Transport = before
		transport.CloseIdleConnections()
		c.server.Close()
	})
	return c
}

func (c *cloudflare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[r.URL.Path]++
	if c.blocked {
		panic(http.ErrAbortHandler)
	}
	switch r.Host + r.URL.Path {
	case "challenges.cloudflare.com/turnstile/v0/api.js":
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, standInScript)
	case "challenges.cloudflare.com/frame":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><meta name="color-scheme" content="light dark"><label><input type="checkbox"> I am a person</label>`)
		if !c.silent {
			token := fmt.Sprint("token ", c.asked[r.URL.Path])
			c.tokens[token] = true
			fmt.Fprintf(w, `<script>parent.postMessage(%s, '*')</script>`, quote(token))
		}
	case "challenges.cloudflare.com/turnstile/v0/siteverify":
		token := r.PostFormValue("response")
		fmt.Fprintf(w, `{"success":%t}`, r.PostFormValue("secret") == standInKeys.secret && c.tokens[token])
		delete(c.tokens, token)
	default:
		http.NotFound(w, r)
	}
}

// change changes the stand-in's behavior.
func (c *cloudflare) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// requests returns the number of requests for a path.
func (c *cloudflare) requests(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[path]
}

// openBrowser opens a browser that uses the stand-in for Cloudflare.
func (c *cloudflare) openBrowser(t *testing.T) *tab {
	t.Helper()
	return openOwnBrowser(t, chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP challenges.cloudflare.com:443 "+c.server.Listener.Addr().String()))
}

// startTurnstileSite starts a site whose sign-in form has Turnstile.
func startTurnstileSite(t *testing.T) (*cloudflare, *site) {
	t.Helper()
	c := startCloudflare(t)
	l := listen(t)
	return c, startSiteAt(t, gateway.Options{}, standInKeys, l, "http://"+l.Addr().String())
}

const (
	checked  = `document.body.dataset.token !== undefined`
	linkSent = `!document.getElementById('link-sent').hidden`
	signForm = `document.body.dataset.view === 'sign-in'`
)

func (b *tab) errorSays(text string) {
	b.t.Helper()
	b.until(`!document.getElementById('sign-in-error').hidden && document.getElementById('sign-in-error').textContent.includes(` + quote(text) + `)`)
}

func TestSignInWithTurnstile(t *testing.T) {
	c, s := startTurnstileSite(t)
	b := c.openBrowser(t)
	b.signIn(s, "ada@example.com")
	if n := c.requests("/turnstile/v0/siteverify"); n != 1 {
		t.Errorf("the server asked %d times", n)
	}
	scripts := c.requests("/turnstile/v0/api.js")
	b.do(chromedp.Reload())
	b.until(`document.body.dataset.state === 'connected'`)
	b.run(`
		same(document.querySelector('iframe'), null);
		same(performance.getEntriesByType('resource').every(({ name }) => name.startsWith(location.origin)), true);`)
	if n := c.requests("/turnstile/v0/api.js"); scripts != 1 || n != scripts {
		t.Errorf("the script was loaded %d times for the form, and then %d times for who is signed in", scripts, n-scripts)
	}
}

func TestTurnstileByKeyboardAndOnPhone(t *testing.T) {
	c, s := startTurnstileSite(t)
	b := c.openBrowser(t)
	b.do(chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.url))
	b.until(checked)
	b.run(`
		same(window.turnstile.params.size, 'compact');
		same(document.documentElement.scrollWidth <= 360, true);
		same(document.getElementById('check').getAttribute('aria-label'), 'Check that you are a person');`)
	b.do(chromedp.SendKeys(chromedp.CSS("#address"), "ada@example.com\t"))
	b.until(`document.activeElement?.title === 'Stand-in'`)
	b.do(chromedp.KeyEvent("\t"))
	b.until(`document.activeElement?.type === 'submit'`)
	b.run(`
		dispatchEvent(new Event('focus')); // of the window, as when the focus leaves a frame
		same(document.body.dataset.state, 'connecting');`)
	b.until(`document.body.dataset.state === 'signed-out' && document.activeElement.type === 'submit'`)
	b.do(chromedp.KeyEvent("\r"))
	b.until(linkSent)
}

func TestMissingTurnstileToken(t *testing.T) {
	c, s := startTurnstileSite(t)
	c.silent = true
	b := c.openBrowser(t)
	b.do(chromedp.Navigate(s.url))
	b.until(`document.querySelector('#check iframe') !== null`)
	b.do(chromedp.SendKeys(chromedp.CSS("#address"), "ada@example.com\r"))
	b.errorSays("No link was sent: the check that you are human is not complete.")
	b.run(`same((await (await fetch('/dev/mail')).text()).includes('ada@example.com'), false);`)
	if n := c.requests("/turnstile/v0/siteverify"); n != 0 {
		t.Errorf("Cloudflare was asked %d times about no token", n)
	}
}

func TestFailedOrExpiredTurnstileToken(t *testing.T) {
	c, s := startTurnstileSite(t)
	b := c.openBrowser(t)
	b.do(chromedp.Navigate(s.url))
	b.until(checked)

	// The page does not know that the token has expired.
	c.change(func() { clear(c.tokens) })
	b.do(chromedp.SendKeys(chromedp.CSS("#address"), "ada@example.com\r"))
	b.errorSays("Cloudflare did not confirm that you are human")
	b.run(`document.querySelector('#link-form button').click();`)
	b.until(linkSent)

	// A token is good once. The page knows that the next one has expired, and waits.
	b.run(`delete document.body.dataset.token;`)
	b.do(chromedp.Click(chromedp.CSS("#link-again")))
	b.until(checked)
	c.change(func() { clear(c.tokens) })
	b.run(`
		window.turnstile.expire();
		document.querySelector('#link-form button').click();`)
	b.until(linkSent)
	if n := c.requests("/turnstile/v0/siteverify"); n != 3 {
		t.Errorf("Cloudflare was asked %d times", n)
	}
}

func TestTurnstileThatDoesNotLoad(t *testing.T) {
	c, s := startTurnstileSite(t)
	c.blocked = true
	b := c.openBrowser(t)
	b.do(chromedp.Navigate(s.url))
	b.until(`!document.getElementById('check-problem').hidden && document.getElementById('check').hidden`)
	b.until(`document.getElementById('check-problem').textContent.includes('could not be loaded from challenges.cloudflare.com. See that you are online')`)
	b.do(chromedp.SendKeys(chromedp.CSS("#address"), "ada@example.com\r"))
	b.errorSays("the check that you are human is not complete")

	c.change(func() { c.blocked = false })
	b.run(`document.querySelector('#link-form button').click();`)
	b.until(linkSent)
	b.until(`document.getElementById('check-problem').hidden`)

	c.change(func() { c.silent = true }) // a token would remove the message
	b.do(chromedp.Click(chromedp.CSS("#link-again")))
	b.run(`window.turnstile.params['error-callback']('110200');`)
	b.until(`!document.getElementById('check-problem').hidden && document.getElementById('check-problem').textContent.includes('error 110200')`)
}

// plainPolicy is the policy of a page without Turnstile, written out in full.
const plainPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func TestPageWithoutSiteKey(t *testing.T) {
	c := startCloudflare(t)
	s := startSite(t)
	b := c.openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.do(chromedp.Click(chromedp.CSS("#sign-out")))
	b.until(signForm)
	b.run(`
		same(document.getElementById('check').hidden && document.getElementById('check-problem').hidden, true);
		same(performance.getEntriesByType('resource').every(({ name }) => name.startsWith(location.origin)), true);`)
	if got := b.run(`return (await fetch('/')).headers.get('Content-Security-Policy');`); got != plainPolicy {
		t.Errorf("the policy is %s", got)
	}
	if len(c.asked) != 0 {
		t.Errorf("Cloudflare was asked: %v", c.asked)
	}
}

func TestContentPolicyForTurnstile(t *testing.T) {
	h := handler(built, Options{TurnstileSiteKey: `1x"<`})
	r := get(h, "/")
	want := strings.Replace(plainPolicy, "'wasm-unsafe-eval'", "'wasm-unsafe-eval' https://challenges.cloudflare.com", 1) +
		"; frame-src https://challenges.cloudflare.com"
	if got := r.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("the policy is %s", got)
	}
	if text := body(r); !strings.Contains(text, `<meta name="turnstile-site-key" content="1x&#34;&lt;">`) {
		t.Errorf("the page is %s", text)
	}
	other := get(handler(built, Options{TurnstileSiteKey: "2x"}), "/").Header.Get("ETag")
	if tag := r.Header.Get("ETag"); tag == other || tag == get(handler(built, Options{}), "/").Header.Get("ETag") {
		t.Errorf("browsers keep the page of another key: %s", tag)
	}
}

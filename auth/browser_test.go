package auth

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// site is the service in its own web server, with an application at /app that requests a token as
// the page of the mesh does.
type site struct {
	*fixture
	webmail string // another site
}

const appPage = `<!doctype html><html lang="en"><title>App</title><p id="out">waiting</p><script>
fetch('/auth/refresh-token', {method: 'POST', credentials: 'include'}).then(async r => {
	const body = await r.json()
	document.querySelector('#out').textContent = r.status + ' ' + (body.access_token ? 'token' : body.error)
})</script></html>`

// startSite serves the service at 127.0.0.1 and a webmail at localhost, which is
// another site.
func startSite(t *testing.T, o Options) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.PublicURL, o.Redirect = "http://"+l.Addr().String(), "/app"
	s := &site{fixture: start(t, o)}
	mux := http.NewServeMux()
	mux.Handle("/auth/", s.svc)
	mux.HandleFunc("/app", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(appPage)) })
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	server.Start()
	t.Cleanup(server.Close)
	webmail := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/inbox": // the mails, newest first, as HTML
			for _, m := range s.box.newestFirst() {
				fmt.Fprintf(w, `<p><a class="%s" href="%s">%s</a></p>`, m.Kind, m.Link, m.Subject)
			}
		case "/evil":
			fmt.Fprintf(w, `<form method="post" action="%s/auth/%s"><button>Win a prize</button></form>`, o.PublicURL, r.URL.Query().Get("to"))
		}
	}))
	t.Cleanup(webmail.Close)
	s.webmail = strings.Replace(webmail.URL, "127.0.0.1", "localhost", 1)
	return s
}

// tab is a page of a headless Chromium.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func openTab(t *testing.T) *tab {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	if path == "" {
		t.Fatal("no Chromium was found: install it, or name it in CHROMIUM")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(filepath.Join(t.TempDir(), "profile")), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1000, 800))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() {
		cancel()
		closeTab()
		stop()
	})
	return &tab{t: t, ctx: ctx}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// wait waits until a JavaScript expression is true, on whatever page is then loaded.
func (b *tab) wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute) // only a hang takes that long
	defer cancel()
	look := `new Promise((done) => {
		const look = () => { try { if (` + expression + `) return done(true) } catch {} setTimeout(look, 10) }
		look()
	})`
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](look, chromedp.EvalAwaitPromise))
		if ok && err == nil {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("not in time: %s; the page: %s", expression, b.text())
		}
	}
}

func (b *tab) text() string {
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText"))
	return text
}

func TestBrowserSignInAcrossSites(t *testing.T) {
	s := startSite(t, Options{BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1}})
	b := openTab(t)
	s.link(ada)
	b.do(chromedp.Navigate(s.webmail + "/inbox"))
	b.click("a")
	b.wait("document.querySelector('.who')?.textContent === '" + ada + "'")
	b.click("form .button")
	b.wait("document.querySelector('#out')?.textContent === '200 token'")

	// A foreign page can neither sign the visitor out nor sign them in as another user.
	for _, to := range []string{"logout", "logout/all", strings.TrimPrefix(s.link(carol), "/auth/")} {
		b.do(chromedp.Navigate(s.webmail + "/evil?to=" + to))
		b.click("button")
		b.wait("document.body.innerText.includes('did not work') || document.body.innerText.includes('Cross-origin')")
	}
	b.do(chromedp.Navigate(s.public + "/app"))
	b.wait("document.querySelector('#out')?.textContent === '200 token'")
	if s.count("Sessions") != 1 {
		t.Errorf("%d sessions", s.count("Sessions"))
	}

	// An admin approves from the webmail, although the browser does not send the cookie.
	s.signIn(bob)
	b.do(chromedp.Navigate(s.webmail + "/inbox"))
	b.click("a." + KindAdminNotification)
	b.wait("document.querySelector('h1')?.textContent.startsWith('Continue')")
	b.click("main .button")
	b.wait("document.querySelector('.who')?.textContent === '" + bob + "'")
	b.click("form .button")
	b.wait("document.querySelector('h1')?.textContent === 'Approved'")
	if !s.subject(bob).AdminApproved {
		t.Error("not approved")
	}
}

func TestLinkInAScannerWithScripts(t *testing.T) {
	s := startSite(t, Options{BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1}})
	admin := s.admin()
	s.want(s.as(admin, "POST", "invite", `{"emails":["`+carol+`"]}`), 200, "")
	invitation := s.lastLink()
	_, userCode, device := s.device(bob)
	link := s.link(bob)
	b := openTab(t)
	for _, path := range []string{invitation, device, link} {
		b.do(chromedp.Navigate(s.public + path))
		b.wait("document.querySelector('form') !== null")
		b.do(chromedp.Reload()) // time for anything that would submit itself
		b.wait("document.querySelector('form') !== null && location.pathname !== '/app'")
	}
	if s.count("Sessions") != 1 {
		t.Fatalf("%d sessions", s.count("Sessions"))
	}
	s.want(s.typeCode(device, userCode), 200, "")
	for _, path := range []string{invitation, link} {
		if s.do("POST", path, "").cookie() == "" {
			t.Errorf("%s was used up by looking", path)
		}
	}
}

func TestPagesWithoutScriptsByKeyboard(t *testing.T) {
	s := startSite(t, Options{AutoApprove: true})
	b := openTab(t)
	b.do(chromedp.Navigate("about:blank"))
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	s.must(err)
	deviceCode, userCode, device := s.device(ada)
	b.do(chromedp.Navigate(s.public+device), chromedp.SendKeys(chromedp.CSS("#code"), "WRONG\r"), chromedp.WaitVisible(chromedp.CSS("[role=alert]")))
	b.do(chromedp.SendKeys(chromedp.CSS("#code"), strings.ToLower(userCode)+"\r"), chromedp.WaitNotPresent(chromedp.CSS("#code")))
	s.want(s.poll(deviceCode), 200, "")
}

package web

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/faultnet"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// site is a running gateway with sign-in, a mailbox, the editor and the page.
type site struct {
	t      *testing.T
	dir    string
	url    string // through line, for the browser
	line   *line
	direct string       // for terminals
	extra  atomic.Value // http.Handler of /programs/
}

func startSite(t *testing.T) *site { return startSiteOf(t, gateway.Options{}) }

// startSiteWith starts a site with a grace period.
func startSiteWith(t *testing.T, grace time.Duration) *site {
	t.Helper()
	return startSiteOf(t, gateway.Options{Grace: grace})
}

// startSiteOf starts a site with gateway options.
func startSiteOf(t *testing.T, o gateway.Options) *site {
	t.Helper()
	l := listen(t)
	return startSiteAt(t, o, turnstileKeys{}, l, "http://"+l.Addr().String())
}

// startSiteBehindProxy starts a site that browsers reach through a proxy, which can inject
// more faults than a cut.
func startSiteBehindProxy(t *testing.T, o gateway.Options) (*site, *faultnet.Proxy) {
	t.Helper()
	l := listen(t)
	proxy, err := faultnet.Listen(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return startSiteAt(t, o, turnstileKeys{}, l, proxy.URL()), proxy
}

// startSiteAt starts a site that serves browsers at l, which they reach at url.
func startSiteAt(t *testing.T, o gateway.Options, keys turnstileKeys, l net.Listener, url string) *site {
	t.Helper()
	if load(mustSub())["lmz/lmz.wasm"] == nil {
		t.Fatal("the page is not built: run node scripts/build-web.mjs first")
	}
	direct := listen(t)
	s := &site{t: t, dir: t.TempDir(), url: url, line: &line{Listener: l}, direct: "http://" + direct.Addr().String()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	box := new(auth.Mailbox)
	service, err := auth.Open(auth.Options{
		Dir: s.dir, PublicURL: s.url, Sender: box, AutoApprove: true, Getenv: func(string) string { return "" }, Log: log,
		TurnstileSecret: keys.secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Revocations, o.Log = s.dir, service.Revocations, log
	o.Verify = func(ctx context.Context, token string) (*lmz.Auth, error) {
		if hidden, opaque := strings.CutPrefix(token, "opaque/"); opaque { // clients cannot decode it
			token = strings.ReplaceAll(hidden, "/", ".")
		}
		return service.Authenticate(ctx, token)
	}
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	service.OnRevoke(g.Revoke)
	g.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	g.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	g.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
	g.HandleObject("NOTES", object.Kind{New: newNotes})
	g.HandleWorker("ECHO", func(lmz.Caller) lmz.Handler {
		m := new(lmz.Mux)
		m.Expose("echo", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) { return r.Args[0], nil }))
		m.Expose("decoded", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (v any, err error) {
			return v, r.Arg(0, &v)
		}))
		m.Expose("wait", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			<-ctx.Done()
			return nil, nil
		}))
		return m
	})
	mux := http.NewServeMux()
	mux.Handle("/gateway/", g)
	mux.Handle("/original/", http.StripPrefix("/original", onlyJSON(g)))
	mux.Handle("/auth/", service)
	mux.Handle("/dev/mail", box)
	mux.HandleFunc("/programs/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", contentPolicy)
		s.extra.Load().(http.Handler).ServeHTTP(w, r)
	})
	mux.Handle("/", Handler(Options{TurnstileSiteKey: keys.site}))
	server := &http.Server{Handler: mux}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(s.line) })
	served.Go(func() { server.Serve(direct) })
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		served.Wait()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// onlyJSON makes a gateway speak only the original's protocol.
func onlyJSON(g http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const header = "Sec-WebSocket-Protocol"
		r.Header.Set(header, strings.Replace(r.Header.Get(header), "lmz.cbor,", "", 1))
		g.ServeHTTP(w, r)
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// line is a listener whose connections can be cut.
type line struct {
	net.Listener

	mu    sync.Mutex // guards the following fields
	conns []*mutable
	down  bool
}

// Accept closes new connections at once while the line is cut.
func (l *line) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		down := l.down
		dead := &mutable{Conn: conn}
		l.conns = append(l.conns, dead)
		l.mu.Unlock()
		if !down {
			return dead, nil
		}
		conn.Close()
	}
}

// mutable is a connection that can go silent without ending.
type mutable struct {
	net.Conn
	upgraded, mute, closed atomic.Bool
}

// Close implements [net.Conn], and records the call.
func (c *mutable) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// Read drops what arrives on a silent connection.
func (c *mutable) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.mute.Load() {
			return n, err
		}
	}
}

// Write drops what is sent on a silent connection.
func (c *mutable) Write(b []byte) (int, error) {
	if c.mute.Load() {
		return len(b), nil
	}
	if bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
		c.upgraded.Store(true)
	}
	return c.Conn.Write(b)
}

// swallow makes the current WebSockets silent. New ones work.
func (l *line) swallow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.mute.Store(conn.upgraded.Load())
	}
}

// givenUp reports whether the server has closed all WebSockets.
func (l *line) givenUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(l.conns, func(c *mutable) bool { return c.upgraded.Load() && !c.closed.Load() })
}

// cut closes all connections, and all new ones until it is called with false.
func (l *line) cut(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	if !down {
		return
	}
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

// terminal is a document open in another user's Go program.
type terminal struct {
	t    *testing.T
	doc  *editor.OpenDocument
	wake chan struct{}
}

// terminal opens a document as another user.
func (s *site) terminal(email, document string) *terminal {
	s.t.Helper()
	desk := editor.NewDesk()
	peer := s.connect(email, client.Options{Handler: desk, OnSubscriptionRequired: desk.SubscriptionRequired, OnMissed: desk.Missed})
	wake := make(chan struct{}, 1)
	doc, err := desk.Open(peer, editor.OpenOptions{Document: document, Wake: func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { doc.Close(context.Background()) })
	m := &terminal{s.t, doc, wake}
	m.until("the document is there", doc.Ready)
	return m
}

// until pulls until ok returns true.
func (m *terminal) until(what string, ok func() bool) {
	m.t.Helper()
	timeout := time.After(poll.Patience)
	for m.doc.Pull(); !ok(); m.doc.Pull() {
		select {
		case <-m.wake:
		case <-timeout:
			m.t.Fatalf("the terminal has %q, %v, and never: %s", m.doc.Text(), m.doc.Err(), what)
		}
	}
}

// shows waits until the terminal has a text.
func (m *terminal) shows(want string) {
	m.t.Helper()
	m.until(want, func() bool { return m.doc.Text().String() == want })
}

// write replaces the text that the terminal shows.
func (m *terminal) write(content string) {
	m.t.Helper()
	if err := m.doc.Edit(text.Diff(m.doc.Text().String(), content)); err != nil {
		m.t.Fatal(err)
	}
}

// client connects a Go program of another user.
func (s *site) client(email string) *client.Peer { return s.connect(email, client.Options{}) }

func (s *site) connect(email string, o client.Options) *client.Peer {
	s.t.Helper()
	o.URL = s.direct
	o.Token = func(context.Context, string) (string, error) {
		return auth.Mint(s.dir, func(string) string { return "" }, email, false, time.Hour)
	}
	c, err := client.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		c.Close()
		c.Wait()
	})
	if err := c.Connect(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// sessionEnds waits until the gateway has ended the page's session: a call is answered
// then.
func (s *site) sessionEnds(instance string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), poll.Patience)
	defer cancel()
	_, err := lmz.Call[string](ctx, s.client("eve@example.com"), lmz.At(lmz.DefaultGateway, instance), lmz.Ctn("x"))
	if _, gone := lmz.DisconnectedClient(err); !gone {
		s.t.Fatalf("the session has not ended: %v", err)
	}
}

// reaches waits until a page has answered a call, and so has received everything sent
// before it.
func (s *site) reaches(instance string) {
	s.t.Helper()
	_, err := lmz.Call[string](s.t.Context(), s.client("eve@example.com"), lmz.At(lmz.DefaultGateway, instance), lmz.Ctn("x"))
	if err == nil || lmz.CodeOf(err) == lmz.CodeGateway {
		s.t.Fatalf("the page does not answer: %v", err)
	}
}

// tab is a tab of a browser.
type tab struct {
	t       *testing.T
	ctx     context.Context
	browser context.Context // the browser's context, for more tabs
	close   func()          // closes the tab; the end of the test does so too
}

// browserPath finds a browser, or fails the test.
func browserPath(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no browser: install Chromium (on Debian: apt-get install chromium)")
	return ""
}

// shared is the browser of all tests that do not need a separate one: starting a browser
// takes as long as many tests.
var shared struct {
	once    sync.Once
	browser context.Context
	err     error
	end     []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range slices.Backward(shared.end) {
		end()
	}
	os.Exit(code)
}

// openBrowser opens a tab that shares only the browser's processes with the tabs of other
// tests: it has separate cookies, storage and cache.
func openBrowser(t *testing.T) *tab {
	t.Helper()
	path := browserPath(t)
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "browser")
		if err != nil {
			shared.err = err
			return
		}
		allocator, stop := chromedp.NewExecAllocator(context.Background(), browserOptions(path, dir)...)
		browser, closeBrowser := chromedp.NewContext(allocator)
		shared.browser, shared.err = browser, chromedp.Do(browser)
		shared.end = []func(){func() { os.RemoveAll(dir) }, stop, closeBrowser}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	b := openTabIn(t, shared.browser, chromedp.WithNewBrowserContext())
	b.focus()
	return b
}

// openOwnBrowser starts a browser for one test, with additional options.
func openOwnBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	options := append(browserOptions(browserPath(t), t.TempDir()), more...)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	return openTabIn(t, allocator)
}

func browserOptions(path, dir string) []chromedp.ExecAllocatorOption {
	return append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1200, 800))
}

// openTabIn opens a tab that is closed at the end of the test.
func openTabIn(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *tab {
	browser, closeTab := chromedp.NewContext(parent, options...)
	ctx, expire := context.WithTimeout(browser, 10*time.Minute)
	end := func() {
		expire()
		closeTab()
	}
	t.Cleanup(end)
	return &tab{t, ctx, browser, end}
}

// focus makes the page believe that it has the focus, which only one tab of a browser has.
func (b *tab) focus() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits until an expression is true in the page.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, poll.Patience)
	defer cancel()
	wait := `new Promise((done) => {
		const is = () => { try { return ` + expression + `; } catch { return false; } }; // the page may be loading
		const look = () => is() ? done(true) : setTimeout(look, 10);
		look();
	})`
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise))
		if ok && err == nil {
			return
		}
		if ctx.Err() != nil {
			state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + ' ' + JSON.stringify({...document.body.dataset}) + ' ' + "+
				"(document.getElementById('text')?.text ?? '') + ' ' + document.body.innerText"))
			b.t.Fatalf("not in time: %s\nthe page: %s", expression, state)
		}
		if err != nil && !strings.Contains(err.Error(), "ontext") && !strings.Contains(err.Error(), "navigat") {
			b.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// signIn signs in through the mailbox and returns to the page.
func (b *tab) signIn(s *site, email string) {
	b.t.Helper()
	b.do(chromedp.Navigate(s.url))
	b.until(`document.body.dataset.state === 'signed-out'`)
	b.do(
		chromedp.SendKeys(chromedp.CSS("#address"), email),
		chromedp.Click(chromedp.CSS("#link-form button")),
		chromedp.WaitVisible(chromedp.CSS("#mailbox a")),
		chromedp.Click(chromedp.CSS("#mailbox a")),
		chromedp.WaitVisible(chromedp.CSS("li .button")),
		chromedp.Click(chromedp.CSS("li .button")),
		chromedp.WaitVisible(chromedp.CSS("form .button")),
		chromedp.Click(chromedp.CSS("form .button")),
	)
	b.until(`document.body.dataset.state === 'connected'`)
}

// open opens a document by typing its name.
func (b *tab) open(name string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS("#open-name"), name+"\r"))
	b.until(`document.body.dataset.document === ` + quote(name))
}

// typeText types into the text, at its end unless the cursor was moved.
func (b *tab) typeText(text string) {
	b.t.Helper()
	b.run(`document.getElementById('text').focus()`)
	b.do(chromedp.KeyEvent(text))
}

// crash kills the tab's process.
func (b *tab) crash() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	_ = chromedp.Do(ctx, chromedp.Navigate("chrome://crash")) // which always fails
}

// newTab opens another tab of the same browser user.
func (b *tab) newTab() *tab {
	b.t.Helper()
	tab := openTabIn(b.t, b.browser)
	tab.focus()
	return tab
}

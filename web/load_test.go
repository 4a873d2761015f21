package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"

	"github.com/lumenize/lmz/auth"
)

// These tests load the module from faulty servers and into faulty browsers.

// loadPage serves an empty page, whose scripts have one of ada's tokens as token, and the
// module at lmz.wasm through a test's handler.
type loadPage struct {
	*tab
	site   *site
	token  string
	module atomic.Value // http.HandlerFunc
	asked  atomic.Int64 // requests for the module
}

func newLoadPage(t *testing.T) *loadPage {
	t.Helper()
	s := startSite(t)
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p := &loadPage{tab: openBrowser(t), site: s, token: token}
	s.extra.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/lmz.wasm") {
			w.Header().Set("Content-Type", "text/html")
			return
		}
		p.asked.Add(1)
		w.Header().Set("Cache-Control", "no-store")
		p.module.Load().(http.HandlerFunc)(w, r)
	}))
	return p
}

// open reopens the page.
func (p *loadPage) open(t *testing.T, module http.HandlerFunc) {
	t.Helper()
	p.t = t
	p.module.Store(module)
	p.asked.Store(0)
	p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(p.site.url+"/programs/"))
	p.run(`
		window.wasm = '/programs/lmz.wasm';
		window.refreshed = 0;
		window.config = { wasm, refresh: async () => { refreshed++; return { access_token: '` + p.token + `' }; } };`)
}

var moduleBytes = sync.OnceValue(func() []byte { return load(mustSub())["lmz/lmz.wasm"].forms[""] })

// whole sends the module with a content type.
func whole(contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(moduleBytes())
	}
}

// broken closes the connection in the middle of the module.
func broken(w http.ResponseWriter, r *http.Request) {
	module := moduleBytes()
	w.Header().Set("Content-Type", "application/wasm")
	w.Header().Set("Content-Length", strconv.Itoa(len(module)))
	w.Write(module[:len(module)/2])
	panic(http.ErrAbortHandler)
}

func TestModuleFromAnyServer(t *testing.T) {
	p := newLoadPage(t)
	const works = `
		const client = new lmz.LumenizeClient(config);
		same(await client.lmz.callRaw('ECHO', undefined, client.ctn().echo(1)), 1);
		client.disconnect();`
	const count = `
		window.streamed = 0;
		const real = WebAssembly.instantiateStreaming;
		WebAssembly.instantiateStreaming = (...args) => { streamed++; return real(...args); };`
	for _, tt := range []struct{ name, contentType, before, after string }{
		{"as it should be: compiled while it arrives", "application/wasm", count, `same(streamed, 1);`},
		{"of a wrong type: compiled when it is there", "application/octet-stream", count, `same(streamed, 0);`},
		{"of a type with a parameter", "application/wasm; charset=utf-8", count, `same(streamed, 0);`},
		{"a browser that cannot compile what arrives", "application/wasm", `delete WebAssembly.instantiateStreaming;`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.open(t, whole(tt.contentType))
			p.run(tt.before + works + tt.after)
		})
	}
	t.Run("what the program fetched itself", func(t *testing.T) {
		for _, source := range []string{`fetch(wasm)`, `await fetch(wasm)`, `await (await fetch(wasm)).arrayBuffer()`, `new Uint8Array(await (await fetch(wasm)).arrayBuffer())`} {
			p.open(t, whole("application/wasm"))
			p.run(`config.wasm = ` + source + `;` + works)
		}
	})
}

func TestFailedLoadOfModule(t *testing.T) {
	p := newLoadPage(t)
	unavailable := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}
	// until answers as given until better is set, and then sends the module.
	var better atomic.Bool
	until := func(answer http.HandlerFunc) http.HandlerFunc {
		better.Store(false)
		return func(w http.ResponseWriter, r *http.Request) {
			if better.Load() {
				whole("application/wasm")(w, r)
				return
			}
			answer(w, r)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"the server is not ready": unavailable,
		"no connection":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"the connection breaks":   broken,
		"something else comes": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<!doctype html><title>Please sign in to the network</title>"))
		},
	} {
		t.Run("by the client itself, and calls wait: "+name, func(t *testing.T) {
			p.open(t, until(answer))
			p.run(`
				window.states = [], window.errors = [];
				window.client = new lmz.LumenizeClient({
					...config, onConnectionStateChange: (state) => states.push(state), onConnectionError: (error) => errors.push(error),
				});
				window.calls = [1, 2, 3].map((n) => client.lmz.callRaw('ECHO', undefined, client.ctn().echo(n)));`)
			p.until(`errors.length > 0 && client.connectionState === 'reconnecting'`)
			better.Store(true)
			p.run(`
				same((await Promise.all(calls)).join(), '1,2,3');
				same(states.join(), 'connecting,reconnecting,connected');
				same(errors.every((error) => error instanceof Error), true);
				same(await client.lmz.callRaw('ECHO', undefined, client.ctn().echo(4)), 4);
				client.disconnect();`)
		})
	}

	t.Run("by the program", func(t *testing.T) {
		p.open(t, until(unavailable))
		p.run(`
			const failed = await lmz.load(wasm).then(() => '', (error) => error.message);
			same(failed, 'lmz.wasm cannot be loaded: 503');`)
		better.Store(true)
		p.run(`
			await lmz.load(wasm);
			same(await lmz.load() === await lmz.load(wasm), true);
			const client = new lmz.LumenizeClient(config);
			same(await client.lmz.callRaw('ECHO', undefined, client.ctn().echo(1)), 1);
			client.disconnect();`)
	})

	t.Run("never: calls of a client that is disconnected fail, and it asks no more", func(t *testing.T) {
		p.open(t, unavailable)
		p.run(`
			const client = new lmz.LumenizeClient(config);
			const call = client.lmz.callRaw('ECHO', undefined, client.ctn().echo(1)).catch((error) => error);
			await new Promise((done) => { client.onConnectionError = done; });
			client.disconnect();
			same((await call).lmzCode, 'gateway');
			same(client.connectionState, 'disconnected');`)
		asked := p.asked.Load()
		p.run(`await new Promise((done) => setTimeout(done, 700));`)
		if now := p.asked.Load(); now != asked {
			t.Errorf("the module was asked for %d times more", now-asked)
		}
	})

	t.Run("the token is asked for meanwhile, once", func(t *testing.T) {
		enough := make(chan struct{})
		p.open(t, func(w http.ResponseWriter, r *http.Request) {
			<-enough
			whole("application/wasm")(w, r)
		})
		p.run(`window.late = new lmz.LumenizeClient(config);`)
		p.until(`refreshed === 1 && late.connectionState === 'connecting'`)
		close(enough)
		p.run(`
			await late.connect();
			same(refreshed, 1);
			late.disconnect();`)
	})
}

func TestUnknownMessagesOverJSON(t *testing.T) {
	p := newLoadPage(t)
	page := p.site.extra.Load().(http.HandlerFunc)
	p.site.extra.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/programs/gateway/") {
			page(w, r)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"lmz"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for _, text := range []string{
			`{"type":"connection_status","subscriptionRequired":false}`,
			`{"type":"news","of":["today"]}`, `{"type":"call","callId":"1"}`, `["a list"]`, `7`, `no JSON`, `null`, `lmz:pong`,
			`{"type":"last"}`,
		} {
			if conn.Write(r.Context(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
		conn.Read(r.Context())
	}))
	p.open(t, whole("application/wasm"))
	p.run(`
		window.seen = [];
		class Client extends lmz.LumenizeClient {
			onUnknownMessage(message) { seen.push(JSON.stringify(message)); }
		}
		window.client = new Client({ ...config, baseUrl: location.origin + '/programs' });`)
	p.until(`seen.at(-1) === '{"type":"last"}'`)
	p.run(`
		same(seen.join(' '), '{"type":"news","of":["today"]} {"type":"call","callId":"1"} ["a list"] 7 null {"type":"last"}');
		same(client.connectionState, 'connected');
		client.disconnect();`)
}

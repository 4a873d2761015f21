package web

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/gateway"
)

// buildStats builds a module that reports what it holds, and crashes on demand.
func buildStats(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stats.wasm")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lmzstats", "-ldflags=-checklinkname=0", "-o", path, "../wasmclient")
	build.Env, build.Stderr = append(os.Environ(), "GOOS=js", "GOARCH=wasm"), t.Output()
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	return path
}

// openStats opens a page with that module, as the variable module. client(tab) creates a
// client.
func openStats(t *testing.T, s *site) *tab {
	t.Helper()
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.extra.Store(http.StripPrefix("/programs/", http.FileServer(http.Dir(filepath.Dir(buildStats(t))))))
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url + "/programs/"))
	b.run(`
		window.wasm = '/programs/stats.wasm';
		window.module = await lmz.load(wasm);
		window.client = (tab) => new lmz.LumenizeClient({ wasm, tab, refresh: async () => ({ access_token: '` + token + `' }) });`)
	return b
}

func TestLeaksOfCallsAndPeers(t *testing.T) {
	s := startSite(t)
	p := newPrograms(t, s)
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	type held struct{ GoHeap, Functions, Heap int }
	var rounds []struct {
		What          string
		Before, After held
	}
	// In Node.js, because Chromium slows down pages that open many sockets.
	out := p.command("", "node", "--expose-gc", "leak.mjs", "./node_modules/@lumenize/lmz/lmz.js", buildStats(t), s.direct, token)
	if err := json.Unmarshal([]byte(out), &rounds); err != nil || len(rounds) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, r := range rounds {
		t.Logf("%s: before %+v, after %+v", r.What, r.Before, r.After)
		if r.After.Functions != r.Before.Functions {
			t.Errorf("%s: there were %d function objects and are %d", r.What, r.Before.Functions, r.After.Functions)
		}
		if grown := r.After.GoHeap - r.Before.GoHeap; grown > 100<<10 { // 10 bytes per call, 100 per peer
			t.Errorf("%s: the Go heap grew by %d bytes", r.What, grown)
		}
		if grown := r.After.Heap - r.Before.Heap; grown > 1<<20 {
			t.Errorf("%s: the JavaScript heap grew by %d bytes", r.What, grown)
		}
	}
}

func TestCrashOfModule(t *testing.T) {
	s := startSiteOf(t, gateway.Options{})
	b := openStats(t, s)
	b.run(`
		const c = client('crash');
		const errors = [];
		c.onConnectionError = (error) => errors.push(error.message);
		let subscriptions = 0;
		c.onSubscriptionRequired = () => { subscriptions++; };
		await c.connect();
		const underWay = c.lmz.callRaw('ECHO', undefined, c.ctn().never()).catch((e) => e);
		const asked = c.lmz.callRaw('ECHO', undefined, c.ctn().echo(1)).catch((e) => e.lmzCode);
		module.border.crash();
		same(['unknown', 1].includes(await asked), true);
		same((await underWay) instanceof Error, true);
		same(await c.lmz.callRaw('ECHO', undefined, c.ctn().echo(2)), 2); // it comes back by itself
		same(errors.length, 1);
		same(subscriptions, 2);
		same(c.connectionState, 'connected');
		c.disconnect();`)
}

func TestCrashInNode(t *testing.T) {
	s := startSite(t)
	p := newPrograms(t, s)
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got := p.command("", "node", "crash.mjs", "./node_modules/@lumenize/lmz/lmz.js", buildStats(t), s.direct, token)
	const round = `"unknown","reconnecting",2,1,`
	if want := "[" + round + round + "0]\n"; got != want {
		t.Errorf("it said %s, want %s", got, want)
	}
}

package web

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/gateway"
)

// These tests put a tab through the usual events of tabs, and count how often the client
// was told to subscribe: once for each session (promise 4 of PROTOCOL.md).

const tabScript = `
import { LumenizeClient, meshFn } from '/lmz/lmz.js';
const total = () => Number(sessionStorage.getItem('subscriptions') ?? 0);
class Tab extends LumenizeClient {
	onSubscriptionRequired = () => sessionStorage.setItem('subscriptions', String(total() + 1));
	onConnectionStateChange = (state) => { document.body.dataset.state = state; };
	hello = meshFn(() => 'hello');
}
window.total = total;
window.marker = Math.random();
addEventListener('pageshow', ({ persisted }) => { document.body.dataset.restored = persisted; });
document.addEventListener('freeze', () => froze?.push(ticks));
document.addEventListener('resume', () => woke?.push(ticks));
setInterval(() => { window.ticks = (window.ticks ?? 0) + 1; }, 10);
window.client = new Tab({ refresh: async () => ({ access_token: location.hash.slice(1) }) });
window.ask = () => client.lmz.callRaw('LUMENIZE_CLIENT_GATEWAY', client.lmz.instanceName, client.ctn().hello());
`

// openTab opens a page with a separate client.
func openTab(t *testing.T, s *site) *tab {
	t.Helper()
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.extra.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
			w.Write([]byte(tabScript))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>tab</title><body>`)
		if strings.HasSuffix(r.URL.Path, "/tab") {
			fmt.Fprint(w, `<script type="module" src="tab.js"></script>`)
		}
	}))
	b := openOwnBrowser(t) // a tab whose focus is emulated is not frozen
	b.do(chromedp.Navigate(s.url + "/programs/tab#" + token))
	b.connected(1)
	return b
}

// connected waits for a connection that carries calls, and compares the number of
// subscriptions.
func (b *tab) connected(subscriptions int) {
	b.t.Helper()
	b.until(`document.body.dataset.state === 'connected'`)
	if got := b.run(`same(await ask(), 'hello'); return total();`); got != fmt.Sprint(subscriptions) {
		b.t.Errorf("OnSubscriptionRequired ran %s times, want %d", got, subscriptions)
	}
}

// freeze stops the page, as a browser does with background tabs, until the function
// returns.
func (b *tab) freeze(until func()) {
	b.t.Helper()
	b.run(`window.froze = []; window.woke = [];`)
	b.lifecycle(page.SetWebLifecycleStateStateFrozen)
	until()
	b.lifecycle(page.SetWebLifecycleStateStateActive)
	b.until(`woke.length === 1`)
	if went := b.run(`return woke[0] - froze[0];`); went != "0" && went != "1" {
		b.t.Errorf("the page was not frozen: its timer went on by %s", went)
	}
}

func (b *tab) lifecycle(state page.SetWebLifecycleStateState) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state}); err != nil {
		b.t.Fatal(err)
	}
}

// times are how long a gateway waits for a tab, and the least time for which a tab is away:
// real with LMZ_SOAK=1, and scaled down otherwise.
type times struct{ grace, heartbeat, short time.Duration }

func lifeTimes() times {
	if os.Getenv("LMZ_SOAK") != "" {
		return times{grace: 5 * time.Second, heartbeat: 20 * time.Second, short: 2 * time.Second}
	}
	return times{grace: time.Second, heartbeat: time.Second, short: 300 * time.Millisecond}
}

// The grace period is long here: how soon a tab is back depends on chance and on the load
// of the machine.
func TestTabBrieflyFrozen(t *testing.T) {
	d := lifeTimes()
	s := startSiteOf(t, gateway.Options{Grace: time.Minute, Heartbeat: d.heartbeat})
	b := openTab(t, s)
	instance := b.run(`return client.lmz.instanceName;`)
	b.freeze(func() { // it does not answer
		ctx, cancel := context.WithTimeout(t.Context(), d.short)
		defer cancel()
		if _, err := lmz.Call[string](ctx, s.client("eve@example.com"), lmz.At(lmz.DefaultGateway, instance), lmz.Ctn("hello")); err == nil {
			t.Error("a frozen page answers")
		}
	})
	b.connected(1)
	s.line.cut(true)
	b.until(`document.body.dataset.state === 'reconnecting'`)
	s.line.cut(false)
	b.connected(1)
	b.back(func() {})
	b.connected(1)
}

func TestTabLongFrozen(t *testing.T) {
	d := lifeTimes()
	s := startSiteOf(t, gateway.Options{Grace: d.grace, Heartbeat: d.heartbeat})
	b := openTab(t, s)
	in := func(name string, f func()) {
		t.Run(name, func(t *testing.T) {
			b.t = t
			f()
		})
	}
	instance := b.run(`return client.lmz.instanceName;`)
	in("frozen for longer than the gateway waits: one new session", func() {
		b.freeze(func() { s.sessionEnds(instance) })
		b.until(`document.body.dataset.state !== 'connected' || total() === 2`)
		b.until(`total() === 2`)
		b.connected(2)
	})
	in("the gateway gone for longer than the grace period: one new session", func() {
		s.line.cut(true)
		b.until(`document.body.dataset.state === 'reconnecting'`)
		s.sessionEnds(instance)
		s.line.cut(false)
		b.connected(3)
	})
	in("a line that says nothing any more: found by a probe", func() {
		s.line.swallow()
		b.run(`dispatchEvent(new Event('online'))`)
		b.until(`document.body.dataset.state === 'reconnecting'`)
		b.until(`document.body.dataset.state === 'connected'`)
		b.run(`same(await ask(), 'hello'); sessionStorage.setItem('subscriptions', '4');`) // 3 s may be longer than the grace period
	})
	in("reloaded: one new session at the same address", func() {
		b.do(chromedp.Reload())
		b.until(`total() === 5`)
		b.connected(5)
		if got := b.run(`return client.lmz.instanceName;`); got != instance {
			t.Errorf("it is %s now, and was %s", got, instance)
		}
	})
	in("a copy of the tab: a client of its own", func() {
		b.run(`const copy = window.open(location.href);
			await new Promise((done) => { const look = () => (copy.client?.connectionState === 'connected' ? done() : setTimeout(look, 10)); look(); });
			same(copy.client.lmz.instanceName === client.lmz.instanceName, false);
			same(await copy.ask(), 'hello');
			same(copy.sessionStorage.getItem('subscriptions'), '6'); // its own count, which it began with
			copy.close();`)
		b.connected(5)
	})
}

func TestTabFromCache(t *testing.T) {
	d := lifeTimes()
	s := startSiteOf(t, gateway.Options{Grace: d.grace, Heartbeat: d.heartbeat})
	b := openTab(t, s)
	instance := b.run(`return client.lmz.instanceName;`)
	b.back(func() { s.sessionEnds(instance) })
	b.until(`total() === 2`)
	b.connected(2)

	// The next page has a client too, which holds the address for a while.
	b.run(`document.body.dataset.restored = ''; setTimeout(() => { location.href = '/programs/next/tab' + location.hash; });`)
	b.until(`location.pathname === '/programs/next/tab' && total() === 3`)
	b.connected(3)
	if got := b.run(`return client.lmz.instanceName;`); got != instance {
		t.Errorf("the next page is %s, the one before was %s", got, instance)
	}
	b.run(`setTimeout(() => history.back());`)
	b.until(`location.pathname === '/programs/tab' && document.body.dataset.restored === 'true' && total() === 4`)
	b.connected(4)
}

// back goes to another page and comes back when the function returns.
func (b *tab) back(until func()) {
	b.t.Helper()
	marker := b.run(`document.body.dataset.restored = ''; return marker;`)
	b.do(chromedp.Navigate(b.run(`return location.origin;`) + "/programs/"))
	until()
	b.run(`setTimeout(() => history.back());`) // chromedp would wait for a load event, but there is none
	b.until(`document.body.dataset.restored === 'true'`)
	if got := b.run(`return marker;`); got != marker {
		b.t.Error("the page was loaded anew, not taken from the cache")
	}
}

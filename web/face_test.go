package web

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
)

// These tests use the JavaScript face in the page, like a program loaded there: they run a
// function body in which lmz is the module.

func (b *tab) run(body string) string {
	b.t.Helper()
	script := `(async () => { const lmz = await import('/lmz/lmz.js');
		const same = (a, b) => { if (a !== b) throw new Error('got ' + String(a) + ', want ' + String(b)); };
		` + body + ` })().then((v) => String(v ?? 'ok'), (e) => 'failed: ' + (e?.stack ?? e))`
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(result, "failed: ") {
		b.t.Error(result)
	}
	return result
}

func TestJavaScriptPrograms(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")

	for server, base := range map[string]string{"ours": "", "one that speaks only lmz": "/original"} {
		t.Run("rich values come back from Go as real JavaScript values: "+server, func(t *testing.T) {
			b.t = t
			b.run(`
				class TooFar extends RangeError {}
				lmz.registerError(TooFar);
				const baseUrl = location.origin + '` + base + `', json = '` + base + `' !== '';
				const client = new lmz.LumenizeClient({ baseUrl });
				const day = new Date('2026-11-21T12:00:00.5Z'), why = new Error('why');
				const value = {
					map: new Map([['day', day], [{ k: 1 }, null]]), set: new Set([1, 'a']), day,
					big: 2n ** 70n, bytes: new Uint8Array([1, 2]), floats: new Float64Array([1.5]), none: undefined,
					pattern: /a\/b/gi, url: new URL('https://example.com/x?y'), minus: -0,
					error: Object.assign(new TooFar('far', { cause: why }), { distance: 7, at: day }), all: new AggregateError([why, 2], 'two'),
					both: new SuppressedError(why, 'first', 'second'),
				};
				value.self = value;
				if (!json) value.longs = new BigInt64Array([-5n]);
				for (const method of ['echo', 'decoded']) {
					const back = await client.lmz.callRaw('ECHO', undefined, client.ctn()[method](value));
					same(back.self, back);
					same(back.map.get('day').getTime(), day.getTime());
					if (method === 'echo') same(back.map.get('day'), back.day);
					same([...back.map.keys()][1].k, 1);
					same([...back.set].join(), '1,a');
					same(back.big, value.big);
					same(back.bytes instanceof Uint8Array && back.bytes[1], 2);
					same(back.floats[0], 1.5);
					same(json || back.longs instanceof BigInt64Array && back.longs[0] === -5n, true);
					same('none' in back && back.none, undefined);
					same(String(back.pattern), String(value.pattern));
					same(back.url.href, value.url.href);
					same(Object.is(back.minus, -0), true);
					same(back.error instanceof TooFar && back.error.name === 'TooFar' && back.error.distance, 7);
					same(back.error.cause instanceof Error && back.error.cause.message, 'why');
					same([back.both instanceof SuppressedError, back.both.error.message, back.both.suppressed, back.both.message].join(), 'true,why,first,second');
					same(back.all instanceof AggregateError && back.all.errors[0].message + back.all.errors[1], 'why2');
				}
				const w = document.body.appendChild(document.createElement('iframe')).contentWindow;
				const there = { set: new w.Set([1]), day: new w.Date(5), headers: new w.Headers({ a: '1' }), url: new w.URL('http://a/'), why: new w.TypeError('t') };
				const back = await client.lmz.callRaw('ECHO', undefined, client.ctn().echo(there));
				same([back.set instanceof Set, back.day.getTime(), back.headers.get('a'), back.url.href, back.why instanceof TypeError].join(), 'true,5,1,http://a/,true');
				const refusal = (v) => client.lmz.callRaw('ECHO', undefined, client.ctn().echo([v])).then(() => 'sent', (e) => e.message);
				for (const make of [(w) => new w.Blob(['x']), (w) => new w.FormData(), (w) => new w.URLSearchParams('a=1'), (w) => new w.ReadableStream(), (w) => w.document.body,
					(w) => w.Array.from('').values(), (w) => new w.Event('e'), (w) => w.Promise.resolve(), (w) => w.crypto, (w) => new w.EventTarget(), (w) => w.Temporal?.Now.instant() ?? new w.Image()]) {
					for (const from of [window, w]) {
						const why = await refusal(make(from));
						if (!/^echo\[0\]\[0\]: an? .* cannot be sent: /.test(why)) throw new Error(make + ': ' + why);
					}
				}
				const address = (...call) => client.lmz.callRaw(...call).then(() => 'sent', (e) => e.message);
				same(await address('DOCUMENT_DO', 5, client.ctn().echo(1)), 'instance: text is expected');
				same(await address('ECHO', undefined, client.ctn().echo(1), { timeoutMs: '5' }), 'timeoutMs: a number of milliseconds is expected');
				same(await address('ECHO', undefined, client.ctn().echo(1), { timeoutMs: Infinity }), 'sent');
				same(await refusal('\ud800'), 'echo[0][0]: the text holds half of a surrogate pair, which is no character');
				const large = await client.lmz.callRaw('ECHO', undefined, client.ctn().echo('x'.repeat(1 << 20))).catch((e) => e);
				same(large.name + large.lmzCode, 'TooLargeErrorgateway');
				client.disconnect();
				same(client.connectionState, 'disconnected');`)
		})
	}

	t.Run("a server that speaks only lmz takes and makes calls", func(t *testing.T) {
		b.t = t
		instance := b.run(`
			class Client extends lmz.LumenizeClient {
				seen = [];
				subscriptions = 0;
				onSubscriptionRequired() { this.subscriptions++; }
				onBeforeCall() {}
				hello = lmz.meshFn((name, map) => {
					const { callChain, originAuth, clientState } = this.lmz.callContext;
					this.seen.push(callChain.length, originAuth.sub.length > 0, Object.keys(clientState).length);
					if (name === 'x') throw new TypeError('not x');
					return new Map([[name, map?.get('k') ?? 'none']]);
				});
			}
			window.jsonClient = new Client({ baseUrl: location.origin + '/original' });
			await jsonClient.connect();
			const { ctn } = lmz;
			const failure = (...call) => jsonClient.lmz.callRaw(...call).then(() => { throw new Error('no error'); }, (e) => e);
			same((await failure('DOCUMENT_DO', 'x', ctn().update('text'))).message, 'Must be subscribed to edit');
			same((await failure('NOTHING', 'x', ctn().y())).lmzCode, 'absent');
			same((await failure('ECHO', undefined, ctn().echo(new BigInt64Array(1)))).message, 'echo[0]: a BigInt64Array cannot be sent as JSON: send an array of bigints');
			const me = ['LUMENIZE_CLIENT_GATEWAY', jsonClient.lmz.instanceName];
			same((await jsonClient.lmz.callRaw(...me, ctn().hello('a', new Map([['k', 2n]])))).get('a'), 2n);
			same((await failure(...me, ctn().hello('x'))) instanceof TypeError, true);
			same((await jsonClient.lmz.callRaw(...me, ctn().hello(ctn().hello('b')))).size, 1);
			same(jsonClient.seen.join(), '1,true,0,1,true,0,1,true,0,1,true,0');
			same(jsonClient.subscriptions, 1);
			return jsonClient.lmz.instanceName;`)
		other := s.client("carl@example.com")
		got, err := lmz.Call[lmz.Map](t.Context(), other, lmz.At(lmz.DefaultGateway, instance), lmz.Ctn("hello", "carl"))
		if err != nil || len(got) != 1 {
			t.Errorf("from a Go program: %v, %v", got, err)
		}
		b.run(`jsonClient.disconnect();`)
	})

	t.Run("an opaque token", func(t *testing.T) {
		b.t = t
		b.run(`
			const refresh = async () => {
				const answer = await (await fetch('/auth/refresh-token', { method: 'POST' })).json();
				return { access_token: 'opaque/' + answer.access_token.replaceAll('.', '/') };
			};
			const jwt = new lmz.LumenizeClient(), client = new lmz.LumenizeClient({ refresh, tab: 'opaque' });
			await Promise.all([jwt.connect(), client.connect()]);
			const name = jwt.lmz.instanceName.split('.')[0] + '.opaque';
			same(client.lmz.instanceName, name);
			same(client.claims, null);
			same(await client.lmz.callRaw('ECHO', undefined, lmz.ctn().echo(7)), 7);
			jwt.disconnect();
			client.disconnect();
			const baseUrl = location.origin + '/original', errors = [];
			const nameless = new lmz.LumenizeClient({ baseUrl, refresh, onConnectionError: (e) => errors.push(e.message) });
			const refused = await nameless.connect().then(() => 'connected', (e) => e.message);
			same(refused.includes('set the option Instance') || refused, true);
			nameless.disconnect();
			const named = new lmz.LumenizeClient({ baseUrl, refresh, instanceName: name });
			await named.connect();
			same(await named.lmz.callRaw('ECHO', undefined, lmz.ctn().echo(8)), 8);
			named.disconnect();`)
	})

	t.Run("an error says who failed", func(t *testing.T) {
		b.t = t
		b.run(`
			const client = new lmz.LumenizeClient();
			const failure = (...call) => client.lmz.callRaw(...call).then(() => { throw new Error('no error'); }, (e) => e);
			const { ctn } = lmz;
			const guard = await failure('DOCUMENT_DO', 'x', ctn().update('text'));
			same(guard instanceof Error && guard.message, 'Must be subscribed to edit');
			same(guard.lmzCode, 'guard');
			same((await failure('NOTHING', 'x', ctn().y())).lmzCode, 'absent');
			same((await failure('ECHO', undefined, ctn().missing())).lmzCode, 'absent');
			same((await failure('ECHO', undefined, ctn().echo(1).more())).lmzCode, 'callee');
			same((await failure('ECHO', undefined, ctn().echo)).name, 'TypeError');
			same((await failure('ECHO', undefined, ctn().echo(() => {}))).message, 'echo[0]: a function cannot be sent');
			same((await failure('ECHO', undefined, ctn().echo('x'.repeat(2 << 20)))).lmzCode, 'gateway');
			const gone = await failure('LUMENIZE_CLIENT_GATEWAY', 'nobody.12345678', ctn().x());
			same(gone instanceof lmz.ClientDisconnectedError && gone.clientInstanceName, 'nobody.12345678');
			same((await failure('ECHO', undefined, ctn().echo(1), { signal: AbortSignal.abort() })).name, 'AbortError');
			client.disconnect();
			same((await failure('ECHO', undefined, ctn().echo(1))).lmzCode, 'gateway');
			await client.connect();
			same(await client.lmz.callRaw('ECHO', undefined, ctn().echo(2)), 2);
			client.disconnect();`)
	})

	t.Run("calls made before the module runs go out in order, and replies are run", func(t *testing.T) {
		b.t = t
		b.run(`
			class Client extends lmz.LumenizeClient {
				got = [];
				onDone(tag, outcome) { this.got.push(tag + ':' + (outcome instanceof Error ? outcome.lmzCode : outcome)); }
				order = [];
				note = lmz.meshFn((n) => { this.order.push(n); return this.lmz.callContext.callChain[0].instanceName === this.lmz.instanceName; });
			}
			const client = new Client();
			const states = [];
			client.onConnectionStateChange = (s) => states.push(s);
			const early = client.lmz.callRaw('ECHO', undefined, client.ctn().echo('early'));
			client.lmz.call('ECHO', undefined, client.ctn().echo(1), client.ctn().onDone('a', client.ctn().$result));
			client.lmz.call('NOTHING', undefined, client.ctn().echo(1), client.ctn().onDone('b'));
			same(await early, 'early');
			await client.connect();
			same(states.join(), 'connecting,connected');
			const me = ['LUMENIZE_CLIENT_GATEWAY', client.lmz.instanceName];
			const all = Array.from({ length: 50 }, (_, i) => client.lmz.callRaw(...me, client.ctn().note(i)));
			same((await Promise.all(all)).every(Boolean), true);
			same(client.order.join(), Array.from({ length: 50 }, (_, i) => i).join());
			same(client.got.sort().join(), 'a:1,b:absent');
			let outside = '';
			try { client.lmz.callContext; } catch (e) { outside = e.message; }
			same(outside.startsWith('Cannot access callContext outside'), true);
			client.disconnect();`)
	})

	t.Run("options of a call, and a client that was superseded", func(t *testing.T) {
		b.t = t
		b.run(`
			class Client extends lmz.LumenizeClient {
				seen = [];
				onBeforeCall() {}
				onSuperseded = () => this.seen.push('superseded');
				note = lmz.meshFn((tag) => {
					const { clientState } = this.lmz.callContext;
					this.seen.push(tag + JSON.stringify(clientState));
					if (tag === 'first') {
						const options = { state: { more: 2 } };
						this.lmz.call(...this.me, this.ctn().note('inherits'), this.ctn().done(), options);
						this.lmz.call(...this.me, this.ctn().note('new'), this.ctn().done(), { ...options, newChain: true });
					}
				});
				done() { this.seen.push('in ' + Object.keys(this.lmz.callContext.clientState)); }
				fetch(path) { return this.authedFetch(path); }
			}
			const tokens = [];
			const client = new Client({ tab: 'options', fetch: async (input, init) => {
				const response = await fetch(input, init);
				if (String(input).startsWith('/auth/')) return response;
				tokens.push(init.headers.get('Authorization'));
				return new Response('', { status: tokens.length === 1 ? 401 : 200 });
			} });
			await client.connect();
			client.me = ['LUMENIZE_CLIENT_GATEWAY', client.lmz.instanceName];
			await client.lmz.callRaw(...client.me, client.ctn().note('first'), { state: { k: 1 } });
			while (client.seen.length < 5) await new Promise((done) => setTimeout(done, 5));
			same(client.seen.sort().join(' '), 'first{"k":1} in k in k inherits{"k":1,"more":2} new{"more":2}');
			let failed = 0;
			client.failed = (error) => { failed += error instanceof Error ? 1 : 100; };
			client.lmz.call('ECHO', undefined, client.ctn().echo(1), client.ctn().failed(), { onErrorOnly: true });
			client.lmz.call('ECHO', undefined, client.ctn().gone(), client.ctn().failed(), { onErrorOnly: true });
			same(await client.lmz.callRaw('ECHO', undefined, client.ctn().echo('after')), 'after');
			while (failed === 0) await new Promise((done) => setTimeout(done, 5));
			same(failed, 1);
			same((await client.fetch('/nothing')).status, 200);
			same(tokens.length === 2 && tokens.every((token) => token.startsWith('Bearer ey')), true);
			const newer = new Client({ tab: 'options' });
			await newer.connect();
			while (!client.seen.includes('superseded')) await new Promise((done) => setTimeout(done, 5));
			same(client.connectionState, 'disconnected');
			newer.disconnect();`)
	})

	t.Run("what another client started is refused, unless the program allows it", func(t *testing.T) {
		b.t = t
		instance := b.run(`
			class Client extends lmz.LumenizeClient {
				hello = lmz.meshFn((name) => { if (name === 'x') throw new TypeError('not x'); return 'hello ' + name; });
				plain = () => 'not exposed';
			}
			window.testClient = new Client();
			await testClient.connect();
			return testClient.lmz.instanceName;`)
		other, to := s.client("bob@example.com"), lmz.At(lmz.DefaultGateway, instance)
		call := func(c lmz.Continuation) (string, error) { return lmz.Call[string](t.Context(), other, to, c) }
		if _, err := call(lmz.Ctn("hello", "bob")); lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("by default: %v", err)
		}
		b.run(`testClient.onBeforeCall = () => {};`)
		if got, err := call(lmz.Ctn("hello", lmz.Ctn("hello", "bob"))); got != "hello hello bob" {
			t.Errorf("got %q, %v", got, err)
		}
		for _, name := range []string{"plain", "disconnect", "connectionState", "constructor"} {
			if _, err := call(lmz.Ctn(name)); lmz.CodeOf(err) != lmz.CodeAbsent {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := call(lmz.Ctn("hello", "x")); lmz.CodeOf(err) != lmz.CodeCallee || err.Error() != "TypeError: not x" {
			t.Errorf("an error of the method: %v", err)
		}
		b.run(`testClient.disconnect();`)
	})

	t.Run("a bug in the module costs one call and not the page", func(t *testing.T) {
		b.t = t
		b.run(`
			const client = new lmz.LumenizeClient();
			await client.connect();
			const module = await lmz.load();
			const why = await new Promise((settle) => module.ask('nonsense', 1, (failed, _, message) => settle(failed + ' ' + message)));
			same(why, 'unknown a bug of lmz: unknown operation nonsense');
			same(await client.lmz.callRaw('ECHO', undefined, client.ctn().echo('alive')), 'alive');
			client.disconnect();`)
	})
}

func TestCopyOfTab(t *testing.T) {
	s := startSite(t)
	b := openBrowser(t)
	b.signIn(s, "ada@example.com")
	b.run(`
		const original = document.body.dataset.instance;
		const copy = window.open('/');
		const instance = await new Promise((done) => {
			const look = () => copy.document.body?.dataset.instance ? done(copy.document.body.dataset.instance) : setTimeout(look, 10);
			look();
		});
		same(instance === original, false);
		same(instance.split('.')[0], original.split('.')[0]);
		same(document.body.dataset.state, 'connected');
		same(document.body.dataset.subscriptions, '1');
		copy.close();`)
	b.do(chromedp.Reload())
	b.until(`document.body.dataset.state === 'connected'`)
	b.until(`document.body.dataset.instance.endsWith('.' + sessionStorage.getItem('lmz_tab'))`)
}

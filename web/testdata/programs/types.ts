import { LumenizeClient, Result, ctn, mesh, meshFn, registerError, type CallContext, type Config, type Continuation } from '@lumenize/lmz';

// What must compile, and what must not: each line after @ts-expect-error is an error.

interface Calc {
  add(a: number, b: number): number;
  lookup(name: string): Promise<Map<string, Date>>;
  admin(): Admin;
  readonly size: number;
}
interface Admin { reset(hard: boolean): 'done' }

declare const client: LumenizeClient;

const sum: Promise<number> = client.lmz.callRaw('CALC', 'a', ctn<Calc>().add(1, 2));
const nested: Promise<number> = client.lmz.callRaw('CALC', 'a', ctn<Calc>().add(ctn<Calc>().add(1, 2), 3));
const found: Promise<Map<string, Date>> = client.lmz.callRaw('CALC', 'a', client.ctn<Calc>().lookup('x'));
const done: Promise<'done'> = client.lmz.callRaw('CALC', 'a', ctn<Calc>().admin().reset(true));
const untyped: Promise<unknown> = client.lmz.callRaw('CALC', undefined, ctn().anything(1).at().all());
void [sum, nested, found, done, untyped];

// @ts-expect-error: an argument of the wrong type
ctn<Calc>().add(1, '2');
// @ts-expect-error: a nested continuation of the wrong type
ctn<Calc>().add(1, ctn<Calc>().lookup('x'));
// @ts-expect-error: too many arguments
ctn<Calc>().add(1, 2, 3);
// @ts-expect-error: no such method
ctn<Calc>().subtract(1, 2);
// @ts-expect-error: a property is no method
ctn<Calc>().size();
// @ts-expect-error: the method is named but not called
client.lmz.callRaw('CALC', 'a', ctn<Calc>().add);
// @ts-expect-error: a value is no work
client.lmz.callRaw('CALC', 'a', 5);
// @ts-expect-error: a chain has no such operation
client.lmz.callRaw('CALC', 'a', [{ type: 'set', key: 'size' }]);
// @ts-expect-error: the instance may be undefined, but not left out
client.lmz.callRaw('CALC', ctn<Calc>().add(1, 2));
// @ts-expect-error: the result has another type
const wrong: Promise<string> = client.lmz.callRaw('CALC', 'a', ctn<Calc>().add(1, 2));
// @ts-expect-error: milliseconds are a number
client.lmz.callRaw('CALC', 'a', ctn<Calc>().add(1, 2), { timeoutMs: '5 s' });
// @ts-expect-error: onErrorOnly is for handlers
client.lmz.callRaw('CALC', 'a', ctn<Calc>().add(1, 2), { onErrorOnly: true });
void wrong;

declare const typed: LumenizeClient<{ sub: string; level: number }>;
const level: number | undefined = typed.claims?.level;
// @ts-expect-error: the token has no such claim
typed.claims?.rank;
void level;

class Client extends LumenizeClient {
  onDone(tag: string, outcome: number | Error) { void [tag, outcome]; }
  text = meshFn((s: string) => s.length);

  @mesh<Client>((node, { method, args }) => { void [node.text, method, args.length]; })
  guarded(n: number) { return n; }

  go() {
    const remote = this.ctn<Calc>().add(1, 2);
    this.lmz.call('CALC', 'a', remote, this.ctn().onDone('a', remote));
    this.lmz.call('CALC', 'a', remote, this.ctn().onDone('a', this.ctn().$result));
    this.lmz.call('CALC', 'a', remote, this.ctn().onDone('a', Result));
    this.lmz.call('CALC', 'a', remote, this.ctn().onDone('a'));
    this.lmz.call('CALC', 'a', remote, this.ctn().onDone('a'), { onErrorOnly: true, state: { k: 1 } });
    // @ts-expect-error: the handler has no such method
    this.lmz.call('CALC', 'a', remote, this.ctn().onGone('a'));
    const context: CallContext = this.lmz.callContext;
    // @ts-expect-error: who called cannot be changed
    context.callChain = [];
    // @ts-expect-error: nor on whose behalf
    if (context.originAuth) context.originAuth.sub = 'root';
  }

  // @ts-expect-error: only methods can be exposed
  @mesh() field = 5;
}
// @ts-expect-error: a result of another type than the handler takes
ctn<Client>().onDone('a', ctn<Calc>().lookup('x'));

const config: Config = { baseUrl: 'https://mesh.example.com', refresh: async () => ({ access_token: 't' }), heartbeatIntervalMs: 0 };
// @ts-expect-error: no such option
const misspelled: Config = { refesh: '/auth/refresh-token' };
// @ts-expect-error: a refresh function returns an object
const bare: Config = { refresh: async () => 't' };
void [config, misspelled, bare];

class Quota extends Error { limit = 5; }
registerError(Quota);
// @ts-expect-error: only errors are registered
registerError(Map);
// @ts-expect-error: a guard is a function
meshFn(() => 1, 'anyone');

const kept: Continuation<number> = ctn<Calc>().add(1, 2);
// @ts-expect-error: continuations do not change
kept.$type = 5;

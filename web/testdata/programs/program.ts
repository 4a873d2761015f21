import { LoginRequiredError, LumenizeClient, mesh } from '@lumenize/mesh/client';

// A program as it is written for the original's client. The tests change the line above
// and nothing else, and run it in Node, in Bun, in a page with and without a bundler, in
// a Worker, and against a server that speaks only the original's protocol.

interface Notes {
  subscribe(): string;
  write(text: string): void;
  stamps(stamps: Map<string, Date>): Map<string, Date>;
  fail(how: string): never;
}

interface Echo {
  echo<T>(value: T): T;
}

export class EditorClient extends LumenizeClient {
  readonly seen: string[] = [];
  readonly contents = new Map<string, string>();
  subscriptions = 0;
  #waiting: (() => void)[] = [];

  onSubscriptionRequired = () => {
    this.subscriptions++;
    for (const id of this.contents.keys()) this.open(id);
  };

  onConnectionStateChange = (state: 'disconnected' | 'connecting' | 'connected' | 'reconnecting') => {
    this.seen.push(state);
  };

  onLoginRequired = (error: LoginRequiredError) => {
    this.seen.push(`login ${error.code}`);
  };

  onBeforeCall() {
    const { callChain, originAuth } = this.lmz.callContext;
    if (callChain.at(-1)?.type !== 'LumenizeDO') throw new Error('only documents may call');
    this.lmz.callContext.state['who'] = originAuth?.sub;
  }

  @mesh()
  handleContentUpdate(id: string, content: string) {
    this.contents.set(id, content);
    this.#arrived(`${id}: ${content}, for ${this.lmz.callContext.state['who'] === undefined ? 'nobody' : 'somebody'}`);
  }

  @mesh((client: EditorClient) => { if (client.subscriptions > 0) throw new RangeError('not now'); })
  guarded() {}

  open(id: string) {
    const remote = this.ctn<Notes>().subscribe();
    this.lmz.call('NOTES', id, remote, this.ctn().handleOpened(id, remote));
  }

  handleOpened(id: string, result: string | Error) {
    if (result instanceof Error) return this.#arrived(`${id} cannot be opened: ${result.name}: ${result.message}`);
    this.contents.set(id, result);
    this.#arrived(`${id} opened: ${result}`);
  }

  handleFailure(how: string, error: unknown) {
    this.#arrived(`${how}: ${error instanceof Error}, ${error instanceof RangeError}, ${(error as Error).message}`);
  }

  #arrived(what: string) {
    this.seen.push(what);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(what: string) {
    while (!this.seen.some((line) => line.startsWith(what))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export async function main(config: ConstructorParameters<typeof LumenizeClient>[0]): Promise<string[]> {
  using client = new EditorClient(config); // it connects by itself
  const lines: string[] = [client.connectionState];
  client.contents.set('n1', '');
  const stamps = new Map([['now', new Date(1_700_000_000_123)], ['then', new Date(0)]]);
  const back = await client.lmz.callRaw('NOTES', 'n1', client.ctn<Notes>().stamps(stamps)); // made before there is a connection
  lines.push(`${back instanceof Map}, ${back.get('now')?.toISOString()}, ${back.get('later')?.getTime()}, ${[...back.keys()]}`);

  await client.until('n1 opened');
  client.lmz.call('NOTES', 'n1', client.ctn<Notes>().write('hello'));
  await client.until('n1: hello');
  const remote = client.ctn<Notes>().fail('range');
  client.lmz.call('NOTES', 'n1', remote, client.ctn().handleFailure('fail', remote), { onErrorOnly: true });
  await client.until('fail');

  const cycle: { self?: unknown; day: Date; list: unknown[] } = { day: new Date(5), list: [10n ** 30n, undefined, NaN, new Uint16Array([1, 65535])] };
  cycle.self = cycle;
  cycle.list.push(new Set([cycle.day]), new TypeError('inner', { cause: new Error('outer') }));
  const echoed = await client.lmz.callRaw('ECHO', undefined, client.ctn<Echo>().echo(cycle)) as typeof cycle;
  const [big, none, nan, array, set, error] = echoed.list as [bigint, undefined, number, Uint16Array, Set<Date>, TypeError];
  lines.push(`${echoed.self === echoed}, ${big}, ${none}, ${nan}, ${array instanceof Uint16Array && array[1]}, ${set.has(echoed.day)}`);
  lines.push(`${error instanceof TypeError}, ${error.message}, ${(error.cause as Error).message}`);

  let id = '';
  const nested = client.ctn<Echo>().echo(client.ctn<Echo>().echo(7));
  lines.push(`${await client.lmz.callRaw('ECHO', undefined, nested, { onSent: (callId) => { id = callId; } })}, ${id.length > 0}`);
  lines.push(await client.lmz.callRaw('NOTES', 'n1', client.ctn<Notes>().fail('absent')).then(() => 'no error', (e: Error) => e.message));
  lines.push(`${client.lmz.instanceName.startsWith(client.claims?.['sub'] + '.')}, ${client.lmz.bindingName}, ${client.lmz.type}`);
  client.lmz.call('NOTES', 'n1', client.ctn<Notes>().fail('guarded'), client.ctn().handleFailure('guarded'));
  await client.until('guarded');
  lines.push(...client.seen, String(client.subscriptions));
  client.disconnect();
  lines.push(client.connectionState);
  return lines;
}

import {
  ClientDisconnectedError, GatewayMessageType, LoginRequiredError, LumenizeClient, MESH_CALLABLE, MESH_GUARD, RequestSync, ResponseSync, WS_CLOSE_SUPERSEDED,
  continuationFromChain, createTestRefreshFunction, debug, executeOperationChain, getMeshGuard, getOperationChain, getOrCreateTabId, isMeshCallable, mesh, meshFn,
  newContinuation, replaceNestedOperationMarkers, validateOperationChain,
  type CallContext, type CallMessage, type CallOptions, type CallResponseMessage, type ClientContinuation, type ConnectionState, type ConnectionStatusMessage,
  type GatewayConnectionInfo, type GatewayMessage, type IncomingCallMessage, type IncomingCallResponseMessage, type LmzApiClient, type LumenizeClientConfig,
  type MeshGuard, type NodeIdentity, type NodeType, type Operation, type OperationChain, type OriginAuth, type TabIdDeps, type Unprotected,
} from '@lumenize/mesh/client';

// Another program for the original's client: it uses each member, option and name that there is.

interface Claims { sub: string; email?: string }
interface Echo { echo<T>(value: T): T }
interface Notes { subscribe(): string; write(text: string): void; fail(how: string): never }

interface EditorConfig extends LumenizeClientConfig { onContent?: (content: string) => void }

class LimitError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LimitError';
  }
}
(globalThis as any).LimitError = LimitError;

const onlyTheFirst: MeshGuard<Editor> = (editor) => { if (editor.contents.length > 0) throw new LimitError('one is enough'); };

class Editor extends LumenizeClient<Claims> {
  readonly contents: string[] = [];
  #onContent: EditorConfig['onContent'];

  constructor({ onContent, ...config }: EditorConfig) {
    super(config);
    this.#onContent = onContent;
  }

  onConnectionStateChange = () => { throw new Error('the configuration has another one'); };

  override onBeforeCall(): void {
    super.onBeforeCall();
  }

  @mesh(onlyTheFirst)
  handleContentUpdate(id: string, content: string) {
    const context: CallContext = this.lmz.callContext;
    const origin: NodeIdentity | undefined = context.callChain[0], auth: OriginAuth | undefined = context.originAuth;
    this.contents.push(content);
    this.#onContent?.(`${id}: ${content}, ${origin?.type}, ${auth?.sub === this.claims?.sub}`);
  }
}

const failed = (call: Promise<unknown>): Promise<Error & { code?: unknown }> => call.then(() => { throw new Error('no error'); }, (e) => e);

export async function main(config: LumenizeClientConfig): Promise<string[]> {
  const lines: string[] = [], seen: ConnectionState[] = [];
  let arrived = (_: string) => {};
  const next = () => new Promise<string>((resolve) => { arrived = resolve; });
  const tab = await getOrCreateTabId({} satisfies TabIdDeps);
  using editor = new Editor({
    ...config, instanceName: `somebody.${tab}`, onContent: (content) => arrived(content),
    onConnectionStateChange: (state) => { seen.push(state); }, onLoginRequired: (error: LoginRequiredError) => { lines.push(error.reason); },
  });
  const lmz: LmzApiClient = editor.lmz;
  lines.push(`${lmz.instanceName === `somebody.${tab}`}`);

  const chain: OperationChain = [{ type: 'get', key: 'echo' } satisfies Operation, { type: 'apply', args: [{ n: 5 }] }];
  lines.push(`${(await lmz.callRaw('ECHO', undefined, chain)).n}, ${await lmz.callRaw('ECHO', undefined, continuationFromChain(chain)).then((v: any) => v.n)}`);
  lines.push(`${lmz.instanceName === `${editor.claims?.sub}.${tab}`}, ${seen}`);
  const nested: OperationChain = getOperationChain(editor.ctn<Echo>().echo(editor.ctn<Echo>().echo(7)))!;
  lines.push(`${await lmz.callRaw('ECHO', undefined, nested)}`);
  lines.push((await failed(lmz.callRaw('ECHO', undefined, [{ type: 'get', key: 'echo' }]))).name);

  await lmz.callRaw('NOTES', 'n1', editor.ctn<Notes>().subscribe());
  const first = next();
  lmz.call('NOTES', 'n1', editor.ctn<Notes>().write('hello'));
  lines.push(await first);
  const name = lmz.instanceName, address = 'LUMENIZE_CLIENT_GATEWAY';
  lines.push(`${await failed(lmz.callRaw(address, name, editor.ctn<Editor>().handleContentUpdate('x', 'y'))).then((e) => `${e instanceof LimitError}, ${e.name}, ${e.message}, ${'code' in e}`)}`);
  using other = new LumenizeClient(config);
  lines.push((await failed(other.lmz.callRaw(address, name, other.ctn<Editor>().handleContentUpdate('x', 'y')))).message);
  const gone = await failed(lmz.callRaw(address, `${editor.claims?.sub}.00000000`, editor.ctn<Editor>().handleContentUpdate('x', 'y')));
  lines.push(`${gone instanceof ClientDisconnectedError}, ${'code' in gone}`);
  lines.push(`${'code' in await failed(lmz.callRaw('NOTHING', 'n1', editor.ctn<any>().x()))}`);

  const request = new RequestSync('https://example.com/a b', { method: 'post', headers: { 'X-A': '1' }, body: { a: [1] } });
  const [asked, answered] = await lmz.callRaw('ECHO', undefined, editor.ctn<Echo>().echo([request.clone(), new ResponseSync('{"b":2}', { status: 201 })])) as [RequestSync, ResponseSync];
  lines.push(`${asked.method}, ${asked.url}, ${asked.headers.get('x-a')}, ${asked.text()}, ${asked.credentials}`);
  lines.push(`${answered.status}, ${answered.json().b}, ${new Uint8Array(answered.arrayBuffer()).length}`);
  lines.push(`${(await ResponseSync.fromResponse(new Response('{"c":3}', { headers: { 'Content-Type': 'application/json' } }))).json().c}`);

  const guard = getMeshGuard(editor.handleContentUpdate), own = meshFn(() => 1);
  lines.push(`${guard === onlyTheFirst}, ${isMeshCallable(own)}, ${isMeshCallable(lines.push)}, ${MESH_CALLABLE in own}, ${MESH_GUARD in own}`);
  lines.push(`${await executeOperationChain([{ type: 'get', key: 'length' }], 'four', { requireMeshDecorator: false })}`);
  const filled: OperationChain = replaceNestedOperationMarkers(chain, 6);
  validateOperationChain(filled);
  lines.push(`${JSON.stringify(filled[1])}, ${GatewayMessageType.CALL}, ${WS_CLOSE_SUPERSEDED}, ${debug('app').enabled}, ${typeof createTestRefreshFunction}`);

  const options: CallOptions = { newChain: true, state: { k: 1 } };
  const pending = failed(lmz.callRaw('ECHO', undefined, editor.ctn<Echo>().echo(1), options));
  editor.disconnect();
  lines.push(`${(await pending).message}, ${(await failed(lmz.callRaw('ECHO', undefined, editor.ctn<Echo>().echo(1)))).message}`);

  lmz.call('ECHO', undefined, editor.ctn<Echo>().echo(1)); // nobody wants to know that it fails: it is logged
  for (const wrong of [() => lmz.call('NOTES', 'n1', 5 as any), () => lmz.call('NOTES', 'n1', chain as any), () => lmz.call('NOTES', 'n1', editor.ctn<Echo>().echo(1), {} as any), () => lmz.callContext]) {
    try {
      wrong();
    } catch (error) {
      lines.push((error as Error).message);
    }
  }
  const { baseUrl: _, ...nowhere } = config;
  lines.push(await new Promise((resolve) => new LumenizeClient({ ...nowhere, onConnectionError: (error) => resolve(error.message) })));

  using offline = new LumenizeClient({ ...config, baseUrl: 'http://127.0.0.1:1' });
  const calls = Array.from({ length: 101 }, () => failed(offline.lmz.callRaw('ECHO', undefined, offline.ctn<Echo>().echo(1))));
  lines.push((await Promise.race(calls)).message);
  offline.disconnect();
  lines.push((await calls[0]!).message);
  return lines;
}

export type Names = [
  CallMessage, CallResponseMessage, ClientContinuation<Notes>, ConnectionStatusMessage, GatewayConnectionInfo, GatewayMessage, IncomingCallMessage,
  IncomingCallResponseMessage, NodeType, Unprotected<Notes>,
];

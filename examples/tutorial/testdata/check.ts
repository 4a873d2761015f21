import type { LumenizeClientConfig } from '@lumenize/lmz';

import { EditorClient, type SpellFinding } from './editor.js';

// Two people, and a gateway that is restarted. The tests put it beside editor.ts.

interface Probe {
  tell(instance: string, method: string, ...args: unknown[]): string;
}

/** What one client is told. */
class Told {
  readonly #lines: string[] = [];
  #wake = () => {};

  readonly callbacks = {
    onContentUpdate: (content: string) => this.#add(`content: ${content}`),
    onSpellFindings: (findings: SpellFinding[]) => this.#add(`findings: ${JSON.stringify(findings)}`),
  };

  #add(line: string) {
    this.#lines.push(line);
    this.#wake();
  }

  /** Waits for n lines and takes them; documents and spell checkers keep no order between each other. */
  async take(n: number): Promise<string> {
    while (this.#lines.length < n) await new Promise<void>((resolve) => { this.#wake = resolve; });
    return this.#lines.splice(0).sort().join('; ');
  }
}

/** What a client says that cannot connect, and one that has not connected yet. */
function early(config: LumenizeClientConfig): string[] {
  const message = (f: () => unknown) => { try { return String(f()); } catch (error) { return (error as Error).message; } };
  const { WebSocket: _, ...bare } = config;
  const { WebSocket } = globalThis; // newer versions of Node.js have one
  delete (globalThis as { WebSocket?: unknown }).WebSocket;
  const without = message(() => new EditorClient(bare));
  globalThis.WebSocket = WebSocket;
  using client = new EditorClient(config);
  using named = new EditorClient({ ...config, instanceName: 'ann.tab' });
  return [without, message(() => client.lmz.instanceName), named.lmz.instanceName];
}

export async function main(config: LumenizeClientConfig): Promise<string[]> {
  const said = early(config);
  using ann = new EditorClient(config);
  using bob = new EditorClient(config);
  const annTold = new Told(), bobTold = new Told();
  await Promise.all([ann.connect(), bob.connect()]);
  const annsNotes = ann.openDocument('notes', annTold.callbacks);
  const bobsNotes = bob.openDocument('notes', bobTold.callbacks);
  said.push(await annTold.take(1), await bobTold.take(1));

  annsNotes.saveContent('Teh cat');
  said.push(await annTold.take(2), await bobTold.take(1));

  ann.clearAccessToken(); // the connection stays, and the next one asks for another
  said.push(`${ann.claims}, ${ann.connectionState}`);
  const restart = await fetch(`${config.baseUrl}/restart`, { method: 'POST' });
  said.push(`restart: ${restart.status}`, await annTold.take(1), await bobTold.take(1)); // they have subscribed again

  bobsNotes.saveContent('The cat');
  said.push(await annTold.take(1), await bobTold.take(1));

  annsNotes.close();
  bobsNotes.saveContent('The dog');
  said.push(await bobTold.take(1));
  const tell = (method: string, ...args: unknown[]) => ann.lmz.callRaw('PROBE', undefined, ann.ctn<Probe>().tell(ann.lmz.instanceName, method, ...args));
  said.push(await tell('handleContentUpdate', 'notes', 'x'), await tell('handleSubscribeResult', 'notes', 'x'), await tell('openDocument', 'notes', {}));
  said.push(await annTold.take(0)); // nothing after close
  return said;
}

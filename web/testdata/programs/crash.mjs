// Has the module crash in Node.js while timers of it run, and goes on:
// node crash.mjs MODULE WASM URL TOKEN

import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [path, wasm, baseUrl, token] = process.argv.slice(2);
const { LumenizeClient, load } = await import(path);
const bytes = readFileSync(wasm);
const write = console.log;
console.log = () => {}; // Go says there why it ends

// soon has the timers that are due within a second.
const soon = new Set();
const { setTimeout: set, clearTimeout: clear } = globalThis;
globalThis.setTimeout = (f, ms, ...args) => {
  const timer = set((...given) => { soon.delete(timer); f(...given); }, ms, ...args);
  if (ms < 1000) soon.add(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => { soon.delete(timer); clear(timer); };

const lines = [];
for (const how of ['crash', 'overflow']) {
  const errors = [];
  const client = new LumenizeClient({
    baseUrl, wasm: bytes, WebSocket, refresh: async () => ({ access_token: token }), onConnectionError: (error) => errors.push(error),
  });
  await client.connect();
  const { border } = await load();
  const underWay = client.lmz.callRaw('ECHO', undefined, client.ctn().wait(), { timeoutMs: 200 }).catch((error) => error.lmzCode); // has a timer
  await client.lmz.callRaw('ECHO', undefined, client.ctn().echo(1));
  border[how]();
  lines.push(await underWay);
  while (soon.size > 0) await new Promise(setImmediate); // the timers of the module that has ended are over
  lines.push(client.connectionState, await client.lmz.callRaw('ECHO', undefined, client.ctn().echo(2)), errors.length);
  border[how](); // is nobody's any more
  client.disconnect();
}
process.on('exit', (code) => write(JSON.stringify([...lines, code]))); // nothing keeps the process alive
